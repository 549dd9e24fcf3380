"""Hand a verdict from task to task: as JSON values, and back. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from pg_cdc.decisions.slots.dangers import Severity
from pg_cdc.decisions.slots.runway import Confidence, Limit, Runway
from pg_cdc.decisions.slots.verdicts import Kind, Verdict
from pg_cdc.decisions.slots.world import Owner, OwnerKind, SlotRow


def verdict_values(verdict: Verdict) -> dict[str, Any]:
    """Return ``verdict`` as JSON values."""
    values: dict[str, Any] = _plain(asdict(verdict))
    return values


def verdict_of(values: Mapping[str, Any]) -> Verdict:
    """Return the verdict that ``verdict_values`` was given."""
    runway, owner = values["runway"], values["owner"]
    parts = {
        "slot": SlotRow(**values["slot"]),
        "kind": Kind(values["kind"]),
        "severity": Severity(values["severity"]),
        "reasons": tuple(values["reasons"]),
        "runway": Runway(**runway | {k: v(runway[k]) for k, v in (("limit", Limit), ("confidence", Confidence))}),
        "owner": Owner(**owner | {"kind": OwnerKind(owner["kind"])}),
    }
    return Verdict(**{**values, **parts})


def _plain(value: Any) -> Any:
    """Return ``value`` with enums as their text and tuples as lists: what JSON and Airflow's XCom both take."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str.__str__(value) if isinstance(value, str) else value

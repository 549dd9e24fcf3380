"""How DMS will move the LOBs of a table, by the task settings and the table's own rule. Pure.

Source: https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Tasks.LOBSupport.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pg_cdc.config import Migration
from pg_cdc.decisions.preflight.table_facts import TableName

LOB_KILOBYTES = 32
"""DMS's default LobMaxSize."""


class LobHandling(StrEnum):
    """Left out; cut at a size; moved whole, by a look-up for each row."""

    NONE = "none"
    LIMITED = "limited"
    FULL = "full"


@dataclass(frozen=True, kw_only=True)
class LobMode:
    """``kilobytes``: where limited mode cuts. ``by_rule``: a table-settings rule says so, not the task settings."""

    handling: LobHandling
    kilobytes: int = LOB_KILOBYTES
    by_rule: bool = False


def task_lob_mode(migration: Migration) -> LobMode:
    """Return what the task settings say; limited mode is DMS's default."""
    target = migration.replication.task_settings.get("TargetMetadata", {})
    kilobytes = int(target.get("LobMaxSize", LOB_KILOBYTES))
    if target.get("SupportLobs") is False:
        return LobMode(handling=LobHandling.NONE, kilobytes=kilobytes)
    full = target.get("FullLobMode") is True
    return LobMode(handling=LobHandling.FULL if full else LobHandling.LIMITED, kilobytes=kilobytes)


def table_lob_modes(migration: Migration) -> Mapping[TableName, LobMode]:
    """Return the tables whose own ``lob-settings`` stand before those of the task."""
    default = task_lob_mode(migration)
    found = {}
    for rule in migration.tables.rules:
        if rule.get("rule-type") == "table-settings" and isinstance(rule.get("lob-settings"), Mapping):
            locator = rule["object-locator"]
            name = (str(locator["schema-name"]), str(locator["table-name"]))
            found[name] = _own_mode(rule["lob-settings"], default)
    return found


def _own_mode(settings: Mapping[str, Any], default: LobMode) -> LobMode:
    words = {"limited": LobHandling.LIMITED, "unlimited": LobHandling.FULL, "none": LobHandling.NONE}
    handling = words.get(str(settings.get("mode")), default.handling)
    size = int(settings.get("bulk-max-size") or default.kilobytes)
    return LobMode(handling=handling, kilobytes=size, by_rule=True)

"""Write down a run of slot hygiene: JSON for machines, Markdown for people, and the figures to be metered. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from pg_cdc.decisions.amounts import HOUR, bytes_text, time_text
from pg_cdc.decisions.markdown import bullets, section, table
from pg_cdc.decisions.preflight.findings import counted
from pg_cdc.decisions.slots.actions import AlarmChange, DropPlan, Judged
from pg_cdc.decisions.slots.cache_advice import cache_advice
from pg_cdc.decisions.slots.dangers import RANK, Severity
from pg_cdc.decisions.slots.policy import Policy, qualified
from pg_cdc.decisions.slots.run import Mode
from pg_cdc.decisions.slots.verdict_values import verdict_values
from pg_cdc.decisions.slots.verdicts import Verdict
from pg_cdc.decisions.slots.world import SourceFacts

Metric = tuple[str, float, dict[str, str]]
COLUMNS = ("slot", "verdict", "severity", "held_back", "runway", "idle", "owner", "why")
PREFIX = "pg_cdc.slot"


@dataclass(frozen=True, kw_only=True)
class DropLine:
    """What came of dropping a slot."""

    identifier: str
    slot: str
    dropped: bool
    text: str


@dataclass(frozen=True, kw_only=True)
class SourceReport:
    """What was found on one server. ``facts`` None: it could not be checked, ``error`` says why."""

    identifier: str
    facts: SourceFacts | None = None
    verdicts: tuple[Verdict, ...] = ()
    error: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RunReport:
    """A whole run. ``sources``: what ``source_values`` gave for each."""

    sources: Sequence[Mapping[str, Any]]
    mode: Mode
    plan: DropPlan = field(default_factory=DropPlan)
    drops: Sequence[DropLine] = ()
    alarms: Sequence[AlarmChange] = ()
    run_id: str = ""
    notes: Sequence[str] = ()


def source_values(source: SourceReport, policy: Policy) -> dict[str, Any]:
    """Return one server's part of the report, as JSON values: small enough to hand from task to task."""
    facts = source.facts
    values: dict[str, Any] = {"identifier": source.identifier, "checked": facts is not None, "error": source.error}
    if facts is None:
        return {**values, "slots": [], "notes": list(source.notes)}
    return {
        **values,
        "at": facts.at,
        "version_num": facts.version_num,
        "in_recovery": facts.in_recovery,
        "storage": asdict(facts.storage),
        "slots": [verdict_values(verdict) for verdict in _gravest_first(source.verdicts)],
        "cache_hit_percent": {rate.slot: rate.hit_percent for rate in facts.cache_rates},
        "walsenders": list(facts.walsenders),
        "subscriptions": list(facts.subscriptions),
        "publications": list(facts.publications),
        "origins": list(facts.origins),
        "pglogical_nodes": list(facts.pglogical_nodes),
        "notes": [*source.notes, *cache_advice(facts.cache_rates, policy)],
    }


def as_json(run: RunReport) -> dict[str, Any]:
    """Return the report as JSON values: what ``hygiene/latest.json`` holds."""
    return {
        "run_id": run.run_id,
        "acts": run.mode.acts,
        "mode": run.mode.why,
        "unchecked": list(unchecked(run.sources)),
        "sources": [dict(source) for source in run.sources],
        "plan": {
            "why": run.plan.why,
            "needs_approval": run.plan.needs_approval,
            "drops": _names(run.plan.drops),
            "withheld": _names(run.plan.withheld),
        },
        "drops": [asdict(line) for line in run.drops],
        "alarms": [asdict(change) for change in run.alarms],
        "notes": list(run.notes),
    }


def unchecked(sources: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return each source that could not be checked, with why: one is enough for a run to have failed."""
    return tuple(f"{source['identifier']}: {source['error']}" for source in sources if not source["checked"])


def as_markdown(report: Mapping[str, Any]) -> str:
    """Return the report of ``as_json`` for people: what needs them comes first."""
    parts = [
        f"# Slot hygiene: {_headline(report)}",
        f"{report['mode']}; {report['plan']['why']}.",
        section("Could not check", bullets(report["unchecked"])),
        section("Alarms that changed", bullets([alarm["text"] for alarm in report["alarms"]])),
        section("Dropped", bullets([_drop_text(line) for line in report["drops"]])),
        section(f"Would go, but not now: {report['plan']['why']}", bullets(report["plan"]["withheld"])),
        section("To be known", bullets(report["notes"])),
        *(_source_text(source) for source in report["sources"] if source["checked"]),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def metrics(identifier: str, verdicts: Sequence[Verdict]) -> tuple[Metric, ...]:
    """Return the gauges of a server's slots: name, value, tags. What is not known has none: zero would be a lie."""
    return tuple(metric for verdict in verdicts for metric in _metrics(identifier, verdict))


def _metrics(identifier: str, verdict: Verdict) -> Iterator[Metric]:
    tags = {"source": identifier, "slot": verdict.name}
    values = {
        "retained_bytes": verdict.retained_bytes,
        "runway_hours": verdict.runway.hours,
        "idle_seconds": verdict.idle_seconds,
    }
    for name, value in values.items():
        if value is not None:
            yield f"{PREFIX}.{name}", float(value), tags


def _gravest_first(verdicts: Sequence[Verdict]) -> list[Verdict]:
    return sorted(verdicts, key=lambda verdict: (-RANK[verdict.severity], not verdict.drop, verdict.name))


def _names(judged: Sequence[Judged]) -> list[str]:
    return [qualified(identifier, verdict.name) for identifier, verdict in judged]


def _headline(report: Mapping[str, Any]) -> str:
    slots = [slot for source in report["sources"] for slot in source["slots"]]
    told = [(severity, sum(slot["severity"] == severity for slot in slots)) for severity in reversed(Severity)]
    counts = [f"{number} {severity}" for severity, number in told if severity and number]
    blind = [f"{len(report['unchecked'])} could not be checked"] if report["unchecked"] else []
    scope = f"{counted(len(slots), 'slot')} on {counted(len(report['sources']), 'source')}"
    return ", ".join([scope, *(counts or ["nothing to worry about"] * (not blind)), *blind])


def _drop_text(line: Mapping[str, Any]) -> str:
    return f"{qualified(line['identifier'], line['slot'])}: {line['text']}"


def _source_text(source: Mapping[str, Any]) -> str:
    room = source["storage"]["free_bytes"]
    free = f"{bytes_text(room)} free" if room is not None else "what is free is not known"
    how = f" ({source['storage']['how']})" if source["storage"]["how"] else ""
    rows = table(COLUMNS, [_row(slot) for slot in source["slots"]]) or "No slots."
    body = "\n\n".join(part for part in (f"{free}{how}.", rows, bullets(source["notes"])) if part)
    return section(source["identifier"], body)


def _row(slot: Mapping[str, Any]) -> dict[str, Any]:
    hours, idle, held = slot["runway"]["hours"], slot["idle_seconds"], slot["slot"]["retained_bytes"]
    return {
        "slot": slot["slot"]["name"],
        "verdict": f"{slot['kind']}, to be dropped" if slot["drop"] else slot["kind"],
        "severity": slot["severity"],
        "held_back": None if held is None else bytes_text(held),
        "runway": None if hours is None else time_text(hours * HOUR),
        "idle": None if idle is None else time_text(idle),
        "owner": f"{slot['owner']['kind']} {slot['owner']['owner_id']}".strip(),
        "why": "; ".join(slot["reasons"]),
    }

"""Decide what a run came to, and write it down as JSON and as Markdown. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from pg_cdc.config import MigrationType
from pg_cdc.decisions.markdown import bullets, section, table

FAILED = "failed"
NOT_RUN = (None, "skipped", "removed")
WAITS_FOR_FAILED = "upstream_failed"
SLOT_COLUMNS = ("name", "plugin", "active", "retained_bytes", "lag_bytes", "confirmed_flush_lsn", "applied_lsn")


class Status(StrEnum):
    """How a run ended. ``streaming`` is said only of a stream that was proved."""

    STREAMING = "streaming"
    LOADED = "loaded"
    PLANNED = "planned"
    REJECTED = "rejected"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Step:
    """One task of the run. ``state``: Airflow's word; None: not started. ``failure``: what it raised, if it refused."""

    task_id: str
    state: str | None
    seconds: float | None = None
    failure: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Failure:
    """The step that ended the run, and why."""

    step: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Report:
    """What is told about a run; the fields of ``reports/latest.json``."""

    migration: str
    status: Status
    source: Mapping[str, Any] = field(default_factory=dict)
    target: Mapping[str, Any] = field(default_factory=dict)
    parameters: Sequence[Mapping[str, Any]] = ()
    reboots: Sequence[Mapping[str, Any]] = ()
    tables: Sequence[Mapping[str, Any]] = ()
    slot: Mapping[str, Any] = field(default_factory=dict)
    marker: Mapping[str, Any] = field(default_factory=dict)
    assessment: Mapping[str, Any] = field(default_factory=dict)
    warnings: Sequence[str] = ()
    steps: Sequence[Mapping[str, Any]] = ()
    failure: Failure | None = None
    plan: str = ""


def judge_run(
    steps: Sequence[Step],
    *,
    migration_type: MigrationType,
    dry_run: bool,
    rejected: bool,
    slot: Mapping[str, Any] | None = None,
    proofs: Sequence[str] | None = None,
) -> tuple[Status, Failure | None]:
    """Return the status of a run and, when it failed, where and why. ``slot``: as it is now; None: not read.

    ``proofs``: the steps without which nothing is proved; None: those of DMS.
    """
    if failure := first_failure(steps):
        return Status.FAILED, failure
    if dry_run:
        return Status.PLANNED, None
    if rejected:
        return Status.REJECTED, None
    states = {step.task_id: step.state for step in steps}
    for proof in _proofs(migration_type) if proofs is None else proofs:
        if states.get(proof) != "success":
            reason = f"{proof} is {states.get(proof) or 'not run'}: nothing is proved without it"
            return Status.FAILED, Failure(step=proof, reason=reason)
    if migration_type is MigrationType.FULL_LOAD:
        return Status.LOADED, None
    if not (slot and slot.get("active")):
        reason = f"the replication slot is {'not active' if slot else 'not to be found'} at the time of this report"
        return Status.FAILED, Failure(step="report", reason=reason)
    return Status.STREAMING, None


def first_failure(steps: Sequence[Step]) -> Failure | None:
    """Return the first step that failed; those that only wait for it are not to blame."""
    for step in steps:
        if step.state == FAILED:
            return Failure(step=step.task_id, reason=_reason(step))
    blocked = next((step for step in steps if step.state == WAITS_FOR_FAILED), None)
    return Failure(step=blocked.task_id, reason="a step before it failed") if blocked else None


def _proofs(migration_type: MigrationType) -> tuple[str, ...]:
    return ("wait_full_load",) if migration_type is MigrationType.FULL_LOAD else ("wait_full_load", "wait_streaming")


def _reason(step: Step) -> str:
    if not step.failure:
        return "it failed without a finding: see its log"
    return "; ".join(f"{word} {step.failure[word].strip()}" for word in ("found", "expected", "next"))


def as_json(report: Report) -> dict[str, Any]:
    """Return the report as JSON values: plan, assessment and failure only when there is one."""
    values = asdict(report)
    rare = {key: values.pop(key) for key in ("plan", "assessment", "failure")}
    return values | {key: value for key, value in rare.items() if value}


def as_markdown(report: Report) -> str:
    """Return the report for people."""
    ends = f"{_end(report.source)} to {_end(report.target)}"
    parts = [f"# Migration {report.migration}: {report.status}", f"From {ends}."]
    if report.failure:
        parts.append(f"**Stopped at `{report.failure.step}`**: {report.failure.reason}")
    if report.slot:
        columns = tuple(column for column in SLOT_COLUMNS if column in report.slot)
        parts.append(section("Slot", table(columns, [report.slot])))
    if report.marker:
        parts.append(f"A marker row written on the source was read on the target after {report.marker['seconds']} s.")
    if report.assessment:
        parts.append(section("Assessment", _assessment(report.assessment)))
    parts += [
        section("Warnings", bullets(report.warnings)),
        section("Tables", table(("schema", "table", "state", "source_rows", "target_rows"), report.tables)),
        section("Parameters", table(("name", "before", "after", "apply_type"), report.parameters)),
        section("Reboots", table(("instance", "reason", "seconds"), report.reboots)),
        section("Steps", table(("task_id", "seconds"), report.steps)),
        report.plan if report.status in (Status.PLANNED, Status.REJECTED) else "",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _assessment(found: Mapping[str, Any]) -> str:
    """Return the outcome of DMS's assessment: what passed as a number, the rest by name."""
    rows = found.get("individual", ())
    passed = sum(row["status"] == "passed" for row in rows)
    told = f"Run {found['run']} is {found['status']}: {passed} of {len(rows)} passed. Results: {found['results_in']}."
    rest = table(("name", "status"), [row for row in rows if row["status"] != "passed"])
    return f"{told}\n\n{rest}" if rest else told


def _end(end: Mapping[str, Any]) -> str:
    if bucket := end.get("bucket"):
        return f"s3://{bucket}/{end.get('folder', '')}/"
    name = end.get("identifier") or end.get("host") or "an unknown server"
    return f"{name}, database {end.get('database', 'unknown')}"

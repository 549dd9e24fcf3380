"""Tell what a run of slot hygiene came to, in JSON for machines and in Markdown for people."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pg_cdc.decisions.outcome import Outcome
from pg_cdc.failures import CdcFailure, StepFailed
from pg_cdc.operators.hygiene.check import looks_of
from pg_cdc.operators.hygiene.decide import APPROVE_TASK, NOT_ASKED, plan_of
from pg_cdc.operators.hygiene.step import HygieneOperator, mode_of

if TYPE_CHECKING:
    from airflow.sdk import Context

    from pg_cdc.config.hygiene import Hygiene
    from pg_cdc.decisions.slots.run import Mode
    from pg_cdc.facts.run import Run

FOLDER = "hygiene"
LATEST = "latest"
NOT_IN_FILES = re.compile(r"[^A-Za-z0-9._+-]")


class HygieneReportOperator(HygieneOperator):
    """Write the report; then fail when a server could not be checked or a step failed, so that the run is seen to.

    :param destination: a directory, as a path or any ObjectStoragePath URL; None: the environment variable
        PG_CDC_REPORTS, or ``reports`` beside the dags folder.
    """

    template_fields = ("destination",)

    def __init__(self, *, destination: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.destination = destination

    def execute(self, context: Context) -> dict[str, Any]:
        """Write a report even of params that cannot be read."""
        try:
            self.spec(context)
        except CdcFailure as failure:
            why = f"the params: found {failure.found}; expected {failure.expected}"
            write_report(_blank(context, why), context, self.destination)
            self.refuse(context, failure)
        return super().execute(context)

    def work(self, hygiene: Hygiene, context: Context) -> Outcome:
        """Gather, judge, write."""
        from pg_cdc.facts.run import read_run

        run = read_run(context, own_task=self.task_id)
        report = make_report(hygiene, context, run)
        place = write_report(report, context, self.destination)
        self.log.info("%s", report["markdown"])
        if bad := [*report["unchecked"], *report["failures"]]:
            raise StepFailed(
                found="; ".join(bad),
                expected="every server to be checked, and every step to succeed",
                next=f"look at {place}, and cure it; the next run looks again",
            )
        return Outcome(facts={"report": place})


def make_report(hygiene: Hygiene, context: Context, run: Run, *, note: str = "") -> dict[str, Any]:
    """Return the report as JSON values, with its text under ``markdown``."""
    from pg_cdc.decisions.slots.actions import AlarmChange
    from pg_cdc.decisions.slots.report import DropLine, RunReport, as_json, as_markdown

    looks = looks_of(context)
    report = as_json(
        RunReport(
            sources=[look["report"] for look in looks],
            mode=_mode(context, run),
            plan=plan_of(looks, hygiene),
            drops=[DropLine(**line) for line in run.facts("drop_orphans").get("drops", ())],
            alarms=[AlarmChange(**alarm) for alarm in run.facts("raise_alarms").get("alarms", ())],
            run_id=str(context.get("run_id") or ""),
            notes=[*([note] if note else _approval(run)), *_warnings(run)],
        )
    )
    failures = [*_unkept(looks), *_failed(run), *run.facts("drop_orphans").get("errors", ())]
    text = as_markdown({**report, "notes": [*failures, *report["notes"]]})
    return {"at": _began(context), **report, "failures": failures, "markdown": text}


def write_report(report: Mapping[str, Any], context: Context, destination: str | None = None) -> str:
    """Write the report under its run's name, and as the latest one unless it is of the past or there is a newer one.

    Return where the text is.
    """
    from pg_cdc.hooks.report_files import report_directory, write_files

    directory = report_directory(destination) / FOLDER
    names = [NOT_IN_FILES.sub("_", str(context.get("run_id") or "run"))]
    latest = directory / f"{LATEST}.json"
    newer = latest.exists() and json.loads(latest.read_text()).get("at", 0.0) > report["at"]
    if report["acts"] and not newer:
        names.append(LATEST)
    values = {key: value for key, value in report.items() if key != "markdown"}
    for name in names:
        write_files(directory, {f"{name}.json": json.dumps(values, indent=2) + "\n", f"{name}.md": report["markdown"]})
    return str(directory / f"{names[0]}.md")


def _blank(context: Context, why: str) -> dict[str, Any]:
    report = {"run_id": str(context.get("run_id") or ""), "acts": mode_of(context).acts, "sources": []}
    text = f"# Slot hygiene: nothing was checked\n\n{why}\n"
    return {"at": _began(context), **report, "unchecked": [], "failures": [why], "markdown": text}


def _began(context: Context) -> float:
    run = context.get("dag_run")
    began: datetime | None = getattr(run, "start_date", None)
    return (began or datetime.now(UTC)).timestamp()


def _mode(context: Context, run: Run) -> Mode:
    """Return what the run could do when it decided: by now it may have waited for a human for long."""
    from pg_cdc.decisions.slots.run import Mode

    decided = run.facts("decide")
    return Mode(acts=bool(decided["acts"]), why=str(decided["mode"])) if decided else mode_of(context)


def _approval(run: Run) -> list[str]:
    facts = run.facts(APPROVE_TASK)
    said = facts.get("approval", NOT_ASKED)
    by = f" by {facts['by']}" if facts.get("by") else ""
    return [] if said == NOT_ASKED else [f"approval: {said}{by}"]


def _warnings(run: Run) -> list[str]:
    """Return what the alarms' step warned of; the others' warnings are in the report as such."""
    return list(run.returned.get("raise_alarms", {}).get("warnings", ()))


def _unkept(looks: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield what was seen and could not be written down: such a server is told of, and never acted on."""
    for look in looks:
        if look["report"]["checked"] and look["report"]["error"]:
            yield f"{look['server']['label']}: {look['report']['error']}"


def _failed(run: Run) -> Iterator[str]:
    for step in run.steps:
        if step.state == "failed":
            failure = step.failure or {}
            yield f"{step.task_id} failed: {failure.get('found', 'its log says why')}"

"""Tell what a run came to, whatever it came to, in JSON for machines and in Markdown for people."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pg_cdc.config import MigrationType
from pg_cdc.decisions.outcome import Outcome
from pg_cdc.failures import CdcFailure, StepFailed
from pg_cdc.operators.base import CdcOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from pg_cdc.config import Migration
    from pg_cdc.decisions.report import Failure, Report, Status
    from pg_cdc.facts.result import Result
    from pg_cdc.facts.run import Run

LATEST = "latest"


class ReportOperator(CdcOperator):
    """Write the report of this run; then fail, if any step did, so that the run is seen to have failed.

    :param destination: a directory, as a path or any ObjectStoragePath URL; None: the environment variable
        PG_CDC_REPORTS, or ``reports`` beside the dags folder.
    """

    template_fields = ("destination",)

    proofs: tuple[str, ...] | None = None
    """The steps without which nothing is proved; None: those of DMS."""

    def __init__(self, *, destination: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.destination = destination

    def execute(self, context: Context) -> dict[str, Any]:
        """Write a report even of a spec that cannot be read."""
        from pg_cdc.decisions.report import Failure, Report, Status

        try:
            self.spec(context)
        except CdcFailure as failure:
            name = str(context["params"].get("spec_file") or context["params"].get("name"))
            reason = f"the spec: found {failure.found}; expected {failure.expected}; next {failure.next}"
            self._write(
                Report(migration=name, status=Status.FAILED, failure=Failure(step="spec", reason=reason)), LATEST
            )
            self.refuse(context, failure)
        return super().execute(context)

    def step(self, migration: Migration, context: Context) -> Outcome:
        """Gather, judge, write."""
        from pg_cdc.decisions.report import as_markdown, judge_run
        from pg_cdc.facts.run import read_run

        run = read_run(context, own_task=self.task_id)
        result = self.result(migration)
        status, failure = judge_run(
            run.steps,
            migration_type=migration.replication.migration_type,
            dry_run=migration.safety.dry_run,
            rejected=run.facts("approve_plan").get("approval") == "rejected",
            slot=result.slot,
            proofs=self.proofs,
        )
        report = _report(migration, run, result, status, failure)
        self.log.info("%s", as_markdown(report))
        places = self._write(report, LATEST, migration.name)
        if failure:
            raise StepFailed(
                found=f"{failure.step}: {failure.reason}",
                expected="every step to succeed",
                next=f"cure it and clear {failure.step} with what follows; the report is {places[0]}",
            )
        return Outcome(facts={"status": report.status.value, "report": places[0]}, warnings=tuple(report.warnings))

    def result(self, migration: Migration) -> Result:
        """Return what the migration has come to."""
        from pg_cdc.facts.result import read_result

        return read_result(migration)

    def _write(self, report: Report, *names: str) -> tuple[str, ...]:
        from pg_cdc.decisions.report import as_json, as_markdown
        from pg_cdc.hooks.report_files import write_report

        texts = {".json": json.dumps(as_json(report), indent=2) + "\n", ".md": as_markdown(report)}
        return write_report(self.destination, texts, *names)


def _report(migration: Migration, run: Run, result: Result, status: Status, failure: Failure | None) -> Report:
    from pg_cdc.decisions.report import Report, Status

    streams = migration.replication.migration_type is not MigrationType.FULL_LOAD
    return Report(
        migration=migration.name,
        status=status,
        source={"identifier": migration.source.identifier, "database": migration.source.database, **result.source},
        target=_target(migration),
        parameters=list(_parameters(run, result)),
        reboots=list(run.facts("reboot_source").get("reboots", ())),
        tables=result.tables,
        slot=result.slot if streams else {},
        marker=result.marker if streams else {},
        assessment=result.assessment,
        warnings=[*run.warnings(), *result.unread],
        steps=[{"task_id": s.task_id, "state": s.state, "seconds": s.seconds} for s in run.steps],
        failure=failure,
        plan=run.facts("plan").get("markdown", "") if status in (Status.PLANNED, Status.REJECTED) else "",
    )


def _target(migration: Migration) -> dict[str, Any]:
    from pg_cdc.decisions.lake.files import folder

    if migration.lake.bucket:
        lake = migration.lake
        return {"bucket": lake.bucket, "folder": folder(migration), "format": lake.data_format.value}
    target = migration.target
    return {"identifier": target.identifier, "host": target.host, "database": target.database}


def _parameters(run: Run, result: Result) -> Iterator[dict[str, Any]]:
    """Yield each planned parameter as it was before this migration, if a step knows that, and as it is now."""
    planned = run.facts("prove_parameters").get("parameters") or run.facts("plan").get("parameters", ())
    for row in planned:
        name = row["name"]
        kept = {"name": name, "before": row["before"], "after": result.settings.get(name)}
        yield {**kept, "apply_type": row["apply_type"]}

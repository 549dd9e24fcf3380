"""Say what a teardown will take down and what it leaves, ask, take turns, and tell in the end what is left."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from airflow.sdk.bases.skipmixin import SkipMixin

from pg_cdc.config.teardown import teardown_from_params
from pg_cdc.decisions.outcome import Outcome
from pg_cdc.failures import CdcFailure, NotYet, StepFailed
from pg_cdc.operators.base import CdcOperator
from pg_cdc.operators.gate import GateOperator, Question
from pg_cdc.operators.lease import ReleaseLeaseOperator, TakeLeaseOperator
from pg_cdc.operators.turn import owner_of

if TYPE_CHECKING:
    from airflow.sdk import Context

    from pg_cdc.config import Migration

INSPECT_TASK = "inspect_residue"
APPROVE_TASK = "approve_teardown"
PREFIX = "teardown-"
LATEST = f"{PREFIX}latest"


class InspectResidueOperator(CdcOperator):
    """Look for everything that the migration can have made, and say what will go, what stays and why."""

    def step(self, migration: Migration, context: Context) -> Outcome:
        """Look and tell; nothing is changed."""
        from pg_cdc.decisions.teardown.residue import as_markdown, as_values, counts
        from pg_cdc.facts.teardown.residue import read_residue

        lines = read_residue(migration, teardown_from_params(context["params"]), run=owner_of(migration, context))
        text = as_markdown(migration.name, lines, planned=True)
        self.log.info("%s", text)
        return Outcome(facts={"counts": counts(lines), "lines": as_values(lines), "markdown": text})


class StopIfNothingToDoOperator(CdcOperator, SkipMixin):
    """Skip all that changes anything on a dry run, and where nothing is there to be taken down."""

    inherits_from_skipmixin = True

    def step(self, migration: Migration, context: Context) -> Outcome:
        """Say whether the run goes on."""
        from pg_cdc.decisions.teardown.plan import has_work
        from pg_cdc.facts.teardown.residue import read_residue

        teardown = teardown_from_params(context["params"])
        if teardown.dry_run:
            self.log.info("Dry run: nothing was changed. What would be is in the log of the task %s.", INSPECT_TASK)
            return Outcome(facts={"goes_on": False, "why": "dry run"})
        if not has_work(read_residue(migration, teardown, run=owner_of(migration, context))):
            return Outcome(facts={"goes_on": False, "why": "nothing to take down"})
        return Outcome(facts={"goes_on": True, "why": ""})

    def execute(self, context: Context) -> dict[str, Any]:
        """Skip what follows if the run does not go on."""
        done = super().execute(context)
        if not done["facts"]["goes_on"] and (ti := context.get("ti")) is not None:
            ti.xcom_push(key="return_value", value=done)
            self.skip(ti=ti, tasks=self.get_direct_relatives(upstream=False))
        return done


class ApproveTeardownOperator(GateOperator):
    """Wait for Approve or Reject, when the form asks for approval; what will go is shown beside the buttons."""

    def step(self, migration: Migration, context: Context) -> Outcome:
        """Ask, or go on without approval when none was asked for."""
        if teardown_from_params(context["params"]).require_approval:
            self.ask(context)
        return Outcome(facts={"approval": "not asked for"})

    def question(self, context: Context) -> Question:
        """Return what is asked."""
        migration = self.spec(context)
        return Question(
            subject=f"Approve the teardown of migration {migration.name}",
            body=context["ti"].xcom_pull(task_ids=INSPECT_TASK)["facts"]["markdown"],
            minutes=migration.timeouts.approval_minutes,
            again=f"clear {INSPECT_TASK} and what follows: it looks afresh, and is asked about again",
        )


class TakeTeardownLeaseOperator(TakeLeaseOperator):
    """Wait for this run's turn on the source, if that is there: where it is not, nothing of it is changed."""

    def step(self, migration: Migration, context: Context) -> Outcome:
        """Take the lease, or go on without a source."""
        from pg_cdc.facts.teardown.source_reach import SourceAway, reach_source
        from pg_cdc.hooks.lease import DATABASE

        try:
            reach_source(migration, dbname=DATABASE)[1].close()
        except SourceAway as away:
            return Outcome(warnings=(f"no lease was taken, could not reach the source: {away}",))
        return super().step(migration, context)


class ReleaseTeardownLeaseOperator(ReleaseLeaseOperator):
    """Give the lease back, where it still is: it goes with its table when the last migration does."""

    def step(self, migration: Migration, context: Context) -> Outcome:
        """Release it, or say that the source is away: the lease ends by itself then."""
        from pg_cdc.facts.teardown.source_reach import SourceAway, reach_source
        from pg_cdc.hooks.lease import DATABASE

        try:
            return super().step(migration, context)
        except (CdcFailure, NotYet):
            try:
                reach_source(migration, dbname=DATABASE)[1].close()
            except SourceAway as away:
                return Outcome(warnings=(f"could not reach the source to give a lease back: {away}",))
            raise


class ResidueReportOperator(CdcOperator):
    """Look for everything again, write down what is gone, kept and left, and fail if anything is left or unknown.

    :param destination: a directory, as a path or any ObjectStoragePath URL; None: the environment variable
        PG_CDC_REPORTS, or ``reports`` beside the dags folder.
    """

    template_fields = ("destination",)

    def __init__(self, *, destination: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.destination = destination

    def step(self, migration: Migration, context: Context) -> Outcome:
        """Gather, judge, write."""
        from pg_cdc.decisions.teardown.plan import Ending, as_json, judge_teardown
        from pg_cdc.decisions.teardown.residue import as_markdown, counts
        from pg_cdc.facts.run import read_run
        from pg_cdc.facts.teardown.residue import read_residue
        from pg_cdc.hooks.report_files import write_report

        teardown = teardown_from_params(context["params"])
        run = read_run(context, own_task=self.task_id)
        lines = read_residue(migration, teardown, run=owner_of(migration, context))
        rejected = run.facts(APPROVE_TASK).get("approval") == "rejected"
        ending, why = judge_teardown(lines, run.steps, dry_run=teardown.dry_run, rejected=rejected)
        text = as_markdown(migration.name, lines, planned=teardown.dry_run or rejected)
        self.log.info("%s", text)
        values = as_json(migration.name, lines, ending=ending, why=why, teardown=teardown)
        texts = {".json": json.dumps(values, indent=2) + "\n", ".md": text}
        places = write_report(self.destination, texts, LATEST, f"{PREFIX}{migration.name}")
        if ending is Ending.FAILED:
            raise _failure(why, places[0])
        return Outcome(facts={"status": ending.value, "counts": counts(lines), "report": places[0]})


def _failure(why: tuple[str, ...], place: str) -> CdcFailure:
    return StepFailed(
        found="".join(f"\n  {one}" for one in why),
        expected="nothing left, and everything checked",
        next=f"see {place}: it has the command for each thing left; then clear this run or trigger again",
    )

"""Between the plan and the first change: stop for a dry run, or wait for a human's word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk.bases.skipmixin import SkipMixin

from pg_cdc.decisions.outcome import Outcome
from pg_cdc.operators.base import CdcOperator
from pg_cdc.operators.gate import GateOperator, Question

if TYPE_CHECKING:
    from airflow.sdk import Context

    from pg_cdc.config import Migration

PLAN_TASK = "plan"


class StopIfDryRunOperator(CdcOperator, SkipMixin):
    """Skip all that changes anything when the run is a dry run; tasks with trigger rule all_done still run."""

    inherits_from_skipmixin = True

    def step(self, migration: Migration, context: Context) -> Outcome:
        """Say whether the run goes on."""
        if migration.safety.dry_run:
            self.log.info("Dry run: nothing was changed. The plan is in the log of the task %s.", PLAN_TASK)
        return Outcome(facts={"dry_run": migration.safety.dry_run})

    def execute(self, context: Context) -> dict[str, Any]:
        """Skip what follows on a dry run."""
        done = super().execute(context)
        if done["facts"]["dry_run"] and (ti := context.get("ti")) is not None:
            ti.xcom_push(key="return_value", value=done)
            self.skip(ti=ti, tasks=self.get_direct_relatives(upstream=False))
        return done


class ApprovePlanOperator(GateOperator):
    """Wait for Approve or Reject, when the spec asks for approval; the plan is shown beside the buttons."""

    def step(self, migration: Migration, context: Context) -> Outcome:
        """Ask, or go on without approval when none was asked for."""
        if migration.safety.require_approval:
            self.ask(context)
        return Outcome(facts={"approval": "not asked for"})

    def question(self, context: Context) -> Question:
        """Return what is asked."""
        migration = self.spec(context)
        return Question(
            subject=f"Approve the plan of migration {migration.name}",
            body=context["ti"].xcom_pull(task_ids=PLAN_TASK)["facts"]["markdown"],
            minutes=migration.timeouts.approval_minutes,
            again="clear plan and what follows: the plan is made afresh and asked about again",
        )

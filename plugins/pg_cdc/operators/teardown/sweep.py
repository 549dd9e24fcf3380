"""Take down what is past its time: each migration in a run of its own of pg_cdc_teardown."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from pg_cdc.decisions.outcome import Outcome
from pg_cdc.failures import StepFailed
from pg_cdc.operators.base import CdcOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

TEARDOWN_DAG = "pg_cdc_teardown"
FIND_TASK = "find_expired"
TROUBLES = "troubles"


class SweepOperator(CdcOperator):
    """A step that is about no migration in particular."""

    def spec(self, context: Context) -> Any:
        """Return nothing: the step finds its migrations itself."""
        return None


class FindExpiredOperator(SweepOperator):
    """Find the migrations whose resources carry a time that is past, and return them for the next to map over."""

    def step(self, migration: Any, context: Context) -> Outcome:
        """Read the spec files and the tags, and decide."""
        from pg_cdc.decisions.teardown.expiry import sweep
        from pg_cdc.facts.teardown.expiry import read_registered, read_tagged

        registered = read_registered()
        decided = sweep(list(read_tagged(registered)), registered.files, time.time())
        troubles = (*registered.troubles, *decided.troubles)
        for note in registered.notes:
            self.log.info("%s", note)
        for one in decided.due:
            self.log.info("%s expired at %s: %s", one.migration, one.expires_at, one.spec_file)
        return Outcome(facts={"due": [vars(one) for one in decided.due], TROUBLES: list(troubles)}, warnings=troubles)

    def execute(self, context: Context) -> Any:
        """Return what is due alone: Airflow maps only over what a task returns."""
        facts = super().execute(context)["facts"]
        if (ti := context.get("ti")) is not None:
            ti.xcom_push(key=TROUBLES, value=facts[TROUBLES])
        return facts["due"]


class TriggerTeardownOperator(SweepOperator):
    """Start the teardown of one migration, and do not wait for it. One that this sweep started is not started again.

    :param due: ``migration``, ``expires_at`` and ``spec_file``.
    """

    template_fields = ("due",)

    def __init__(self, *, due: dict[str, str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.due = due

    def step(self, migration: Any, context: Context) -> Outcome:
        """Ask Airflow for the run, as the provider's operator does; to import that one costs more than a parse."""
        from airflow.sdk.exceptions import DagRunTriggerException

        dry_run = bool(context["params"].get("dry_run"))
        raise DagRunTriggerException(
            trigger_dag_id=TEARDOWN_DAG,
            dag_run_id=f"{self.due['migration']}__{context['run_id']}",
            conf={"spec_file": self.due["spec_file"], "teardown_dry_run": dry_run},
            logical_date=None,
            reset_dag_run=False,
            skip_when_already_exists=True,
            wait_for_completion=False,
            allowed_states=["success"],
            failed_states=["failed"],
            poke_interval=60,
            deferrable=False,
        )


class SweepReportOperator(SweepOperator):
    """Fail the run for what is past its time and cannot be taken down from here."""

    def step(self, migration: Any, context: Context) -> Outcome:
        """Tell."""
        troubles = context["ti"].xcom_pull(task_ids=FIND_TASK, key=TROUBLES)
        if troubles is None:
            troubles = [f"{FIND_TASK} failed"]
        if troubles:
            raise StepFailed(
                found="".join(f"\n  {one}" for one in troubles),
                expected="a readable spec file for everything that has expired, in include/migrations",
                next="add or correct the file, or take the resources down by hand; then clear this run",
            )
        return Outcome(facts={TROUBLES: 0})

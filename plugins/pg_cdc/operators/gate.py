"""Wait for a human's word before what changes anything."""

from __future__ import annotations

import inspect
from abc import abstractmethod
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow.sdk.bases.skipmixin import SkipMixin

from pg_cdc.failures import NotYet, WaitedTooLong
from pg_cdc.operators.base import CdcOperator, started

if TYPE_CHECKING:
    from airflow.sdk import Context


class Question(NamedTuple):
    """What is asked. ``again``: what to do when nobody answered in time."""

    subject: str
    body: str
    minutes: int
    again: str


class GateOperator(CdcOperator, SkipMixin):
    """Wait for Approve or Reject. A rejection skips what follows and is no failure; no answer in time is one."""

    inherits_from_skipmixin = True

    @abstractmethod
    def question(self, context: Context) -> Question:
        """Return what this gate asks."""

    def ask(self, context: Context) -> None:
        """Put the question as the provider's operator does; the answer comes to ``execute_complete`` of this one.

        That operator is no base class: importing it costs more than all the rest of the DAG file.
        """
        from airflow.providers.standard.operators.hitl import ApprovalOperator

        question = self.question(context)
        gate = ApprovalOperator(
            task_id=self.task_id,
            subject=question.subject,
            body=question.body,
            response_timeout=timedelta(minutes=question.minutes),
        )
        # Unwrapped: Airflow's wrapper refuses or warns of an operator that runs another one.
        inspect.unwrap(ApprovalOperator.execute)(gate, context)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> dict[str, Any]:
        """Go on when approved; skip the rest when rejected."""
        if event.get("error_type") == "timeout":
            self.refuse(context, _no_answer(self.question(context)))
        if "error" in event:
            raise NotYet(f"no answer: {event['error']}")
        approval = "approved" if event["chosen_options"] == ["Approve"] else "rejected"
        by = (event.get("responded_by_user") or {}).get("name")
        self.log.info("%s by %s", approval.capitalize(), by)
        done = {
            "changes": [],
            "facts": {"approval": approval, "by": by},
            "warnings": [],
            "seconds": round((datetime.now(UTC) - started(context)).total_seconds(), 1),
        }
        if approval == "rejected":
            self.end_here(context, done)
        return done

    def end_here(self, context: Context, done: dict[str, Any]) -> None:
        """Skip what follows; tasks with trigger rule all_done still run."""
        context["ti"].xcom_push(key="return_value", value=done)
        self.skip(ti=context["ti"], tasks=self.get_direct_relatives(upstream=False))


def _no_answer(question: Question) -> WaitedTooLong:
    return WaitedTooLong(
        found=f"no answer within {question.minutes} minutes to: {question.subject}",
        expected="Approve or Reject under Required Actions",
        next=question.again,
    )

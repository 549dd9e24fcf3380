"""What every step of a migration is: read facts, decide, act, prove, and say what was done."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException

from pg_cdc.failures import CdcFailure, NotYet, WaitedTooLong
from pg_cdc.hooks.memo import hooks_shared
from pg_cdc.spec import migration_from_mapping, migration_from_params
from pg_cdc.waits import LOOKS_IN_ERROR

if TYPE_CHECKING:
    from airflow.sdk import Context

    from pg_cdc.config import Migration
    from pg_cdc.decisions.outcome import Outcome
    from pg_cdc.waits import Look, Wait

PATIENCE_SECONDS = 8
"""A deferral costs about 3 s (defer, triggerer, scheduler, second start), so short waits are done in place."""

FIRST_PAUSE_SECONDS = 0.5

RETRIES = 3
RETRY_DELAY = timedelta(seconds=20)
"""For throttling, lost connections and what is not seen yet; a refusal is final and is not retried."""


class CdcOperator(BaseOperator):
    """A step. Subclasses give ``step``; running it again when all is so already makes no mutating call.

    :param migration: the spec as a mapping; None: from the run's params.
    :param patience_seconds: how long ``wait_for`` polls in the worker before it defers.
    """

    ui_color = "#e8f0fe"

    resume_method = "resume"
    """What runs after a deferral: a step that must not act twice names another while it waits for what it did."""

    def __init__(
        self,
        *,
        migration: Mapping[str, Any] | None = None,
        patience_seconds: float = PATIENCE_SECONDS,
        retries: int = RETRIES,
        retry_delay: timedelta = RETRY_DELAY,
        **kwargs: Any,
    ) -> None:
        super().__init__(retries=retries, retry_delay=retry_delay, **kwargs)
        self.migration = migration
        self.patience_seconds = patience_seconds

    @abstractmethod
    def step(self, migration: Migration, context: Context) -> Outcome:
        """Do the step. Raise a CdcFailure when a retry cannot help."""

    def spec(self, context: Context) -> Migration:
        """Return the migration of this run."""
        if self.migration is not None:
            return migration_from_mapping(self.migration)
        return migration_from_params(context["params"])

    def execute(self, context: Context) -> dict[str, Any]:
        """Run the step and return what it did: ``changes``, ``facts``, ``warnings``, ``seconds``."""
        try:
            with hooks_shared():
                outcome = self.step(self.spec(context), context)
        except CdcFailure as failure:
            self.refuse(context, failure)
        for change in outcome.changes:
            self.log.info("Changed: %s", change)
        if not outcome.changes:
            self.log.info("Nothing to do: all is so already.")
        for warning in outcome.warnings:
            self.log.warning("%s", warning)
        return {
            "changes": list(outcome.changes),
            "facts": dict(outcome.facts),
            "warnings": list(outcome.warnings),
            "seconds": round((datetime.now(UTC) - started(context)).total_seconds(), 1),
        }

    def refuse(self, context: Context, failure: CdcFailure) -> NoReturn:
        """Fail for good, and leave what was found, expected and is next for the report."""
        self._note_failure(context, failure)
        raise AirflowFailException(str(failure)) from failure

    def resume(self, context: Context, event: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the step again after a wait: it reads the facts itself and trusts no event."""
        if event and event.get("end") == "error":
            raise NotYet(f"{self.task_id}: could not look while waiting: {event['text']}")
        return self.execute(context)

    def wait_for(
        self, wait: Wait, context: Context, *, timeout: timedelta, poll_seconds: float, first_pause: float | None = None
    ) -> None:
        """Return when ``wait`` is done: polls here for ``patience_seconds``, then defers and runs the step again.

        ``first_pause``: seconds before the second look, None: half a second; each pause is half as long again.

        :raises WaitedTooLong: ``timeout`` after the task's start.
        """
        deadline = (started(context) + timeout).timestamp()
        patience_ends = time.time() + self.patience_seconds
        pause = min(FIRST_PAUSE_SECONDS if first_pause is None else first_pause, poll_seconds)
        said = ""
        while True:
            look = self._ask(wait, pause)
            if look.progress != said:
                self.log.info("%s", look.progress)
                said = look.progress
            if look.done:
                return
            if time.time() >= deadline:
                raise WaitedTooLong(
                    found=look.progress,
                    expected=f"the end of this wait within {timeout}",
                    next=f"look at what holds it up; clear {self.task_id} to wait on, or raise the timeout in the spec",
                )
            if time.time() >= patience_ends:
                break
            time.sleep(pause)
            pause = min(pause * 1.5, poll_seconds)
        self._defer(wait, poll_seconds=poll_seconds, deadline=deadline)

    def _ask(self, wait: Wait, pause: float) -> Look:
        """Look once; as the triggerer does, try again after a lost connection or a throttled call."""
        for number in range(1, LOOKS_IN_ERROR):
            try:
                return wait.look()
            except CdcFailure:
                raise
            except Exception as err:
                self.log.warning("Could not look (%d of %d): %s", number, LOOKS_IN_ERROR, err)
                time.sleep(pause)
        return wait.look()

    def _defer(self, wait: Wait, *, poll_seconds: float, deadline: float) -> None:
        from pg_cdc.triggers.wait import WaitTrigger

        self.defer(
            trigger=WaitTrigger(
                wait=wait.classpath, arguments=wait.arguments(), poll_seconds=poll_seconds, deadline=deadline
            ),
            method_name=self.resume_method,
            timeout=timedelta(seconds=max(deadline - time.time(), 0) + 120),
        )

    def _note_failure(self, context: Context, failure: CdcFailure) -> None:
        if (ti := context.get("ti")) is not None:
            ti.xcom_push(
                key="failure",
                value={
                    "kind": type(failure).__name__,
                    "found": failure.found,
                    "expected": failure.expected,
                    "next": failure.next,
                },
            )


def started(context: Context) -> datetime:
    """Return when the task began, before any wait of its own."""
    ti = context.get("ti")
    return getattr(ti, "start_date", None) or datetime.now(UTC)

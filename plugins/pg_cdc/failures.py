"""Every exception we raise. Each says what was found, what was expected and what to do next."""

from __future__ import annotations


class CdcFailure(Exception):
    """A refusal that a retry cannot cure; the shell turns it into ``AirflowFailException``.

    ``found``, ``expected`` and ``next`` are fields, so that a test need not match prose.
    """

    def __init__(self, *, found: str, expected: str, next: str) -> None:
        self.found = found
        self.expected = expected
        self.next = next
        super().__init__(f"Found: {found}\nExpected: {expected}\nNext: {next}")


class SpecInvalid(CdcFailure):
    """The migration spec itself is wrong."""


class PreflightFailed(CdcFailure):
    """The source or the target is not fit; nothing was changed."""


class NotOurs(CdcFailure):
    """An AWS or PostgreSQL object has our name but not our mark."""


class Differs(CdcFailure):
    """An object of ours differs from the spec in a way that is not repaired silently."""


class NotProved(CdcFailure):
    """A change was made, and the thing itself does not show it."""


class NotAllowed(CdcFailure):
    """The spec forbids what would be needed."""


class DmsFailed(CdcFailure):
    """DMS says that it failed."""


class AssessmentFailed(CdcFailure):
    """DMS assessed the task, and it is not fit to be started."""


class WaitedTooLong(CdcFailure):
    """A wait ended without the awaited state."""


class StepFailed(CdcFailure):
    """A step of the run failed; the report that says so is written."""


class NotYet(Exception):
    """Something transient is in the way: left to Airflow's retries."""

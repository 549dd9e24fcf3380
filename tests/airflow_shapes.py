"""What Airflow 3.2 shows in another form than 3.3, for the tests that look at it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import exceptions

TaskAwaitingInput: type[BaseException] = getattr(exceptions, "TaskAwaitingInput", exceptions.TaskDeferred)
"""How a step waits for a person's answer; 3.2 lets a triggerer wait."""


def answer_within(waiting: Any) -> timedelta:
    """Return how long a step waits for the answer; 3.2 has it in the trigger, as a moment."""
    if waiting.timeout is not None:
        return waiting.timeout
    return waiting.trigger.timeout_datetime - datetime.now(UTC)

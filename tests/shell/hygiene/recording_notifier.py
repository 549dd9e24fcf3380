"""A notifier that remembers whom it told what, or fails when it is asked to."""

from __future__ import annotations

from typing import Any, ClassVar

from airflow.sdk import BaseNotifier


class RecordingNotifier(BaseNotifier):
    """Remember each rendered message, for the tests."""

    template_fields = ("message",)
    told: ClassVar[list[str]] = []
    broken: ClassVar[list[str]] = []

    def __init__(self, *, message: str) -> None:
        super().__init__()
        self.message = message

    def notify(self, context: Any) -> None:
        """Remember, or fail."""
        if any(word in self.message for word in self.broken):
            raise ConnectionError("the pager is down")
        self.told.append(self.message)


class NoNotifier:
    """Something else."""

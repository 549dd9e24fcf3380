"""The one trigger: repeats a ``Wait`` in the triggerer until it is done or its time is up."""

from __future__ import annotations

import asyncio
import pkgutil
import time
from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from pg_cdc.waits import LOOKS_IN_ERROR

SETTLE_SECONDS = 2
"""Before the first look: the worker looked a moment ago, and a task that goes on before Airflow's scheduler has noted
the end of its worker is taken for a killed one and tried again."""


class WaitTrigger(BaseTrigger):
    """Looks every ``poll_seconds`` until ``deadline`` (epoch seconds), in a thread: boto3 and psycopg may block."""

    def __init__(self, *, wait: str, arguments: dict[str, Any], poll_seconds: float, deadline: float) -> None:
        super().__init__()
        self.wait = wait
        self.arguments = arguments
        self.poll_seconds = poll_seconds
        self.deadline = deadline

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what the triggerer rebuilds this from."""
        return (
            "pg_cdc.triggers.wait.WaitTrigger",
            {
                "wait": self.wait,
                "arguments": self.arguments,
                "poll_seconds": self.poll_seconds,
                "deadline": self.deadline,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield one event: ``done``, ``late`` or ``error`` (with its text)."""
        wait = pkgutil.resolve_name(self.wait)(**self.arguments)
        errors = 0
        said = ""
        await asyncio.sleep(min(self.poll_seconds, SETTLE_SECONDS))
        while True:
            try:
                look = await asyncio.to_thread(wait.look)
            except Exception as err:
                errors += 1
                self.log.warning("Could not look (%d of %d): %s", errors, LOOKS_IN_ERROR, err)
                if errors >= LOOKS_IN_ERROR:
                    yield TriggerEvent({"end": "error", "text": f"{type(err).__name__}: {err}"})
                    return
            else:
                errors = 0
                if look.progress != said:
                    self.log.info("%s", look.progress)
                    said = look.progress
                if look.done:
                    yield TriggerEvent({"end": "done"})
                    return
            if time.time() >= self.deadline:
                yield TriggerEvent({"end": "late", "text": said})
                return
            await asyncio.sleep(self.poll_seconds)

"""Every API call the sandbox was asked for: what a test of "zero mutating calls" reads."""

from __future__ import annotations

import itertools
import json
import re
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

READS = re.compile(r"^(Describe|List|Get|Head|TestConnection$|AssumeRole|Batch(Get|Describe)|Filter|Select)")
SECRET = re.compile(
    r"password|secretstring|secretbinary|token|secretaccesskey|extraconnectionattributes", re.IGNORECASE
)
MASK = "***"


@dataclass(frozen=True, kw_only=True)
class Call:
    """One API call. ``error``: the AWS code it was refused with, None when it was done."""

    number: int
    at: float
    service: str
    action: str
    parameters: Mapping[str, Any]
    error: str | None
    mutating: bool
    fault: str | None = None


def masked(value: Any, *, key: str = "") -> Any:
    """Return ``value`` with every secret replaced."""
    if SECRET.search(key) and value not in (None, ""):
        return MASK
    if isinstance(value, Mapping):
        return {k: masked(v, key=k) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [masked(v) for v in value]
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)


class CallLog:
    """Append-only, in memory and as JSON lines in ``path``."""

    def __init__(self, path: Path | None = None) -> None:
        self._calls: list[Call] = []
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._path = path

    def record(
        self,
        service: str,
        action: str,
        parameters: Mapping[str, Any],
        *,
        error: str | None = None,
        fault: str | None = None,
    ) -> None:
        """Append one call. A refused call mutates nothing."""
        with self._lock:
            call = Call(
                number=next(self._numbers),
                at=time.time(),
                service=service,
                action=action,
                parameters=masked(parameters),
                error=error,
                mutating=error is None and not READS.match(action),
                fault=fault,
            )
            self._calls.append(call)
            if self._path:
                with self._path.open("a") as file:
                    file.write(json.dumps(asdict(call)) + "\n")

    def __iter__(self) -> Iterator[Call]:
        return iter(list(self._calls))

    def since(self, number: int) -> list[Call]:
        """Return the calls after call ``number`` (0: all)."""
        return [call for call in self._calls if call.number > number]

"""Waiting, as data: a ``Wait`` looks once; who looks again, and where, is not its business.

Subclasses are frozen dataclasses of JSON values, without secrets: the triggerer rebuilds them from their fields.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from typing import Any

LOOKS_IN_ERROR = 3
"""So many in a row end a wait: a lost connection or a throttled call is no reason to."""


@dataclass(frozen=True)
class Look:
    """One look at the world. ``done``: nothing more to wait for, for better or worse; the step finds out which."""

    done: bool
    progress: str


class Wait(ABC):
    """Something to wait for."""

    @abstractmethod
    def look(self) -> Look:
        """Read the facts once. Raises what the read raises: three in a row end the wait."""

    @property
    def classpath(self) -> str:
        """Return the import path of the class."""
        return f"{type(self).__module__}:{type(self).__qualname__}"

    def arguments(self) -> dict[str, Any]:
        """Return the fields, as JSON values."""
        arguments: dict[str, Any] = asdict(self)  # type: ignore[call-overload]
        return arguments

"""What a step tells of itself. In a file of its own, since every DAG parse reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a step did. ``changes``: each thing that was changed, in words; empty when all was so already."""

    changes: tuple[str, ...] = ()
    facts: Mapping[str, object] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

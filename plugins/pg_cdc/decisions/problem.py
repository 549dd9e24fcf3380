"""One thing that is wrong with a spec, before anything was looked at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pg_cdc.failures import SpecInvalid


@dataclass(frozen=True, kw_only=True)
class Problem:
    """``where``: the dotted path in the spec."""

    where: str
    found: str
    expected: str

    def under(self, prefix: str) -> Problem:
        """Return the same problem with its place seen from further out."""
        return Problem(where=f"{prefix}{self.where}", found=self.found, expected=self.expected)


def spec_invalid(problems: Iterable[Problem], *, next: str) -> SpecInvalid:
    """Return the one failure that names all ``problems``."""
    listed = tuple(problems)
    return SpecInvalid(
        found=_lines(f"{problem.where}: {problem.found}" for problem in listed),
        expected=_lines(f"{problem.where}: {problem.expected}" for problem in listed),
        next=next,
    )


def _lines(texts: Iterable[str]) -> str:
    listed = tuple(texts)
    return listed[0] if len(listed) == 1 else "".join(f"\n  {text}" for text in listed)

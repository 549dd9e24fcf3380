"""Make findings, and say what they mean together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pg_cdc.decisions.world import Finding
from pg_cdc.failures import NotAllowed, PreflightFailed

BLOCKING = ("error", "unknown")
ORDER = ("error", "unknown", "warning", "note")
NAMED = 20
"""Names shown of a long list: enough to recognise the kind, few enough to read."""


def error(code: str, subject: str, *, found: str, expected: str, cure: str) -> Finding:
    """Return a finding that stops the run before the first change."""
    return Finding(code=code, severity="error", subject=subject, found=found, expected=expected, cure=cure)


def unknown(code: str, subject: str, *, found: str, cure: str) -> Finding:
    """Return a finding that something could not be checked: it stops the run too."""
    expected = "an answer: what could not be checked has not passed"
    return Finding(code=code, severity="unknown", subject=subject, found=found, expected=expected, cure=cure)


def warning(code: str, subject: str, *, found: str, expected: str, cure: str) -> Finding:
    """Return a finding that a person should know before going on."""
    return Finding(code=code, severity="warning", subject=subject, found=found, expected=expected, cure=cure)


def note(code: str, subject: str, *, found: str, cure: str) -> Finding:
    """Return a finding that explains what will be done or not done."""
    return Finding(code=code, severity="note", subject=subject, found=found, expected="", cure=cure)


def blocking(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return those that stop the run."""
    return tuple(finding for finding in findings if finding.severity in BLOCKING)


def gravest_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return ``findings`` by severity; within one severity as they came."""
    return tuple(sorted(findings, key=lambda finding: ORDER.index(finding.severity)))


def named(names: Sequence[str]) -> str:
    """Return a list for people, cut when long, with the number of the rest."""
    rest = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + rest


def counted(number: int, noun: str) -> str:
    """Return ``1 table``, ``2 tables``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def refusal(bad: Sequence[Finding]) -> PreflightFailed | NotAllowed:
    """Return the failure that names everything that stops the run."""
    kind = NotAllowed if {finding.code for finding in bad} == {"reboot_not_allowed"} else PreflightFailed
    return kind(
        found=_lines(f"[{finding.code}] {finding.subject}: {finding.found}" for finding in bad),
        expected=_lines(f"[{finding.code}] {finding.expected}" for finding in bad),
        next=_lines(f"[{finding.code}] {finding.cure}" for finding in bad) + "\nNothing was changed.",
    )


def _lines(texts: Iterable[str]) -> str:
    listed = list(texts)
    return listed[0] if len(listed) == 1 else "".join(f"\n  {text}" for text in listed)

"""Preflight of what is in DMS already: what is not ours, and what differs in a way that is not repaired. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pg_cdc.config import Migration
from pg_cdc.decisions import names
from pg_cdc.decisions.dms.resources import Create, Decision, Modify, Refuse
from pg_cdc.decisions.preflight.findings import error, warning
from pg_cdc.decisions.world import Finding
from pg_cdc.failures import NotOurs

Outlook = tuple[str, Decision]
"""A DMS resource and what will be done to it."""


def dms_findings(outlook: Iterable[Outlook]) -> Iterator[Finding]:
    """Yield an error for every resource that a later step would refuse."""
    for what, decision in outlook:
        if isinstance(decision, Refuse):
            failure = decision.failure
            yield error(
                "not_ours" if isinstance(failure, NotOurs) else "dms_differs",
                what,
                found=failure.found,
                expected=failure.expected,
                cure=failure.next,
            )


def dms_changes(outlook: Iterable[Outlook]) -> Iterator[str]:
    """Yield what will be made, modified or adopted."""
    for what, decision in outlook:
        if isinstance(decision, Create):
            yield f"make {what}"
        elif isinstance(decision, Modify):
            yield f"modify {what}: {'; '.join(map(str, decision.differences))}"
        elif not isinstance(decision, Refuse) and decision.adopt:
            yield f"tag {what} as ours"


def instance_missing(migration: Migration) -> Finding:
    """Return the finding that the instance named in the spec is not there."""
    identifier = migration.replication.instance_identifier or names.resource(migration.name)
    return error(
        "instance_not_found",
        identifier,
        found="no replication instance of that identifier",
        expected="the existing one that replication.instance_identifier names",
        cure="correct the identifier, or leave it empty and one is made",
    )


def secret_elsewhere(arn: str, told: str, expected: str) -> Finding:
    """Return the finding that DMS would connect somewhere else than we do."""
    return warning(
        "secret_points_elsewhere",
        arn,
        found=f"host {told}",
        expected=f"host {expected}, which RDS tells",
        cure="correct the secret, unless that host is another name of the same server",
    )

"""Decide what becomes of a migration's DMS resources: ours go, unless somebody else uses them. Pure.

Source: https://docs.aws.amazon.com/dms/latest/APIReference/API_DeleteReplicationInstance.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pg_cdc.config.teardown import Keep, Teardown
from pg_cdc.decisions import names
from pg_cdc.decisions.teardown.residue import Place, Trace

DELETING = "deleting"
AT_WORK = frozenset({"creating", "starting", "running", "stopping", "modifying", "testing", "moving"})
"""Task statuses in which DMS deletes nothing."""


class Kind(StrEnum):
    """What we make in DMS, in the order in which DMS lets it be deleted."""

    ASSESSMENT_RUN = "assessment run"
    TASK = "replication task"
    ENDPOINT = "endpoint"
    INSTANCE = "replication instance"
    SUBNET_GROUP = "replication subnet group"


COMMANDS = {
    Kind.ASSESSMENT_RUN: "aws dms delete-replication-task-assessment-run --replication-task-assessment-run-arn {arn}",
    Kind.TASK: "aws dms delete-replication-task --replication-task-arn {arn}",
    Kind.ENDPOINT: "aws dms delete-endpoint --endpoint-arn {arn}",
    Kind.INSTANCE: "aws dms delete-replication-instance --replication-instance-arn {arn}",
    Kind.SUBNET_GROUP: "aws dms delete-replication-subnet-group --replication-subnet-group-identifier {name}",
}


@dataclass(frozen=True, kw_only=True)
class Found:
    """A DMS resource of our name. ``users``: what else stands on it, in words."""

    kind: Kind
    name: str
    arn: str
    status: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    users: tuple[str, ...] = ()


def wanted_names(migration: str) -> tuple[tuple[Kind, str], ...]:
    """Return the kind and name of all that a migration can make in DMS, in the order of deletion, but its assessments.

    Those have names that depend on what they judged, and are looked for.
    """
    ours = names.resource(migration)
    return (
        (Kind.TASK, ours),
        (Kind.ENDPOINT, names.endpoint(migration, "source")),
        (Kind.ENDPOINT, names.endpoint(migration, "target")),
        (Kind.INSTANCE, ours),
        (Kind.SUBNET_GROUP, ours),
    )


def trace(kind: Kind, name: str, found: Found | None, *, migration: str, teardown: Teardown) -> Trace:
    """Return what is there of ``kind`` and ``name``, and whether it stays."""
    gone = Trace(place=Place.AWS, kind=kind.value, name=name, exists=False)
    if found is None:
        return gone
    command = COMMANDS[kind].format(arn=found.arn, name=found.name)
    return Trace(
        place=Place.AWS,
        kind=kind.value,
        name=name,
        exists=True,
        ours=is_ours(found.tags, migration),
        keep=_kept(found, teardown),
        command=command,
        detail=whose(found.tags, migration) or found.status,
    )


def results_trace(place: str) -> Trace:
    """Return the trace of what DMS wrote into the user's bucket: it is never ours to remove."""
    keep = f"what DMS wrote there is yours; to remove it: aws s3 rm --recursive {place}"
    return Trace(place=Place.AWS, kind="assessment results", name=place, exists=True, keep=keep)


def is_ours(tags: Mapping[str, str], migration: str) -> bool:
    """Tell whether the tag says so: a name does not."""
    return tags.get(names.TAG) == migration


def whose(tags: Mapping[str, str], migration: str) -> str:
    """Return, in words, whose it is if it is not ours."""
    if is_ours(tags, migration):
        return ""
    if owner := tags.get(names.TAG):
        return f"it is tagged {names.TAG}={owner}"
    return f"it has our name, and not the tag {names.TAG}={migration}"


def _kept(found: Found, teardown: Teardown) -> str:
    shared = found.kind in (Kind.INSTANCE, Kind.SUBNET_GROUP)
    if asked := teardown.keeps(Keep.REPLICATION_INSTANCE) if shared else teardown.keeps_dms:
        return asked
    return f"used by {', '.join(found.users)}" if found.users else ""

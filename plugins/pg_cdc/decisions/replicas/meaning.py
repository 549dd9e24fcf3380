"""What a change of an RDS instance means for its read replicas, each by name. Pure.

A hot standby needs at least its primary's sizes: it meets larger ones in the WAL after the primary's reboot.
Source: https://www.postgresql.org/docs/current/hot-standby.html#HOT-STANDBY-ADMIN
Source: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PostgreSQL.Replication.ReadReplicas.html
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pg_cdc.config import Migration
from pg_cdc.decisions.parameters.groups import keeps, target_group
from pg_cdc.decisions.parameters.rules import is_plain, number
from pg_cdc.decisions.preflight.findings import note, warning
from pg_cdc.decisions.world import Database, Finding, ParameterGroup, Replica

if TYPE_CHECKING:
    from pg_cdc.decisions.parameters.changes import ParameterChange

SIZES = (
    "max_connections",
    "max_locks_per_transaction",
    "max_prepared_transactions",
    "max_wal_senders",
    "max_worker_processes",
)
PAUSES_FROM = 14
"""Since then replay pauses at what is too large; before, the standby's server ends."""


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """``shared``: the replica's group is the one that changes. ``lacks``: sizes it would have too small, as text.

    ``unsure``: sizes that its group leaves to a formula for another instance class.
    """

    replica: Replica
    shared: bool = False
    lacks: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()


def meanings(
    database: Database,
    groups: Sequence[ParameterGroup],
    changes: Sequence[ParameterChange],
    replicas: Sequence[Replica],
    *,
    migration: Migration,
) -> Iterator[Meaning]:
    """Yield, for each replica, what it would lack after the primary's reboot."""
    group = target_group(database, groups)
    kept = keeps(database, group, migration=migration)
    raised = [change for change in changes if change.name in SIZES and (change.changes or change.needs_reboot)]
    for replica in replicas:
        shared = kept and replica.parameter_group == group.name
        found = [(change, _size(change, database, replica)) for change in raised]
        yield Meaning(
            replica=replica,
            shared=shared,
            lacks=tuple(told for change, size in found if (told := _lack(change, size, replica, shared=shared))),
            unsure=tuple(change.name for change, size in found if size is None and not shared and not replica.unread),
        )


def replica_findings(
    database: Database,
    groups: Sequence[ParameterGroup],
    changes: Sequence[ParameterChange],
    replicas: Sequence[Replica],
    *,
    migration: Migration,
) -> Iterator[Finding]:
    """Yield a finding for each replica."""
    for one in meanings(database, groups, changes, replicas, migration=migration):
        name = one.replica.identifier
        if one.replica.unread:
            yield warning(
                "replica_not_read",
                name,
                found=one.replica.unread,
                expected=f"at least the sizes that {database.identifier} gets",
                cure=f"SHOW {', '.join(SIZES)} there; raise what is less, and reboot it before {database.identifier}",
            )
        elif one.lacks:
            yield warning(
                "replica_falls_behind",
                name,
                found=f"a read replica without {'; '.join(one.lacks)}",
                expected=f"at least the sizes that {database.identifier} gets",
                cure=_cure(database, one),
            )
        elif one.unsure:
            yield warning(
                "replica_size_unknown",
                name,
                found=f"a read replica of another class whose {', '.join(one.unsure)} a formula gives",
                expected=f"at least the sizes that {database.identifier} gets",
                cure=f"SHOW {one.unsure[0]} there; raise what is less, and reboot it before {database.identifier}",
            )
        else:
            found = "a read replica with large enough sizes; one slot and one WAL sender are counted for it"
            yield note("read_replica", name, found=found, cure=f"it waits while {database.identifier} reboots")


def replica_changes(
    database: Database,
    groups: Sequence[ParameterGroup],
    changes: Sequence[ParameterChange],
    replicas: Sequence[Replica],
    *,
    migration: Migration,
) -> Iterator[str]:
    """Yield a line of the plan for each replica."""
    for one in meanings(database, groups, changes, replicas, migration=migration):
        name = f"read replica {one.replica.identifier}"
        if one.replica.unread:
            yield f"{name}: {one.replica.unread}, whose sizes are not known here"
        elif one.lacks:
            yield f"{name}: {_stops(database)} for want of {'; '.join(one.lacks)}: {_cure(database, one)}"
        elif one.unsure:
            yield f"{name}: {_stops(database)} if its {', '.join(one.unsure)} come to less than the primary's"
        elif any(change.needs_reboot for change in changes):
            yield f"{name}: nothing changes; it waits for WAL while {database.identifier} reboots"


def _cure(database: Database, one: Meaning) -> str:
    replica, primary = one.replica, database.identifier
    if one.shared:
        return (
            f"its group {replica.parameter_group} gets the same values: reboot it too, before {primary} or right "
            f"after, or {_stops(database)} until then"
        )
    return (
        f"set them in its own group (now {replica.parameter_group}) and reboot it before {primary}, "
        f"or {_stops(database)} until that is done"
    )


def _stops(database: Database) -> str:
    return "its replay pauses" if database.major >= PAUSES_FROM else "its server ends"


def _size(change: ParameterChange, database: Database, replica: Replica) -> int | None:
    """Return the replica's size; a formula comes to the same as on a primary of the same class."""
    value = replica.sizes.get(change.name)
    if value is not None and is_plain(value):
        return number(value)
    formula = change.group_value is None or not is_plain(change.group_value)
    same = formula and replica.instance_class == database.writer.instance_class
    return number(change.live) if same else None


def _lack(change: ParameterChange, size: int | None, replica: Replica, *, shared: bool) -> str:
    if shared and (change.changes or replica.pending_reboot):
        return f"{change.name} {change.wanted} in force"
    if size is None:
        return ""
    if size < (number(change.wanted) or 0):
        return f"{change.name} {change.wanted} (has {size})"
    return f"{change.name} {change.wanted} in force" if replica.pending_reboot else ""

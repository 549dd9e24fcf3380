"""Decide what becomes of a read replica: made, left as it is, promoted, deleted, or refused with the reason. Pure.

Source: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PostgreSQL.Replication.ReadReplicas.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pg_cdc.config.replica import Goal
from pg_cdc.decisions import names
from pg_cdc.decisions.world import Engine
from pg_cdc.failures import CdcFailure, Differs, NotAllowed, NotOurs, PreflightFailed

if TYPE_CHECKING:
    from pg_cdc.config import Migration
    from pg_cdc.config.replica import ReplicaSpec
    from pg_cdc.decisions.world import Database

CASCADES_FROM = (14, 1)
"""RDS for PostgreSQL makes replicas of replicas, and promotes out of such a chain, from this version on."""

CHAIN = 3
"""So many replicas may stand in a row behind their source."""


@dataclass(frozen=True, kw_only=True)
class ReplicaFacts:
    """``source``: the primary of the spec. ``chain``: from what the replica follows up to the source, itself last.

    ``chain`` empty: what it is to follow does not follow the source. ``replica`` None: there is none of that name.
    """

    source: Database
    chain: tuple[Database, ...]
    replica: Database | None = None


@dataclass(frozen=True, kw_only=True)
class ReplicaPlan:
    """What is to be done, in words too; ``failure``: why it is refused."""

    create: bool = False
    adopt: bool = False
    promote: bool = False
    delete: bool = False
    lines: tuple[str, ...] = ()
    failure: CdcFailure | None = None


def plan_replica(facts: ReplicaFacts, wanted: ReplicaSpec, migration: Migration) -> ReplicaPlan:
    """Return the plan for the goal of ``wanted``."""
    failure = _unfit(facts, wanted) or (_strange(facts, wanted, migration) if facts.replica else None)
    if failure:
        return ReplicaPlan(failure=failure)
    if wanted.goal is Goal.GONE:
        return _gone(facts, wanted)
    return _there(facts, wanted)


def _there(facts: ReplicaFacts, wanted: ReplicaSpec) -> ReplicaPlan:
    upstream, found = facts.chain[0], facts.replica
    lines = []
    if found is None:
        lines.append(
            f"make {wanted.identifier}, a read replica of {upstream.identifier}: one slot and one WAL sender there"
        )
    adopt = found is not None and names.TAG not in found.tags
    if adopt:
        lines.append(f"tag {wanted.identifier} as ours")
    promotes = wanted.goal is Goal.PROMOTED and (found is None or found.replica_of is not None)
    if promotes:
        lines += [
            f"promote {wanted.identifier} once it has replayed all but {wanted.max_lag_mb} MB: it is writable then, and"
            f" receives nothing more from {upstream.identifier}, which gives up its slot",
            "logical slots do not go with it: whatever streams from the source goes on streaming from there",
        ]
    return ReplicaPlan(create=found is None, adopt=adopt, promote=promotes, lines=tuple(lines))


def _gone(facts: ReplicaFacts, wanted: ReplicaSpec) -> ReplicaPlan:
    found = facts.replica
    if found is None:
        return ReplicaPlan()
    if names.TAG not in found.tags:
        return _refused(
            NotOurs(
                found=f"{wanted.identifier} has no tag of ours",
                expected="a read replica that we made",
                next="delete it by hand if it is to go",
            )
        )
    if found.replica_of is None:
        return _refused(
            NotAllowed(
                found=f"{wanted.identifier} was promoted: it is a database of its own",
                expected="a read replica, whose data are all on its source",
                next="delete it by hand, with a final snapshot, if nobody needs it",
            )
        )
    if found.replicas:
        return _refused(
            NotAllowed(
                found=f"{wanted.identifier} has read replicas of its own: {', '.join(found.replicas)}",
                expected="none: they would be promoted with its deletion",
                next="delete those first",
            )
        )
    return ReplicaPlan(delete=True, lines=(f"delete the read replica {wanted.identifier}, without a snapshot",))


def _unfit(facts: ReplicaFacts, wanted: ReplicaSpec) -> CdcFailure | None:
    """Return why the source can have no such replica."""
    source, chain = facts.source, facts.chain
    if source.is_cluster:
        kind = "an Aurora cluster" if source.engine is Engine.AURORA else "a Multi-AZ DB cluster"
        return PreflightFailed(
            found=f"{source.identifier} is {kind}",
            expected="an RDS for PostgreSQL instance",
            next="add a reader to the cluster by CreateDBInstance"
            if source.engine is Engine.AURORA
            else "use its readers, or make the replica by hand with SourceDBClusterIdentifier",
        )
    if wanted.identifier == source.identifier:
        return PreflightFailed(
            found=f"{wanted.identifier} as the replica, which is the source itself",
            expected="the identifier of another instance",
            next="correct replica_identifier",
        )
    if not chain:
        return PreflightFailed(
            found=f"{wanted.of} does not follow {source.identifier}",
            expected=f"{source.identifier}, or one of its read replicas",
            next="correct replica_of or source_identifier",
        )
    if wanted.goal is Goal.GONE:
        return None
    if (failure := _cascade(facts, wanted)) is not None:
        return failure
    if facts.replica is None and chain[0].backup_days == 0:
        return PreflightFailed(
            found=f"{chain[0].identifier} keeps no automated backups (BackupRetentionPeriod 0)",
            expected="1 day or more: a replica begins as one",
            next="raise its backup retention, and clear this task",
        )
    return None


def _cascade(facts: ReplicaFacts, wanted: ReplicaSpec) -> CdcFailure | None:
    upstream = facts.chain[0]
    followed = facts.replica is not None and bool(facts.replica.replicas)
    if not upstream.replica_of and not followed:
        return None
    version = tuple(int(part) for part in upstream.version.split(".")[:2] if part.isdecimal())
    if version < CASCADES_FROM:
        what = f"promoting {wanted.identifier}" if facts.replica is not None else f"{wanted.identifier}"
        return PreflightFailed(
            found=f"{what} in a chain of read replicas, and PostgreSQL {upstream.version}",
            expected="14.1 or later: before, a read replica of RDS for PostgreSQL has no replicas of its own",
            next=f"let it follow {facts.source.identifier}, or upgrade",
        )
    if len(facts.chain) > CHAIN:
        return PreflightFailed(
            found=f"{len(facts.chain)} replicas in a row: {wanted.identifier}, "
            + ", ".join(one.identifier for one in facts.chain[:-1]),
            expected=f"at most {CHAIN} behind {facts.source.identifier}",
            next="let it follow an earlier one",
        )
    return None


def _strange(facts: ReplicaFacts, wanted: ReplicaSpec, migration: Migration) -> CdcFailure | None:
    """Return why the instance that is there is not the one that is meant."""
    found = facts.replica
    if found is None or not facts.chain:
        return None
    owner = found.tags.get(names.TAG)
    adopts = migration.safety.adopt_existing and found.replica_of is not None
    if owner != migration.name and (owner is not None or (wanted.goal is not Goal.GONE and not adopts)):
        return NotOurs(
            found=f"{found.identifier} is tagged {names.TAG}={owner}" if owner else f"{found.identifier} is not ours",
            expected=f"no instance of this name, or one tagged {names.TAG}={migration.name}",
            next="take another identifier, or set safety.adopt_existing for a replica that is to be taken over",
        )
    upstream = facts.chain[0].identifier
    if wanted.goal is not Goal.GONE and found.replica_of not in (None, upstream):
        return Differs(
            found=f"{found.identifier} follows {found.replica_of}",
            expected=upstream,
            next=f"put {found.replica_of} as replica_of, or take another identifier",
        )
    if wanted.goal is Goal.FOLLOWING and found.replica_of is None:
        return Differs(
            found=f"{found.identifier} was promoted, which is final",
            expected=f"a read replica of {upstream}",
            next="take another identifier",
        )
    return None


def _refused(failure: CdcFailure) -> ReplicaPlan:
    return ReplicaPlan(failure=failure)

"""Preflight of the source server: is it the writer, new enough, free enough, and may we.

Source: https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.PostgreSQL.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pg_cdc.config import Migration, MigrationType, Plugin
from pg_cdc.decisions.preflight.findings import counted, error, note, unknown, warning
from pg_cdc.decisions.versions import DECODES_ON_STANDBY, DMS_MINIMUM, PGLOGICAL_MINIMUM, dotted, numbers
from pg_cdc.decisions.world import Database, Engine, Finding, Server

MULTI_AZ_MINIMUM = {14: (14, 8), 15: (15, 3)}
"""First versions in which Multi-AZ DB clusters decode, by major (of a second release, R2); every later major does.

https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_MultiAZDBCluster_LogicalRepl.html
"""

PREPARED_SECONDS = 60
"""A prepared transaction of this age is a forgotten one: slot creation waits for it for ever."""

LONG_SECONDS = 600
"""DMS's TransactionConsistencyTimeout: it waits so long for open transactions."""

AVAILABLE = "available"


def source_findings(
    migration: Migration,
    database: Database,
    server: Server,
    *,
    planned: Mapping[str, str],
    own_slots: frozenset[str] = frozenset(),
) -> Iterator[Finding]:
    """Yield the findings on the source. ``planned``: its settings after the plan."""
    yield from _status(database)
    yield from _writer(database, server)
    yield from _versions(migration, database, server)
    yield from _rights(server)
    if migration.replication.migration_type is not MigrationType.FULL_LOAD:
        yield from _free(database, server, planned, own_slots)
        yield from _transactions(server)
        yield from _settings(database, server)


def _status(database: Database) -> Iterator[Finding]:
    states = {database.identifier: database.status} | {member.identifier: member.status for member in database.members}
    for identifier, status in states.items():
        if status != AVAILABLE:
            yield error(
                "source_not_available",
                identifier,
                found=f"status {status}",
                expected=f"status {AVAILABLE}",
                cure="wait until RDS shows it available (if incompatible: revert the parameters), then clear this task",
            )


def _writer(database: Database, server: Server) -> Iterator[Finding]:
    if database.replica_of:
        yield error(
            "replica_as_source",
            database.identifier,
            found=f"a read replica of {database.replica_of}, PostgreSQL {database.version}",
            expected=f"the primary: {_why_no_replica(database)}",
            cure=f"put {database.replica_of} as source.identifier{_and_read_from(database)}",
        )
    elif server.in_recovery:
        yield error(
            "not_the_writer",
            database.identifier,
            found="a server in recovery (a reader or a standby)",
            expected="the writer: only it has logical slots of its own and takes our objects",
            cure="give the cluster's identifier, and no reader's host in the admin connection",
        )


def _why_no_replica(database: Database) -> str:
    if database.major < DECODES_ON_STANDBY:
        return "before PostgreSQL 16 (and DMS 3.6.1) a standby decodes nothing, so DMS captures no changes there"
    return "only it takes the DDL audit and the other objects, also where DMS reads from a replica"


def _and_read_from(database: Database) -> str:
    return "" if database.major < DECODES_ON_STANDBY else f", and {database.identifier} as source.read_from"


def _versions(migration: Migration, database: Database, server: Server) -> Iterator[Finding]:
    version = numbers(database.version)
    minimum = DMS_MINIMUM[database.engine]
    if version < minimum:
        yield error(
            "version_too_old_for_dms",
            database.identifier,
            found=f"{database.engine} {database.version}",
            expected=f"{dotted(minimum)} or later: DMS cannot follow changes of an older one",
            cure="upgrade the source, or migrate by other means",
        )
    if database.reboots_as_one and (
        version[0] < min(MULTI_AZ_MINIMUM) or version < MULTI_AZ_MINIMUM.get(version[0], ())
    ):
        yield error(
            "version_too_old_for_multi_az_cluster",
            database.identifier,
            found=f"a Multi-AZ DB cluster of version {database.version}",
            expected="14.8-R2, 15.3-R2 or later: before, Multi-AZ DB clusters have no logical replication",
            cure="upgrade the source, or migrate by other means",
        )
    if migration.replication.plugin is Plugin.PGLOGICAL:
        yield from _pglogical(database, server, version)


def _pglogical(database: Database, server: Server, version: tuple[int, ...]) -> Iterator[Finding]:
    minimum = PGLOGICAL_MINIMUM.get(version[0]) if database.engine is Engine.AURORA else None
    if minimum and version < minimum:
        yield error(
            "version_too_old_for_pglogical",
            database.identifier,
            found=f"{database.engine} {database.version}",
            expected=f"{dotted(minimum)} or later for pglogical",
            cure="put replication.plugin test_decoding, or upgrade the source",
        )
    elif "pglogical" not in server.available_extensions:
        yield error(
            "pglogical_not_available",
            database.identifier,
            found="no extension pglogical in pg_available_extensions",
            expected="pglogical, which replication.plugin asks for",
            cure="put replication.plugin auto or test_decoding",
        )


def _rights(server: Server) -> Iterator[Finding]:
    if "rds_superuser" not in server.admin_roles:
        yield error(
            "admin_not_rds_superuser",
            server.current_user,
            found="not a member of rds_superuser",
            expected="a member: event triggers, extensions and replication rights need it",
            cure=f'as the master user: GRANT rds_superuser TO "{server.current_user}", or use another admin connection',
        )


def _free(
    database: Database, server: Server, planned: Mapping[str, str], own_slots: frozenset[str]
) -> Iterator[Finding]:
    ours = sum(slot.name in own_slots for slot in server.slots)
    senders_of_ours = sum(slot.name in own_slots and slot.active for slot in server.slots)
    used = {
        "max_replication_slots": (
            "no_free_slot",
            len(server.slots) - ours,
            "slot",
            "drop slots that no one reads",
        ),
        "max_wal_senders": (
            "no_free_sender",
            server.wal_senders_used - senders_of_ours,
            "WAL sender",
            "end replicas that are not needed",
        ),
    }
    for parameter, (code, taken, noun, cure) in used.items():
        limit = planned.get(parameter, "")
        if not limit.isdecimal():
            yield unknown(
                "limit_unknown", parameter, found=f"{limit or 'nothing'} as its value", cure="let the admin read it"
            )
        elif taken >= int(limit):
            yield error(
                code,
                database.identifier,
                found=f"{counted(taken, noun)} in use by others, and {parameter} will be {limit}",
                expected=f"{parameter} of at least {taken + 1}",
                cure=f"{cure}, or raise {parameter} in the parameter group",
            )


def _transactions(server: Server) -> Iterator[Finding]:
    for open_one in server.open_transactions:
        subject = f"transaction {open_one.identity}"
        if open_one.kind == "prepared" and open_one.seconds >= PREPARED_SECONDS:
            yield error(
                "prepared_transaction",
                subject,
                found=f"prepared {open_one.seconds} s ago and not ended",
                expected="none: a slot cannot be made while it is open",
                cure=f"COMMIT PREPARED or ROLLBACK PREPARED '{open_one.identity}' in its database",
            )
        elif open_one.kind == "prepared" or open_one.seconds >= LONG_SECONDS:
            yield warning(
                "long_transaction",
                subject,
                found=f"open for {open_one.seconds} s",
                expected=f"transactions shorter than {LONG_SECONDS} s while the task starts",
                cure="end it before the task starts: a new slot waits for it",
            )


def _settings(database: Database, server: Server) -> Iterator[Finding]:
    if database.engine is Engine.AURORA and server.settings.get("synchronous_commit", "on") != "on":
        yield warning(
            "synchronous_commit_off",
            database.identifier,
            found=f"synchronous_commit {server.settings['synchronous_commit']}",
            expected="on, which Aurora needs for change capture",
            cure="set it in the cluster parameter group",
        )
    for parameter in ("statement_timeout", "idle_in_transaction_session_timeout", "idle_session_timeout"):
        value = server.settings.get(parameter, "0")
        if value not in ("0", "", "1d", "86400000"):
            yield note(
                "session_timeout",
                parameter,
                found=f"{value} on {database.identifier}: it can end sessions of DMS",
                cure="if the task is cut off, set it to 0 for the DMS role",
            )

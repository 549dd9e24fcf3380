"""Decide, before anything is changed, what would make native replication fail, hang or hurt the application. Pure.

Source: https://www.postgresql.org/docs/current/logical-replication-restrictions.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pg_cdc.config import KeylessTables, Migration, MigrationType, SslMode
from pg_cdc.decisions.native import names as native_names
from pg_cdc.decisions.native.pglogical import is_pglogical, pglogical_findings
from pg_cdc.decisions.native.publication import Scope, keyless
from pg_cdc.decisions.native.world import Name, NativeSlot, Publication, Snapshot, Subscription, written
from pg_cdc.decisions.output_plugins import NATIVE
from pg_cdc.decisions.parameters.changes import refused_parameters
from pg_cdc.decisions.preflight.checks import planned_values
from pg_cdc.decisions.preflight.findings import counted, error, gravest_first, named, note, warning
from pg_cdc.decisions.preflight.groups import group_findings
from pg_cdc.decisions.preflight.source import source_findings
from pg_cdc.decisions.preflight.target import target_findings
from pg_cdc.decisions.preflight.versions import output_plugin_findings
from pg_cdc.decisions.replicas.meaning import replica_findings
from pg_cdc.decisions.versions import OLDEST, major_of, subscribers
from pg_cdc.decisions.world import Database, Engine, Finding, ParameterGroup, Replica, Server, Table

if TYPE_CHECKING:
    from pg_cdc.decisions.parameters.changes import ParameterChange

PGLZ = ("on", "pglz")
"""How wal_compression is shown where it is the slow one; from PostgreSQL 15 there are faster ones."""


@dataclass(frozen=True, kw_only=True)
class NativeSituation:
    """Everything that was read. ``made``: tables that this migration has made on the target.

    ``slot_is_ours``: the ledger says so. ``uncomparable``: keyless tables with a type that has no equality operator.
    ``lossy_columns``: of types that DMS does not take over as they are. ``generated``: tables with generated columns.
    """

    migration: Migration
    database: Database
    groups: tuple[ParameterGroup, ...]
    server: Server
    tables: tuple[Table, ...]
    target_server: Server
    scope: Scope
    target_database: Database | None = None
    changes: tuple[ParameterChange, ...] = ()
    replicas: tuple[Replica, ...] = ()
    own_slots: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    target_tables: frozenset[Name] = frozenset()
    made: frozenset[Name] = frozenset()
    uncomparable: tuple[Name, ...] = ()
    lossy_columns: tuple[str, ...] = ()
    generated: frozenset[Name] = frozenset()
    publication: Publication | None = None
    replication_set: frozenset[Name] | None = None
    subscription: Subscription | None = None
    slot: NativeSlot | None = None
    slot_is_ours: bool = False
    snapshot: Snapshot | None = None


def native_preflight(situation: NativeSituation) -> tuple[Finding, ...]:
    """Return all findings, the gravest first."""
    migration, database, server = situation.migration, situation.database, situation.server
    planned = planned_values(server, situation.changes)
    return gravest_first(
        (
            *source_findings(migration, database, server, planned=planned, own_slots=situation.own_slots),
            *group_findings(migration, database, situation.groups, situation.changes),
            *replica_findings(database, situation.groups, situation.changes, situation.replicas, migration=migration),
            *refused_parameters(database, situation.groups, server, migration=migration, own_slots=situation.own_slots),
            *target_findings(migration, server, situation.target_server, situation.target_database),
            *output_plugin_findings(migration, NATIVE, planned),
            *_versions(situation),
            *_load(situation),
            *_rights(situation),
            *_workers(situation),
            *_compression(situation),
            *_names(situation),
            *_tables(situation),
            *(_pglogical(situation) if is_pglogical(migration) else _keys(situation)),
            *_same_server(situation),
            *_tls(situation),
        )
    )


def _versions(situation: NativeSituation) -> Iterator[Finding]:
    ends = (("source", situation.server), ("target", situation.target_server))
    for end, server in ends:
        if major_of(server.version_num) < OLDEST:
            yield error(
                "version_too_old_for_native",
                end,
                found=f"PostgreSQL {major_of(server.version_num)}",
                expected=f"PostgreSQL {OLDEST} or later",
                cure="upgrade it, or use DMS (pg_cdc_migrate)",
            )
    source, target = major_of(situation.server.version_num), major_of(situation.target_server.version_num)
    if target < source:
        yield warning(
            "target_older_than_source",
            "target",
            found=f"PostgreSQL {target}",
            expected=f"{source} or later: an older one may not know a type or an option",
            cure="use a target of the source's version, or try it on a copy",
        )


def _load(situation: NativeSituation) -> Iterator[Finding]:
    if replica := situation.migration.source.read_from:
        yield error(
            "read_from_is_for_dms",
            "source.read_from",
            found=replica,
            expected="nothing: a subscription reads from the source, where its slot and snapshot are made together",
            cure="leave it empty, or use DMS (pg_cdc_migrate)",
        )
    if situation.migration.replication.migration_type is not MigrationType.FULL_LOAD_AND_CDC:
        yield error(
            "only_full_load_and_cdc",
            "replication.migration_type",
            found=situation.migration.replication.migration_type.value,
            expected="full-load-and-cdc: the snapshot and the stream are made together",
            cure="set it so, or use pg_cdc_migrate",
        )


def _rights(situation: NativeSituation) -> Iterator[Finding]:
    target = situation.target_server
    may = " or ".join(subscribers(target.version_num))
    if target.admin_roles and not set(target.admin_roles) & set(subscribers(target.version_num)):
        yield error(
            "target_may_not_subscribe",
            target.current_user,
            found=f"not a member of {may} on the target",
            expected="a member: the target makes the subscription",
            cure=f'on the target, as its master user: GRANT rds_superuser TO "{target.current_user}"',
        )


def _workers(situation: NativeSituation) -> Iterator[Finding]:
    settings = situation.target_server.settings
    for name in ("max_logical_replication_workers", "max_replication_slots", "max_worker_processes"):
        if settings.get(name) == "0":
            yield error(
                "target_without_workers",
                name,
                found="0 on the target",
                expected="at least 1: the subscription is applied by a worker, and remembered in an origin",
                cure=f"raise {name} in the target's parameter group and reboot it",
            )


def _compression(situation: NativeSituation) -> Iterator[Finding]:
    """Say what pglz costs: each page of a new index is a full-page image. Aurora writes none."""
    on_aurora = situation.target_database is not None and situation.target_database.engine is Engine.AURORA
    found = situation.target_server.settings.get("wal_compression", "off")
    if found in PGLZ and not on_aurora:
        yield note(
            "target_compresses_wal",
            "wal_compression",
            found=f"{found} on the target: building indexes took three times as long with it as without",
            cure="to save that time, wal_compression 0 in the target's parameter group (no reboot) until build_indexes"
            " is done: its WAL is then larger",
        )


def _names(situation: NativeSituation) -> Iterator[Finding]:
    migration = situation.migration
    comment = native_names.comment(migration)
    cure = "drop it, or give the migration another name"
    named_so = (
        ("publication", native_names.publication(migration), situation.publication),
        ("subscription", native_names.subscription(migration), situation.subscription),
    )
    for kind, name, found in named_so:
        if found is not None and found.comment != comment:
            told = f"a {kind} of that name that is not ours (comment {found.comment!r})"
            yield error(f"{kind}_taken", name, found=told, expected=f"none, or one with comment {comment}", cure=cure)
    if situation.slot is not None and not situation.slot_is_ours:
        name = situation.slot.name
        found_slot = f"a slot in database {situation.slot.database} that the ledger does not give to this migration"
        yield error("slot_taken", name, found=found_slot, expected="none: slot names are known server-wide", cure=cure)


def _tables(situation: NativeSituation) -> Iterator[Finding]:
    scope = situation.scope
    if len(scope.published) <= 1:
        yield error(
            "nothing_selected",
            "tables.rules",
            found="no table",
            expected="at least one table",
            cure="correct the rules; views and foreign tables are not replicated",
        )
    if clash := sorted(map(written, (scope.made & situation.target_tables) - situation.made)):
        yield error(
            "tables_on_target",
            "target",
            found=f"{counted(len(clash), 'table')} there already: {named(clash)}",
            expected="none: the shape is copied, and rows of two origins would mix",
            cure="drop or rename them, or name another target.database",
        )
    there = {(table.schema, table.name): table for table in situation.tables}
    unlogged = [name for name in scope.published if name in there and there[name].persistence == "u"]
    if unlogged:
        yield error(
            "unlogged_tables",
            "tables.rules",
            found=f"unlogged: {named(sorted(map(written, unlogged)))}",
            expected="logged tables: others leave nothing in the WAL, and cannot be published",
            cure="ALTER TABLE … SET LOGGED, or exclude them",
        )
    if any("filters" in rule for rule in situation.migration.tables.rules):
        yield error(
            "filters_not_native",
            "tables.rules",
            found="a rule with filters",
            expected="whole tables",
            cure="take the filters out, or use DMS (pg_cdc_migrate)",
        )


def _keys(situation: NativeSituation) -> Iterator[Finding]:
    tables = sorted(f"{table.schema}.{table.name}" for table in keyless(situation.scope, situation.tables))
    if not tables:
        return
    if situation.migration.native.keyless_tables is KeylessTables.REFUSE:
        yield error(
            "keyless_tables",
            "tables.rules",
            found=f"{counted(len(tables), 'table')} without key or replica identity: {named(tables)}",
            expected="a key: the application's updates and deletes fail once such a table is published",
            cure="add keys, exclude them, or set native.keyless_tables to identity-full",
        )
        return
    yield warning(
        "keyless_tables",
        "tables.rules",
        found=f"{counted(len(tables), 'table')} will have replica identity full: {named(tables)}",
        expected="keys: each change then writes the old row to the WAL, and is found by a scan on the target",
        cure="add keys where such tables are large and often changed",
    )
    if situation.uncomparable:
        yield error(
            "keyless_and_uncomparable",
            "tables.rules",
            found=f"no key, and a type without equality: {named(sorted(map(written, situation.uncomparable)))}",
            expected="a key: a changed row could not be found on the target, and all of apply would stop",
            cure="add a key, or exclude the table",
        )


def _pglogical(situation: NativeSituation) -> Iterator[Finding]:
    return pglogical_findings(
        situation.server, situation.target_server, situation.scope, situation.tables, situation.generated
    )


def _same_server(situation: NativeSituation) -> Iterator[Finding]:
    source, target = situation.server, situation.target_server
    same = source.system_identifier == target.system_identifier
    if source.system_identifier and same and source.postmaster_started == target.postmaster_started:
        yield note(
            "same_server",
            "target",
            found="source and target are databases of one server, where a plain CREATE SUBSCRIPTION hangs",
            cure="nothing: the slot is made apart from the subscription, which does not hang",
        )


def _tls(situation: NativeSituation) -> Iterator[Finding]:
    wanted = situation.migration.native
    if wanted.ssl_mode in (SslMode.VERIFY_CA, SslMode.VERIFY_FULL) and not wanted.root_certificate:
        yield error(
            "no_root_certificate",
            "native.root_certificate",
            found=f"nothing, and native.ssl_mode {wanted.ssl_mode.value}",
            expected="the file on the target's server by which it verifies the source",
            cure="name it, or set native.ssl_mode to require",
        )

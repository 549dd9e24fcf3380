"""Read everything that preflight and the plan of native replication need. Changes nothing, and does not ask DMS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pg_cdc.decisions.native import names as native_names
from pg_cdc.decisions.native.pglogical import is_pglogical
from pg_cdc.decisions.native.preflight import NativeSituation
from pg_cdc.decisions.native.publication import keyless, native_scope
from pg_cdc.decisions.parameters.changes import plan_parameters
from pg_cdc.facts.native.objects import read_copied_schema, read_publication, read_slot, read_snapshot
from pg_cdc.facts.native.pglogical import read_generated, read_set, slot_name
from pg_cdc.facts.native.stream import read_any_subscription
from pg_cdc.facts.postgres import read_rows, read_server, read_tables
from pg_cdc.facts.rds import read_database, read_parameter_groups
from pg_cdc.facts.replicas import read_replicas
from pg_cdc.facts.survey import read_source_facts
from pg_cdc.hooks.native.books import owns_slot
from pg_cdc.hooks.postgres import connect_source, target_credentials
from pg_cdc.hooks.rds import CdcRdsHook
from pg_cdc.hooks.secrets import dms_role_password

if TYPE_CHECKING:
    from pg_cdc.config import Migration


def read_native_survey(migration: Migration) -> NativeSituation:
    """Return all facts.

    :raises PreflightFailed: an end or a login that cannot be used, so that there is nothing to check.
    """
    hook = CdcRdsHook.of(migration)
    database = read_database(hook, migration.source.identifier)
    groups = read_parameter_groups(hook, database)
    facts = read_source_facts(migration, database)
    dms_role_password(migration)
    target_identifier = migration.target.identifier
    target_database = read_database(hook, target_identifier) if target_identifier else None
    with connect_source(migration, database) as conn:
        publication = read_publication(conn, native_names.publication(migration))
        slot, snapshot = read_slot(conn, slot_name(conn, migration)), read_snapshot(conn, migration)
        published = read_set(conn, migration) if is_pglogical(migration) else None
        slot_is_ours = owns_slot(conn, migration)
        generated = read_generated(conn)
        hard = {(row["schema"], row["table"]) for row in read_rows(conn, "native/list_uncomparable.sql")}
    with target_credentials(migration, hook).connect() as conn:
        target_server, target_tables = read_server(conn), read_tables(conn)
        subscription = read_any_subscription(conn, migration)
        made = read_copied_schema(conn, migration.name)
    changes = plan_parameters(database, groups, facts.server, migration=migration, own_slots=facts.own_slots)
    scope = native_scope(migration, facts.tables)
    lacking = ((table.schema, table.name) for table in keyless(scope, facts.tables))
    return NativeSituation(
        migration=migration,
        database=database,
        groups=groups,
        server=facts.server,
        tables=facts.tables,
        roles=facts.roles,
        own_slots=facts.own_slots,
        target_database=target_database,
        target_server=target_server,
        changes=changes,
        replicas=read_replicas(hook, database),
        scope=scope,
        lossy_columns=tuple(str(column) for column in facts.shapes.columns if column.table_name in scope.made),
        uncomparable=tuple(sorted(name for name in lacking if name in hard)),
        target_tables=frozenset((table.schema, table.name) for table in target_tables),
        made=made,
        generated=generated,
        publication=publication,
        replication_set=published,
        subscription=subscription,
        slot=slot,
        slot_is_ours=slot_is_ours,
        snapshot=snapshot,
    )

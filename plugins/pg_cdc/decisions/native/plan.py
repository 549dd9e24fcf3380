"""Say what a native migration is going to change, before it does. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pg_cdc.decisions import names
from pg_cdc.decisions.native import names as native_names
from pg_cdc.decisions.native.load import index_jobs, size, streams
from pg_cdc.decisions.native.pglogical import LIBRARY, is_pglogical, members, replication_set
from pg_cdc.decisions.native.preflight import NativeSituation
from pg_cdc.decisions.native.publication import keyless
from pg_cdc.decisions.parameters.groups import keeps, target_group
from pg_cdc.decisions.plan import Plan, parameter_rows, reboots
from pg_cdc.decisions.preflight.findings import counted
from pg_cdc.decisions.replicas.meaning import replica_changes
from pg_cdc.decisions.versions import major_of


def make_native_plan(situation: NativeSituation) -> Plan:
    """Return the plan for what was read."""
    return Plan(
        parameters=tuple(parameter_rows(situation.changes)),
        changes=(*_source_changes(situation), *_stream_changes(situation)),
        copies=_copies(situation),
    )


def native_inventory(situation: NativeSituation) -> dict[str, Any]:
    """Return the facts that ``inspect_source`` logs and hands to the report."""
    source, target = situation.server, situation.target_server
    return {
        "source": f"{situation.database.identifier}, PostgreSQL {major_of(source.version_num)}",
        "target": f"{native_names.server(situation.migration)}, PostgreSQL {major_of(target.version_num)}",
        "wal_level": source.settings.get("wal_level"),
        "slots": [slot.name for slot in source.slots],
        "selected_tables": len(situation.scope.published) - 1,
        "extensions": list(source.installed_extensions),
        "publication": situation.publication is not None,
        "subscription": situation.subscription is not None,
        "loaded": situation.snapshot is not None and situation.snapshot.loaded,
    }


def _source_changes(situation: NativeSituation) -> Iterator[str]:
    database, migration = situation.database, situation.migration
    changes = [change for change in situation.changes if change.changes]
    group = target_group(database, situation.groups)
    if changes and not keeps(database, group, migration=migration):
        own = names.parameter_group(database.identifier, group.family)
        yield f"make the parameter group {own} with the user-set values of {group.name}, and attach it"
    yield from replica_changes(database, situation.groups, situation.changes, situation.replicas, migration=migration)
    yield from reboots(database, situation.changes)
    if migration.dms_role.name not in situation.roles:
        yield f"make the role {migration.dms_role.name}, which the subscription logs in as"
    for table in () if is_pglogical(migration) else keyless(situation.scope, situation.tables):
        yield f"give {table.schema}.{table.name} replica identity full"


def _stream_changes(situation: NativeSituation) -> Iterator[str]:
    migration = situation.migration
    yield from _pglogical_changes(situation) if is_pglogical(migration) else _own_changes(situation)
    yield f"a marker row in {names.CONTROL_SCHEMA}.{names.MARKER_TABLE}, read on the target as proof"


def _pglogical_changes(situation: NativeSituation) -> Iterator[str]:
    migration, scope = situation.migration, situation.scope
    for end, server in (("source", situation.server), ("target", situation.target_server)):
        if LIBRARY not in server.installed_extensions:
            yield f"extension pglogical on the {end}, with a node"
    if situation.replication_set is None:
        yield f"replication set {replication_set(migration)} of {len(members(scope, situation.tables))} tables"
    if not scope.made <= situation.made:
        yield f"{counted(len(scope.made), 'table')} of {', '.join(scope.schemas)} on the target, with their indexes"
    if situation.subscription is None:
        yield f"subscription {native_names.subscription(migration)} of pglogical, which makes its slot and copies"


def _own_changes(situation: NativeSituation) -> Iterator[str]:
    migration, scope = situation.migration, situation.scope
    if situation.publication is None:
        yield f"publication {native_names.publication(migration)} of {len(scope.published)} tables on the source"
    if not scope.made <= situation.made:
        made = counted(len(scope.made), "table")
        yield f"{made} of {', '.join(scope.schemas)} on the target, with types and functions"
    if situation.subscription is None:
        yield f"subscription {native_names.subscription(migration)} on the target, disabled until all is loaded"
    if situation.snapshot is None or not situation.snapshot.loaded:
        classes = _classes(situation)
        copies, builds = (
            streams(migration.native.streams, *classes),
            index_jobs(migration.native.index_jobs, classes[1]),
        )
        yield f"one slot {native_names.slot(migration)}, and a session that holds its snapshot until all is loaded"
        yield f"a copy of every table as of that slot, {copies} at a time"
        yield f"the indexes, keys and triggers afterwards, {builds} at a time"


def _classes(situation: NativeSituation) -> tuple[str | None, str | None]:
    there = situation.target_database
    return situation.database.writer.instance_class, there.writer.instance_class if there else None


def _copies(situation: NativeSituation) -> str:
    chosen = [table for table in situation.tables if (table.schema, table.name) in situation.scope.made]
    rows = sum(max(table.estimated_rows, 0) for table in chosen if table.kind == "r")
    total = sum(table.bytes for table in chosen if table.kind == "r")
    return f"{counted(len(chosen), 'table')}, about {rows:,} rows, {size(total)}"

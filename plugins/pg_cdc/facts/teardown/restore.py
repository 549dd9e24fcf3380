"""Read what a migration has changed of the source's parameters, and what stands against changing it back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pg_cdc.decisions import names
from pg_cdc.decisions.parameters.groups import target_group
from pg_cdc.decisions.teardown.restore_parameters import ParameterFacts, merged
from pg_cdc.facts.configuration import read_own_slots
from pg_cdc.facts.postgres import read_server
from pg_cdc.facts.rds import read_parameter_group, read_parameter_groups
from pg_cdc.facts.teardown.other_migrations import read_neighbours
from pg_cdc.facts.teardown.source_reach import reach_source

if TYPE_CHECKING:
    from pg_cdc.config import Migration
    from pg_cdc.decisions.world import Database, ParameterGroup
    from pg_cdc.hooks.rds import CdcRdsHook


def read_parameter_facts(hook: CdcRdsHook, migration: Migration, database: Database | None = None) -> ParameterFacts:
    """Return the facts, as they are now.

    :raises SourceAway: the source cannot be reached.
    """
    database, conn = reach_source(migration, database=database)
    with conn:
        server = read_server(conn)
        own_slots = read_own_slots(conn, migration)
        neighbours = read_neighbours(conn, migration, database)
    rows = merged(row for found in neighbours.before.values() for row in found)
    attached = target_group(database, read_parameter_groups(hook, database))
    return ParameterFacts(
        migration=migration.name,
        home=migration.source.database,
        database=database,
        attached=attached,
        groups=_groups(hook, attached, {name for row in rows for name in (row.group_name, row.set_in)}),
        rows=rows,
        books=tuple(neighbours.before),
        slots=server.slots,
        own_slots=own_slots,
        settings=server.settings,
        others=neighbours.others,
        unread=neighbours.unread,
        pglogical_in=neighbours.pglogical_in,
    )


def read_own_groups(hook: CdcRdsHook, migration: Migration) -> tuple[ParameterGroup, ...]:
    """Return every parameter group of our name for this source, of any family: the source itself may be gone."""
    found = []
    for cluster in (True, False):
        for row in hook.list_groups(cluster=cluster):
            if row["name"] == names.parameter_group(migration.source.identifier, row["family"]):
                group = read_parameter_group(hook, row["name"], cluster=cluster)
                found += [group] if group else []
    return tuple(found)


def _groups(hook: CdcRdsHook, attached: ParameterGroup, wanted: set[str]) -> dict[str, ParameterGroup]:
    found = {attached.name: attached}
    for name in sorted(wanted - {attached.name}):
        if (group := read_parameter_group(hook, name, cluster=attached.cluster)) is not None:
            found[name] = group
    return found

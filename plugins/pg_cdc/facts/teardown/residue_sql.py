"""Read what a migration has left in PostgreSQL, on either end. Changes nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pg_cdc.config import Migration
from pg_cdc.config.teardown import Keep, Teardown
from pg_cdc.decisions.teardown.control import BEFORE
from pg_cdc.decisions.teardown.facts import SourceState, TargetState
from pg_cdc.decisions.teardown.residue import Trace
from pg_cdc.decisions.teardown.restore_parameters import obstacles, plan_restore
from pg_cdc.decisions.teardown.source import source_items
from pg_cdc.decisions.teardown.sql import Item, traces, unchecked
from pg_cdc.decisions.teardown.target import control_schema, target_items
from pg_cdc.facts.teardown.residue_ends import open_source, open_target
from pg_cdc.facts.teardown.residue_lake import lake_traces
from pg_cdc.facts.teardown.residue_source import read_source_state
from pg_cdc.facts.teardown.residue_target import read_target_state
from pg_cdc.facts.teardown.restore import read_parameter_facts
from pg_cdc.hooks.rds import CdcRdsHook

if TYPE_CHECKING:
    from pg_cdc.decisions.world import Database
    from pg_cdc.facts.teardown.residue_ends import SourceEnd, TargetEnd


def source_traces(migration: Migration, teardown: Teardown, *, run: str = "") -> tuple[Trace, ...]:
    """Return every thing of the migration on the source; ``run``: this run's name in the lease."""
    with open_source(migration) as end:
        if end.why:
            return unchecked(source_items(_blank_source(migration), keeps(teardown)), f"source: {end.why}")
        return traces(read_source_items(end, migration, teardown, run=run))


def target_traces(migration: Migration, teardown: Teardown) -> tuple[Trace, ...]:
    """Return every thing of the migration on the target, be it a database or a bucket."""
    if migration.lake.bucket:
        return lake_traces(migration, teardown)
    with open_target(migration) as end:
        if end.why:
            return unchecked(target_items(_blank_target(migration), keeps(teardown)), f"target: {end.why}")
        return traces(read_target_items(end, migration, teardown))


def read_source_items(
    end: SourceEnd, migration: Migration, teardown: Teardown, *, run: str = "", at_work: bool = False
) -> tuple[Item, ...]:
    """Return what is on a source that could be reached. ``at_work``: for a step that is about to remove something."""
    state = read_source_state(end, migration, run=run)
    if any(state.control.rows.get(BEFORE, {}).values()):
        state = replace(state, at_work=at_work, parameters_stay=_parameters_stay(migration, teardown, end.database))
    return source_items(state, keeps(teardown))


def read_target_items(end: TargetEnd, migration: Migration, teardown: Teardown) -> tuple[Item, ...]:
    """Return what is on a target that could be reached."""
    return target_items(read_target_state(end, migration), keeps(teardown))


def keeps(teardown: Teardown) -> dict[str, str]:
    """Return why each part stays on purpose, as decisions take it."""
    return {thing.value: teardown.keeps(thing) for thing in Keep}


def _parameters_stay(migration: Migration, teardown: Teardown, database: Database | None) -> str:
    facts = read_parameter_facts(CdcRdsHook.of(migration), migration, database)
    stays = bool(teardown.keeps(Keep.PGLOGICAL))
    found = obstacles(facts, plan_restore(facts), own_go=True, pglogical_stays=stays)
    return "; ".join((*found.all, *found.by_name.values()))


def _blank_source(migration: Migration) -> SourceState:
    role = migration.dms_role
    database = migration.source.database
    return SourceState(
        migration=migration.name,
        database=database,
        role=role.name,
        schema=role.artifacts_schema,
        replica=migration.source.read_from or "",
    )


def _blank_target(migration: Migration) -> TargetState:
    database, schema = migration.target.database, control_schema(migration)
    return TargetState(migration=migration.name, database=database, schema=schema, database_gone=True)

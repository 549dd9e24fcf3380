"""A fresh start: choose the tables, make the slot, and hold the snapshot they are loaded from."""

from __future__ import annotations

import threading
from typing import Any

import psycopg

from sandbox.dms.engine import decoding_pglogical, slots
from sandbox.dms.engine.clock import now
from sandbox.dms.engine.ddl import AUDIT
from sandbox.dms.engine.failures import NO_TABLES, TaskFailed
from sandbox.dms.engine.job import Job
from sandbox.dms.engine.lake_target import LakeTarget
from sandbox.dms.engine.progress import Progress, TableName, TableState
from sandbox.dms.engine.selection import Selection
from sandbox.dms.engine.servers import Address
from sandbox.dms.engine.source import read_selected
from sandbox.dms.engine.tables import Tables, set_members

Source = psycopg.Connection[Any]


def open_task(
    job: Job, progress: Progress, tables: Tables, source: Source, stop: threading.Event
) -> slots.Snapshot | None:
    """Begin anew; the snapshot is None when changes come from a slot that was given."""
    progress.fresh_start, progress.load_start, progress.load_finish = now(), None, None
    progress.position = None
    tables.choose(read_selected(source, Selection(job.rules)))
    if not tables.known and job.settings["ErrorBehavior"]["FailOnNoTablesCaptured"]:
        raise TaskFailed(NO_TABLES)
    if not job.loads:
        for told in progress.tables:
            told.state = TableState.COMPLETED
    if not job.captures:
        return None
    _forget_position(job)
    drop_old_slot(job.source, progress)
    progress.plugin = slots.preferred_plugin(source, job.source_settings.get("PluginName", "no-preference"))
    given = job.source_settings.get("SlotName")
    if given:
        _use_slot(job, progress, source, given)
        return slots.standby_snapshot(job.source.psycopg()) if job.loads and slots.on_standby(source) else None
    if slots.on_standby(source):
        raise TaskFailed("on a read replica no replication slot is created: make one, and name it by SlotName")
    return _make_slot(job, progress, tables, source, stop)


def later_snapshot(job: Job, stop: threading.Event) -> slots.Snapshot:
    """Return a snapshot whose place in the WAL is known, for tables that join a stream."""
    source = job.source.psycopg()
    if slots.on_standby(source):
        return slots.standby_snapshot(source)
    if not job.captures:
        return slots.export_snapshot(source)
    source.close()
    return _snapshot(job, slots.new_slot_name(), "test_decoding", stop, temporary=True)


def drop_old_slot(source: Address, progress: Progress) -> None:
    """Drop the slot this task made, and the sets that went with it."""
    if not progress.slot or not progress.slot_made:
        return
    slots.drop_slot(source, progress.slot)
    if progress.plugin == "pglogical_output":
        with source.psycopg() as connection:
            decoding_pglogical.drop_sets(connection, progress.slot, node=progress.node_made)
    progress.slot, progress.slot_made, progress.node_made = None, False, False


def _use_slot(job: Job, progress: Progress, source: Source, name: str) -> None:
    if not job.start_position and not (job.loads and slots.on_standby(source)):
        raise TaskFailed(f"SlotName {name} requires a valid CdcStartPosition")
    query = "select plugin from pg_catalog.pg_replication_slots where slot_name = %s"
    row = source.execute(query, (name,)).fetchone()
    if row is None:
        raise TaskFailed(f'replication slot "{name}" does not exist')
    progress.slot, progress.slot_made, progress.plugin = name, False, row[0]


def _make_slot(job: Job, progress: Progress, tables: Tables, source: Source, stop: threading.Event) -> slots.Snapshot:
    name, plugin = slots.new_slot_name(), progress.plugin or ""
    progress.slot, progress.slot_made = name, True
    if plugin == "pglogical_output":
        # Sets first: the slot sees the catalog as it was when the slot was made.
        progress.node_made = decoding_pglogical.create_sets(source, name)
        members = [*set_members(tables.known.values()), *_audit_table(job, source)]
        decoding_pglogical.add_tables(source, name, members)
    return _snapshot(job, name, plugin, stop, temporary=False)


def _snapshot(job: Job, name: str, plugin: str, stop: threading.Event, *, temporary: bool) -> slots.Snapshot:
    patience = max(3.0, job.settings["FullLoadSettings"]["TransactionConsistencyTimeout"] * job.pace)
    return slots.create_slot(job.source, name, plugin, temporary=temporary, stop=stop, patience=patience)


def _audit_table(job: Job, source: Source) -> list[tuple[TableName, bool]]:
    key = (job.artifacts_schema, AUDIT)
    query = "select 1 from pg_catalog.pg_tables where schemaname = %s and tablename = %s"
    return [(key, False)] if source.execute(query, key).fetchone() else []


def _forget_position(job: Job) -> None:
    if isinstance(job.target, LakeTarget):
        return
    with job.target.psycopg() as target:
        job.control().create(target)
        job.control().forget(target)

"""Decide what goes from the target: the copy of the marker, and the tables that DMS keeps for itself. Pure.

Source: https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Tasks.CustomizingTasks.TaskSettings.ControlTable.html
"""

from __future__ import annotations

from collections.abc import Iterator

from pg_cdc.config import Migration
from pg_cdc.decisions.teardown.facts import TargetState, TargetTable
from pg_cdc.decisions.teardown.sql import TARGET, Item, Keeps, delete_command, listed, on_target, quoted

CONTROL_TABLES = (
    "awsdms_apply_exceptions",
    "awsdms_status",
    "awsdms_history",
    "awsdms_suspended_tables",
    "awsdms_txn_state",
    "awsdms_validation_failures_v1",
    "awsdms_validation_failures_v2",
)
COPIES = ("awsdms_ddl_audit", "awsdms_heartbeat")
"""Tables of the source that reach the target when the rules select their schema."""


def control_schema(migration: Migration) -> str:
    """Return the schema of DMS's control tables."""
    settings = migration.replication.task_settings.get("ControlTablesSettings") or {}
    return str(settings.get("ControlSchema") or "public")


def target_items(state: TargetState, keeps: Keeps) -> tuple[Item, ...]:
    """Return everything on the target, in the order in which it is removed."""
    sharing = state.sharing()
    keep = keeps.get(TARGET) or (f"needed by {sharing}" if sharing else "")
    items = [_marker_rows(state, keeps), _marker_schema(state, keep), *_tables(state, keep)]
    if not state.database_gone:
        items.append(_replicated(state))
    return tuple(items)


def _marker_rows(state: TargetState, keeps: Keeps) -> Item:
    trace = on_target(
        "rows",
        f"of {state.migration} in pgcdc.marker of {state.database}",
        exists=state.control.count("marker", state.migration) > 0,
        keep=keeps.get(TARGET, ""),
        command=delete_command("marker", state.migration),
    )
    return Item(part=TARGET, action="marker_rows", trace=trace)


def _marker_schema(state: TargetState, keep: str) -> Item:
    """With our other tables in it, the schema is that of a source: a migration goes on from this database."""
    tables = [table for table in state.control.tables if table != "marker"]
    is_source = f"it holds {listed(tables)}: this database is a source too" if tables else ""
    trace = on_target(
        "schema",
        f"pgcdc of {state.database}",
        exists=state.control.owner is not None,
        keep=keep or is_source,
        blocked=f"it holds {listed(state.control.strangers)}" if state.control.strangers else "",
        command="DROP TABLE pgcdc.marker; DROP SCHEMA pgcdc",
    )
    return Item(part=TARGET, action="marker_schema", trace=trace)


def _tables(state: TargetState, keep: str) -> Iterator[Item]:
    for table in state.tables:
        trace = on_target(
            "table",
            f"{quoted(table.schema, table.name)} of {state.database}",
            exists=True,
            ours=_is_dms(table),
            keep=keep,
            command=f"DROP TABLE {quoted(table.schema, table.name)}",
            detail="" if _is_dms(table) else f"owned by {table.owner}, for another migration or by hand",
        )
        yield Item(part=TARGET, action="table", argument=f"{table.schema}\n{table.name}", trace=trace)
    if not state.tables:
        name = f"awsdms_* in {quoted(state.schema)} of {state.database}"
        yield Item(part=TARGET, trace=on_target("table", name, exists=False))


def _is_dms(table: TargetTable) -> bool:
    return table.made_by_login and not table.beside_function


def _replicated(state: TargetState) -> Item:
    keep = "the copy is what the migration was for: a teardown never touches it"
    return Item(part=TARGET, trace=on_target("replicated tables", f"of {state.database}", exists=True, keep=keep))

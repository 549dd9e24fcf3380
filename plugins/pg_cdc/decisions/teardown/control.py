"""Decide what goes of what we remember: a migration's rows, and the schemas pgcdc when nobody needs them. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from pg_cdc.decisions.teardown.facts import ControlSchema, SourceState
from pg_cdc.decisions.teardown.sql import CONTROL, PARAMETERS, Item, Keeps, delete_command, listed, on_source, quoted

BOOKS_DATABASE = "postgres"
"""Where the lease and the books of slot hygiene are, for all databases of the server."""

ROW_TABLES = ("marker", "slot_owner", "reboot", "parameter_before")
BEFORE = "parameter_before"
BOOK_TABLES = ("lease", "slot_watch", "slot_observation")
DROP = "DROP SCHEMA pgcdc CASCADE"


def control_items(state: SourceState, keeps: Keeps) -> Iterator[Item]:
    """Return the migration's rows, the schema in its database, and the schema in database postgres."""
    rows = tuple(_rows(state, table, keeps) for table in ROW_TABLES)
    yield from rows
    kept = [item.trace for item in rows if item.trace.exists and item.trace.keep]
    reason = keeps.get(CONTROL) or _needed(state)
    if kept and not reason:
        reason = f"it holds {kept[0].kind} {kept[0].name}: {kept[0].keep}"
    shared = state.database == BOOKS_DATABASE
    if shared:
        reason = reason or _books_needed(state)
    yield _schema(state.database, state.control, reason, waits=_waits(state))
    if not shared:
        yield _schema(BOOKS_DATABASE, state.books, keeps.get(CONTROL) or _books_needed(state))


def _rows(state: SourceState, table: str, keeps: Keeps) -> Item:
    """Old parameter values are not this step's to delete: what puts the parameters back forgets them."""
    mine = table != BEFORE
    stay = "" if mine or not state.parameters_stay else f"the parameters stay: {state.parameters_stay}"
    there = state.control.count(table, state.migration) > 0
    trace = on_source(
        "rows",
        f"of {state.migration} in pgcdc.{table} of {state.database}",
        exists=there,
        keep=keeps.get(CONTROL) or stay,
        command=delete_command(table, state.migration),
        detail="" if mine or not there else "needed until the parameters are back",
    )
    return Item(part=CONTROL if mine else PARAMETERS, action="rows" if mine else "", argument=table, trace=trace)


def _needed(state: SourceState) -> str:
    """Return whose rows the schema holds besides. Old values of ended migrations go when the parameters are back."""
    tables = state.control.rows.items()
    others = {name for table, rows in tables if table != BEFORE or state.parameters_stay for name in rows if name}
    others -= {state.migration}
    return f"it holds rows of {listed(sorted(others))}" if others else ""


def _waits(state: SourceState) -> str:
    """Return why the schema cannot go in this very step; a report before or after it does not ask."""
    if state.at_work and any(state.control.rows.get(BEFORE, {}).values()):
        return "it holds old parameter values, and the parameters are not back"
    return ""


def _books_needed(state: SourceState) -> str:
    if state.lease is not None and not state.lease.expired and state.lease.owner != state.run:
        return f"{state.lease.owner} has the lease"
    slots = listed(slot.name for slot in state.foreign_slots)
    watched = f"slot hygiene watches {slots}" if slots else ""
    users = ", ".join(part for part in (state.sharing(), state.elsewhere()) if part)
    return (f"needed by {users}" if users else "") or watched


def _schema(database: str, found: ControlSchema, keep: str, waits: str = "") -> Item:
    trace = on_source(
        "schema",
        f"pgcdc of {quoted(database)}",
        exists=found.owner is not None,
        keep=keep,
        blocked=f"it holds {listed(found.strangers)}" if found.strangers else waits,
        command=DROP,
        detail=f"with {listed(found.tables, 7)}" if found.tables else "",
    )
    return Item(part=CONTROL, action="control_schema", argument=database, trace=trace)

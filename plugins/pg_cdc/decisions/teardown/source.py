"""Decide what of a migration goes from the source: slots, DDL audit, pglogical, DMS role. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pg_cdc.decisions import names
from pg_cdc.decisions.ddl_audit import COLUMNS, Function, classify_function
from pg_cdc.decisions.teardown.control import control_items
from pg_cdc.decisions.teardown.facts import OWN_KINDS, SourceState
from pg_cdc.decisions.teardown.sql import (
    AUDIT,
    PGLOGICAL,
    ROLE,
    SLOT,
    Item,
    Keeps,
    is_marked,
    listed,
    on_source,
    quoted,
)
from pg_cdc.decisions.world import Slot

OUR_TEXTS = (Function.SAME, Function.OURS)
PGLOGICAL_PLUGINS = ("pglogical", "pglogical_output")


def source_items(state: SourceState, keeps: Keeps) -> tuple[Item, ...]:
    """Return everything on the source, in the order in which it is removed."""
    audit = (*_audit_objects(state, keeps), _heartbeat(state, keeps))
    audit = (*audit, _artifacts_schema(state, keeps, audit))
    pglogical = tuple(_pglogical(state, keeps))
    roles = (_role(state, keeps, audit), *_rights(state, keeps))
    return (*_slots(state), *_replica_slot(state), *audit, *pglogical, *roles, *control_items(state, keeps))


def _slots(state: SourceState) -> Iterator[Item]:
    ours = [slot for slot in state.slots if state.is_ours(slot)]
    for slot in ours:
        held = f"holds back {slot.retained_bytes or 0} bytes of WAL"
        trace = on_source(
            "replication slot",
            slot.name,
            exists=True,
            command=f"SELECT pg_drop_replication_slot('{slot.name}')",
            detail=f"{'read by somebody now' if slot.active else 'read by nobody'}, {held}",
        )
        yield Item(part=SLOT, action="slot", argument=slot.name, trace=trace)
    elsewhere = {names.slot(state.migration)} if state.replica else set()
    gone = sorted(state.recorded - elsewhere - {slot.name for slot in ours})
    for name in gone or ([] if ours else [f"of migration {state.migration}"]):
        yield Item(part=SLOT, trace=on_source("replication slot", name, exists=False))
    for slot in state.foreign_slots:
        detail = f"of database {slot.database}: {_whose(state, slot)}"
        trace = on_source("replication slot", slot.name, exists=True, ours=False, detail=detail)
        yield Item(part=SLOT, trace=trace)


def _replica_slot(state: SourceState) -> Iterator[Item]:
    """Yield the slot that was made for DMS on a read replica."""
    if not state.replica:
        return
    name = names.slot(state.migration)
    found = next((slot for slot in state.replica_slots if slot.name == name), None)
    trace = on_source(
        "replication slot",
        f"{name} of {state.replica}",
        exists=None if state.replica_why else found is not None,
        ours=found is None or state.is_ours(found),
        command=f"SELECT pg_drop_replication_slot('{name}')",
        detail=state.replica_why,
    )
    yield Item(part=SLOT, action="slot", argument=name, trace=trace)


def _whose(state: SourceState, slot: Slot) -> str:
    ledgers = [(one.database, one.slots) for one in state.neighbours]
    here = {row.slot_name: row.migration for row in state.ledger if row.owner_kind in OWN_KINDS}
    for database, ledger in [(state.database, here), *ledgers]:
        if database == slot.database and ledger.get(slot.name):
            return f"the ledger gives it to migration {ledger[slot.name]}"
    return "no ledger gives it to a migration"


def _staying(keeps: Keeps, part: str, sharing: str) -> str:
    return keeps.get(part) or (f"needed by {sharing}" if sharing else "")


def _audit_objects(state: SourceState, keeps: Keeps) -> tuple[Item, ...]:
    audit, schema = state.audit, state.schema
    text = classify_function(audit, body=state.body, schema=schema)
    keep = _staying(keeps, AUDIT, state.sharing())
    callers = listed(state.artifacts.other_triggers)
    called_by = f"event trigger {callers} calls the function: DDL would fail" if callers else ""
    called = f"{audit.trigger_schema}.{audit.trigger_function} on {audit.trigger_event}"
    calls_ours = called == f"{schema}.awsdms_intercept_ddl on ddl_command_end" and text in OUR_TEXTS
    trigger = on_source(
        "event trigger",
        f"awsdms_intercept_ddl of {state.database}",
        exists=audit.trigger_enabled is not None,
        ours=calls_ours,
        keep=keep,
        command="DROP EVENT TRIGGER awsdms_intercept_ddl",
        detail="" if calls_ours or audit.trigger_enabled is None else f"it calls {called}, which is not our text",
    )
    function = on_source(
        "function",
        f"{quoted(schema)}.awsdms_intercept_ddl()",
        exists=audit.body is not None,
        ours=text in OUR_TEXTS,
        keep=keep,
        blocked=called_by,
        command=f"DROP FUNCTION {quoted(schema)}.awsdms_intercept_ddl()",
        detail="" if text in (*OUR_TEXTS, Function.MISSING) else f"its text is {text.value}",
    )
    is_ours = text in (*OUR_TEXTS, Function.MISSING) and audit.columns == COLUMNS and audit.table_owner == state.role
    table = on_source(
        "table",
        f"{quoted(schema)}.awsdms_ddl_audit",
        exists=audit.table_owner is not None,
        ours=is_ours,
        keep=keep,
        blocked=called_by,
        command=f"DROP TABLE {quoted(schema)}.awsdms_ddl_audit",
        detail="" if is_ours or audit.table_owner is None else f"owned by {audit.table_owner}, and not as we make it",
    )
    actions = {"audit_trigger": trigger, "audit_function": function, "audit_table": table}
    return tuple(Item(part=AUDIT, action=action, trace=trace) for action, trace in actions.items())


def _heartbeat(state: SourceState, keeps: Keeps) -> Item:
    owner = state.artifacts.heartbeat_owner
    trace = on_source(
        "table",
        f"{quoted(state.schema)}.awsdms_heartbeat",
        exists=owner is not None,
        ours=owner == state.role,
        keep=_staying(keeps, AUDIT, state.sharing()),
        command=f"DROP TABLE {quoted(state.schema)}.awsdms_heartbeat",
        detail="" if owner in (None, state.role) else f"owned by {owner}",
    )
    return Item(part=AUDIT, action="heartbeat", trace=trace)


def _artifacts_schema(state: SourceState, keeps: Keeps, inside: tuple[Item, ...]) -> Item:
    """The event trigger is in no schema; all else of the audit is in this one."""
    staying = [f"{one.trace.kind} {one.trace.name}" for one in inside if one.stays and one.action != "audit_trigger"]
    held = [*state.artifacts.strangers, *staying]
    marked = is_marked(state.artifacts.comment)
    trace = on_source(
        "schema",
        f"{quoted(state.schema)} of {state.database}",
        exists=state.artifacts.owner is not None,
        ours=marked,
        keep=_staying(keeps, AUDIT, state.sharing()),
        blocked=f"it holds {listed(held)}" if held else "",
        command=f"DROP SCHEMA {quoted(state.schema)}",
        detail="" if marked else "it has not our mark",
    )
    return Item(part=AUDIT, action="artifacts_schema", trace=trace)


def _pglogical(state: SourceState, keeps: Keeps) -> Iterator[Item]:
    found = state.pglogical
    marked = is_marked(found.comment)
    keep = _staying(keeps, PGLOGICAL, state.sharing() or _pglogical_users(state))
    inside = [f"node {one}" for one in found.nodes] + [f"replication set {one}" for one in found.sets]
    trace = on_source(
        "extension",
        f"pglogical of {state.database}",
        exists=found.version is not None or (found.schema is not None and marked),
        ours=marked,
        keep=keep,
        command="DROP EXTENSION pglogical; DROP SCHEMA pglogical",
        detail=_pglogical_detail(marked, inside) if found.schema else "",
    )
    yield Item(part=PGLOGICAL, action="pglogical", trace=trace)
    if not marked:
        yield from _pglogical_inside(state, _staying(keeps, PGLOGICAL, state.sharing()))


def _pglogical_detail(marked: bool, inside: list[str]) -> str:
    if not marked:
        return "it was there before: it has not our mark"
    return f"with {listed(inside)}" if inside else ""


def _pglogical_users(state: SourceState) -> str:
    """Return who else works with pglogical here: foreign slots of its plugin, subscriptions, sets of other names."""
    slots = [s.name for s in state.foreign_slots if s.database == state.database and s.plugin in PGLOGICAL_PLUGINS]
    found = [f"slot {one}" for one in slots]
    found += [f"subscription {one}" for one in state.pglogical.subscriptions]
    found += [f"replication set {one}" for one in state.pglogical.sets if one not in _our_sets(state)]
    return listed(found)


def _our_sets(state: SourceState) -> frozenset[str]:
    """DMS makes two sets for each slot, of the slot's own name."""
    return frozenset(name for slot in state.recorded for name in (slot, f"i{slot}"))


def _pglogical_inside(state: SourceState, keep: str) -> Iterator[Item]:
    """Sets in an extension that was there before are ours by the name of our slot; of a node nothing tells whose."""
    ours = _our_sets(state)
    for name in state.pglogical.sets:
        command = f"SELECT pglogical.drop_replication_set('{name}')"
        trace = on_source("replication set", name, exists=True, ours=name in ours, keep=keep, command=command)
        yield Item(part=PGLOGICAL, action="pglogical_set", argument=name, trace=trace)
    for name in state.pglogical.nodes:
        detail = "nothing tells whether DMS made it"
        yield Item(part=PGLOGICAL, trace=on_source("pglogical node", name, exists=True, ours=False, detail=detail))


def _role(state: SourceState, keeps: Keeps, audit: tuple[Item, ...]) -> Item:
    use = state.role_use
    owned = [item for item in audit if item.stays and _owners(state).get(item.action) == state.role]
    kept = [f"{one.trace.kind} {one.trace.name}" for one in owned if one.trace.ours and one.trace.keep]
    held = [*use.owns, *(f"{one.trace.kind} {one.trace.name}" for one in owned if not one.trace.keep)]
    users = _role_users(state)
    role = quoted(state.role)
    trace = on_source(
        "role",
        state.role,
        exists=use.exists,
        ours=is_marked(use.comment),
        keep=_staying(keeps, ROLE, users) or (f"it owns {listed(kept)}, which stays" if kept else ""),
        blocked=f"it owns {listed(held)}" if held else "",
        command=f"REASSIGN OWNED BY {role} TO the_new_owner; DROP OWNED BY {role}; DROP ROLE {role}",
        detail="" if is_marked(use.comment) or not use.exists else "it was there before; what it was granted stays",
    )
    return Item(part=ROLE, action="role", trace=trace)


def _rights(state: SourceState, keeps: Keeps) -> Iterator[Item]:
    """A role that stays for another database only has nothing to look for in this one any more."""
    use = state.role_use
    if not is_marked(use.comment) or keeps.get(ROLE) or not _role_users(state):
        return
    for schema in use.rights:
        trace = on_source(
            "rights",
            f"of {state.role} in schema {quoted(schema)} of {state.database}",
            exists=True,
            keep=_staying(keeps, AUDIT, state.sharing()),
            command=f"REVOKE ALL ON SCHEMA {quoted(schema)} FROM {quoted(state.role)}; and on all in it",
        )
        yield Item(part=ROLE, action="rights", argument=schema, trace=trace)


def _owners(state: SourceState) -> Mapping[str, str | None]:
    return {
        "audit_function": state.audit.function_owner,
        "audit_table": state.audit.table_owner,
        "heartbeat": state.artifacts.heartbeat_owner,
        "artifacts_schema": state.artifacts.owner,
    }


def _role_users(state: SourceState) -> str:
    """Return who else logs in as the role. A migration whose endpoint is there says so itself; one without may yet."""
    known = {one.identifier for one in state.endpoints}
    others = [one for one in state.others if names.endpoint(one, "source") not in known]
    found = [f"migration {one}" for one in others]
    found += [f"DMS endpoint {one.identifier}" for one in state.endpoints if one.uses_role]
    found += [f"database {one}, where it owns or may do something" for one in state.role_use.databases]
    return listed(found)

"""The steps of native replication where pglogical does it: it makes the slot, copies the rows and applies the changes.

Its tables get their indexes before their rows, since it applies changes from the moment that the copy ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pg_cdc.decisions.outcome import Outcome
from pg_cdc.failures import Differs, NotOurs, NotProved, NotYet

if TYPE_CHECKING:
    from airflow.sdk import Context
    from psycopg import Connection

    from pg_cdc.config import Migration
    from pg_cdc.decisions.native.pglogical import PglogicalCopy
    from pg_cdc.operators.native.step import Ends, NativeStep


def publish(ends: Ends, migration: Migration) -> Outcome:
    """Make the extension, the node and the replication set on the source, and prove which tables are in it."""
    from pg_cdc.decisions.native.pglogical import members, replication_set, unfit
    from pg_cdc.decisions.native.publication import native_scope
    from pg_cdc.facts.native.pglogical import read_generated, read_set
    from pg_cdc.facts.postgres import read_tables

    name = replication_set(migration)
    with ends.source.connect() as conn:
        tables = read_tables(conn)
        scope = native_scope(migration, tables)
        if listed := tuple(unfit(scope, tables, read_generated(conn))):
            raise Differs(
                found="; ".join(listed),
                expected="tables with a key and without generated columns: others pglogical cannot replicate",
                next="exclude them, or set native.engine to pgoutput",
            )
        wanted = members(scope, tables)
        changes = _ensure_source(conn, ends, migration)
        changes += _ensure_set(conn, migration, wanted)
        if (found := read_set(conn, migration)) != wanted:
            raise NotProved(
                found=f"replication set {name} with {len(found or ())} tables",
                expected=f"the {len(wanted)} selected tables",
                next="clear this task",
            )
    return Outcome(changes=changes, facts={"replication_set": name, "tables": len(wanted)})


def _ensure_source(conn: Connection[Any], ends: Ends, migration: Migration) -> tuple[str, ...]:
    from pg_cdc.decisions.teardown.residue import Place
    from pg_cdc.facts.native.pglogical import read_end
    from pg_cdc.hooks.control_tables import ensure_marker
    from pg_cdc.hooks.native import pglogical as write
    from pg_cdc.hooks.native.books import ensure_source_books
    from pg_cdc.hooks.patience import changing

    role = migration.dms_role.name
    with changing(conn):
        changes = ensure_source_books(conn)
        changes += ensure_marker(conn, role)
        changes += write.ensure_extension(conn, migration, read_end(conn, migration), role=role)
    if read_end(conn, migration).node is None:
        here = ends.database
        address = write.own_conninfo(ends.source, host=here.host, port=here.port, password=False)
        changes += write.create_node(ends.source, migration, Place.SOURCE, address)
    return changes


def _ensure_set(conn: Connection[Any], migration: Migration, wanted: frozenset[tuple[str, str]]) -> tuple[str, ...]:
    from pg_cdc.decisions.native.pglogical import SET, replication_set
    from pg_cdc.decisions.native.world import written
    from pg_cdc.facts.native.objects import read_slot
    from pg_cdc.facts.native.pglogical import read_end, read_set, slot_name
    from pg_cdc.hooks.native import pglogical as write
    from pg_cdc.hooks.patience import changing

    name = replication_set(migration)
    found = read_set(conn, migration)
    if found is not None and (SET, name) not in read_end(conn, migration).made:
        raise NotOurs(
            found=f"a replication set {name} that our book does not have",
            expected="none, or one that is recorded in pgcdc_native.pglogical_made as this migration's",
            next="drop it, or give the migration another name",
        )
    if found == wanted:
        return ()
    if found is not None and read_slot(conn, slot_name(conn, migration)) is not None:
        raise Differs(
            found=f"replication set {name} differs in {', '.join(sorted(map(written, found ^ wanted)))}",
            expected="the tables that were selected when the copy began",
            next="put tables.rules back, or tear the migration down and run it again",
        )
    with changing(conn):
        changes = () if found is not None else write.create_set(conn, migration)
        there = found or frozenset()
        return (*changes, *write.change_set(conn, migration, add=wanted - there, remove=there - wanted))


def subscribe(step: NativeStep, ends: Ends, migration: Migration) -> Outcome:
    """Make the target's indexes, its node and the subscription; or find the subscription as ours."""
    from pg_cdc.decisions.native import names as native_names
    from pg_cdc.decisions.native.pglogical import replication_set
    from pg_cdc.facts.native.pglogical import read_pglogical_subscription

    name = native_names.subscription(migration)
    with ends.target.connect() as conn:
        found = read_pglogical_subscription(conn, migration)
    changes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    if found is None:
        from pg_cdc.operators.native.indexes import IndexBuilder

        changes = _ensure_target(ends, migration)
        built = IndexBuilder(ends, migration, step.log).run(step.task_id)
        changes += built.changes
        warnings += tuple(built.warnings)
        changes += _begin(ends, migration)
        with ends.target.connect() as conn:
            found = read_pglogical_subscription(conn, migration)
    if found is None:
        raise NotProved(found=f"no subscription {name}", expected="the one just made", next="clear this task")
    if found.comment is None:
        raise NotOurs(
            found=f"a subscription {name} of pglogical that our book does not have",
            expected="none, or one that is recorded in pgcdc_native.pglogical_made as this migration's",
            next="drop it, or give the migration another name",
        )
    if found.publications != (replication_set(migration),):
        raise Differs(
            found=f"subscription {name} of {found.publications}",
            expected=f"of {replication_set(migration)}",
            next="tear the migration down and run it again",
        )
    return Outcome(changes=changes, facts={"subscription": name, "slot": found.slot_name}, warnings=warnings)


def _ensure_target(ends: Ends, migration: Migration) -> tuple[str, ...]:
    from pg_cdc.decisions.teardown.residue import Place
    from pg_cdc.facts.native.pglogical import read_end
    from pg_cdc.hooks.native import pglogical as write
    from pg_cdc.hooks.patience import changing

    with ends.target.connect() as conn:
        with changing(conn):
            changes = write.ensure_extension(conn, migration, read_end(conn, migration), role=None)
        has_node = read_end(conn, migration).node is not None
    if not has_node:
        there = ends.target_database
        host, port = (there.host, there.port) if there else (ends.target.host, ends.target.port)
        address = write.own_conninfo(ends.target, host=host, port=port, password=True)
        changes += write.create_node(ends.target, migration, Place.TARGET, address)
    return changes


def _begin(ends: Ends, migration: Migration) -> tuple[str, ...]:
    """Record the slot's owner and make the subscription, which begins the copy."""
    from pg_cdc.facts.native.pglogical import name_slot, read_end
    from pg_cdc.hooks.native import pglogical as write
    from pg_cdc.hooks.native.subscription import subscription_conninfo
    from pg_cdc.hooks.postgres import dms_role_credentials

    with ends.both() as (source, target):
        provider = read_end(source, migration).node
        if provider is None:
            raise NotYet("no node on the source yet: clear ensure_publication")
        changes = write.record_slot(source, migration, name_slot(target, migration, provider))
    login = dms_role_credentials(migration, ends.database)
    conninfo = subscription_conninfo(migration, ends.database, login)
    return (*changes, *write.create_subscription(ends.target, migration, conninfo))


def load(step: NativeStep, ends: Ends, migration: Migration, context: Context) -> Outcome:
    """Wait until pglogical has copied every table. :raises Differs: its worker died in the middle, and cannot go on."""
    from pg_cdc.operators.source.step import as_json
    from pg_cdc.waits.native import PglogicalCopied

    wait = PglogicalCopied(migration=as_json(migration), **ends.address())
    step.wait_minutes(wait, context, migration, migration.timeouts.full_load_minutes)
    found = _copy(ends, migration)
    if found.is_broken:
        raise Differs(
            found=f"pglogical's worker died in phase {found.sync} of the copy",
            expected="the end of the copy: pglogical cannot go on from there",
            next="see both server logs; run pg_cdc_teardown, drop its tables on the target, and run it again",
        )
    if not found.is_done:
        raise NotYet(f"pglogical is {found.status}, phase {found.sync}")
    return Outcome(facts={"tables": found.tables, "status": found.status})


def _copy(ends: Ends, migration: Migration) -> PglogicalCopy:
    from pg_cdc.facts.native.pglogical import read_copy

    with ends.target.connect() as conn:
        found = read_copy(conn, migration)
    if found is None:
        raise NotProved(found="no subscription", expected="the one of this migration", next="clear ensure_subscription")
    return found


def enable(ends: Ends, migration: Migration) -> Outcome:
    """Enable the subscription, where somebody has disabled it."""
    from pg_cdc.decisions.native import names as native_names
    from pg_cdc.facts.native.pglogical import read_pglogical_subscription
    from pg_cdc.hooks.native import pglogical as write

    name = native_names.subscription(migration)
    with ends.target.connect() as conn:
        found = read_pglogical_subscription(conn, migration)
        changes: tuple[str, ...] = ()
        if found is not None and not found.enabled:
            changes = write.enable_subscription(conn, migration)
            found = read_pglogical_subscription(conn, migration)
    if found is None or not found.enabled:
        raise NotProved(
            found=f"no enabled subscription {name}", expected="that of this migration", next="clear ensure_subscription"
        )
    return Outcome(changes=changes, facts={"subscription": name, "slot": found.slot_name})

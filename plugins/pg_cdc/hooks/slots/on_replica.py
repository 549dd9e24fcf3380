"""Make the slot that DMS reads on a read replica: DMS makes none there, and PostgreSQL waits for the primary.

Source: https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.PostgreSQL.html
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any

from psycopg import errors

from pg_cdc.decisions import names
from pg_cdc.decisions.world import Slot
from pg_cdc.facts.postgres import read_slots
from pg_cdc.facts.streaming import read_ledger
from pg_cdc.failures import NotOurs, NotYet
from pg_cdc.hooks.control_tables import record_slot
from pg_cdc.hooks.teardown_sql import drop_slot
from pg_cdc.sql_files import read_sql

if TYPE_CHECKING:
    from psycopg import Connection

    from pg_cdc.config import Migration

HOW = "made for DMS on the read replica {}"
PATIENCE = "120s"
"""For the transactions that were open on the primary to end, and for the replica to replay that they have."""


def renew_slot(
    primary: Connection[Any], replica: Connection[Any], migration: Migration, *, task_arn: str
) -> tuple[str, ...]:
    """Make the slot, after dropping the one of an earlier start; the ledger on the primary says first whose it is.

    :raises NotOurs: a slot of that name is there which the ledger does not give to this task.
    :raises NotYet: it is read now, or the primary's open transactions do not end.
    """
    name, place = names.slot(migration.name), str(migration.source.read_from)
    there = next((slot for slot in read_slots(replica) if slot.name == name), None)
    dropped = "" if there is None else _drop(primary, replica, migration, there)
    made = Slot(
        name=name, plugin="test_decoding", slot_type="logical", database=migration.source.database, active=False
    )
    record_slot(primary, made, task_arn=task_arn, migration=migration.name, how=HOW.format(place))
    _create(primary, replica, name)
    return tuple(change for change in (dropped, f"made replication slot {name} on {place}") if change)


def _drop(primary: Connection[Any], replica: Connection[Any], migration: Migration, slot: Slot) -> str:
    if not any(row.slot_name == slot.name and row.migration == migration.name for row in read_ledger(primary)):
        raise NotOurs(
            found=f"slot {slot.name} on {migration.source.read_from}, which the ledger does not give to this migration",
            expected="no slot of that name, or one that this migration made",
            next="see whose it is, drop it by hand or give the migration another name, and clear this task",
        )
    return drop_slot(replica, migration, slot)


def _create(primary: Connection[Any], replica: Connection[Any], name: str) -> None:
    found = primary.execute("SELECT has_function_privilege('pg_log_standby_snapshot()', 'execute')").fetchone()
    allowed = found is not None and found[0]
    nudge = read_sql("source/record_running_transactions.sql" if allowed else "source/write_wal_message.sql")
    replica.execute("SELECT set_config('statement_timeout', %s, false)", (PATIENCE,))
    try:
        with ThreadPoolExecutor(max_workers=1) as pool:
            made = pool.submit(replica.execute, read_sql("source/create_replica_slot.sql"), {"name": name})
            while not made.done():
                primary.execute(nudge)
                wait([made], timeout=0.5)
            made.result()
    except errors.QueryCanceled as err:
        raise NotYet(f"slot {name} waits for transactions that are open on the primary") from err

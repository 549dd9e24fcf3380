"""A situation in which native replication has nothing in its way, for tables of what changes that."""

from __future__ import annotations

from typing import Any

from pg_cdc.decisions.native.preflight import NativeSituation
from pg_cdc.decisions.native.publication import native_scope
from pg_cdc.decisions.native.world import NativeSlot, Snapshot
from pg_cdc.decisions.world import Table
from tests.decisions.parameters.parameter_world import aurora, group, instance_group, migration, rds, server

RULES = {"tables": {"rules": [{"schema": "shop", "table": "%"}]}}
TABLES = (Table(schema="shop", name="orders"), Table(schema="shop", name="customers"))


def situation(*tables: Table, spec: dict[str, Any] | None = None, **fields: Any) -> NativeSituation:
    wanted = migration(**{**RULES, **(spec or {})})
    there = tables or TABLES
    return NativeSituation(
        **{
            "migration": wanted,
            "database": aurora(),
            "groups": (group(), instance_group()),
            "server": server(),
            "tables": there,
            "target_server": server(),
            "target_database": rds(identifier="shop-replica"),
            "scope": native_scope(wanted, there),
            **fields,
        }
    )


def slot(**fields: Any) -> NativeSlot:
    return NativeSlot(
        **{
            "name": "s",
            "plugin": "pgoutput",
            "database": "shop",
            "active": False,
            "active_pid": None,
            "wal_status": "reserved",
            "confirmed_flush_lsn": "0/10",
            "retained_bytes": 0,
            "lag_bytes": 0,
            **fields,
        }
    )


def snapshot(**fields: Any) -> Snapshot:
    return Snapshot(
        **{
            "slot_name": "s",
            "consistent_point": "0/10",
            "snapshot_name": "00000003-1",
            "keeper_pid": 7,
            "loads": 1,
            "loaded": False,
            "keeper_alive": True,
            **fields,
        }
    )

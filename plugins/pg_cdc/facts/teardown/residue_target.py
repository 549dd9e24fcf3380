"""Read everything that a teardown can find on the target. Changes nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pg_cdc.decisions import names
from pg_cdc.decisions.teardown.facts import TargetState, TargetTable
from pg_cdc.decisions.teardown.target import CONTROL_TABLES, COPIES, control_schema
from pg_cdc.facts.postgres import read_rows
from pg_cdc.facts.teardown.residue_source import read_control
from pg_cdc.hooks.dms import CdcDmsHook

if TYPE_CHECKING:
    from psycopg import Connection

    from pg_cdc.config import Migration
    from pg_cdc.facts.teardown.residue_ends import TargetEnd


def read_target_state(end: TargetEnd, migration: Migration) -> TargetState:
    """Return what is there; ``end`` could be reached."""
    state = TargetState(
        migration=migration.name,
        database=migration.target.database,
        schema=control_schema(migration),
        database_gone=end.conn is None,
    )
    if end.conn is None:
        return state
    tables, control = _read_tables(end.conn, migration), read_control(end.conn)
    return replace(state, tables=tables, control=control, endpoints=_read_endpoints(migration, end.place))


def _read_tables(conn: Connection, migration: Migration) -> tuple[TargetTable, ...]:
    own, artifacts = control_schema(migration), migration.dms_role.artifacts_schema
    wanted: dict[str, tuple[str, ...]] = {artifacts: COPIES} | {own: (*CONTROL_TABLES, *COPIES)}
    return tuple(
        TargetTable(**row)
        for schema, tables in wanted.items()
        for row in read_rows(conn, "target/list_control_tables.sql", {"schemas": [schema], "names": list(tables)})
    )


def _read_endpoints(migration: Migration, place: tuple[str, int]) -> tuple[str, ...]:
    """Return the target endpoints of others in this database. One with another secret tells no server: not seen."""
    found = []
    for row in CdcDmsHook.of(migration).read_all("describe_endpoints", "Endpoints"):
        settings = row.get("PostgreSQLSettings") or {}
        secret = settings.get("SecretsManagerSecretId")
        same = tuple(row.get(key) or settings.get(key) for key in ("ServerName", "Port")) == place
        same = same or (secret is not None and secret == migration.target.secret_arn)
        here = (row.get("DatabaseName") or settings.get("DatabaseName")) == migration.target.database
        ours = row["EndpointIdentifier"] == names.endpoint(migration.name, "target")
        if row["EndpointType"].lower() == "target" and same and here and not ours:
            found.append(row["EndpointIdentifier"])
    return tuple(found)

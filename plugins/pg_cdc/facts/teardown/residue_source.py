"""Read everything that a teardown can find on the source. Changes nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from pg_cdc.decisions import names
from pg_cdc.decisions.teardown.control import BOOK_TABLES, BOOKS_DATABASE, ROW_TABLES
from pg_cdc.decisions.teardown.facts import (
    OWN_KINDS,
    Artifacts,
    ControlSchema,
    Neighbour,
    OtherEndpoint,
    Pglogical,
    RoleUse,
    SourceState,
)
from pg_cdc.facts.bootstrap import read_audit
from pg_cdc.facts.ends import read_reader
from pg_cdc.facts.postgres import read_rows, read_slots
from pg_cdc.facts.replica import connect_replica
from pg_cdc.facts.streaming import read_ledger
from pg_cdc.failures import NotYet, PreflightFailed
from pg_cdc.hooks.ddl_audit import wanted_body
from pg_cdc.hooks.dms import CdcDmsHook
from pg_cdc.hooks.lease import LeaseBook
from pg_cdc.hooks.postgres import connect_source
from pg_cdc.hooks.rds import CdcRdsHook
from pg_cdc.sql_files import read_sql

if TYPE_CHECKING:
    from psycopg import Connection

    from pg_cdc.config import Migration
    from pg_cdc.decisions.world import Database
    from pg_cdc.facts.teardown.residue_ends import SourceEnd

OF_A_MIGRATION = (*OWN_KINDS, "unknown")
"""Owner kinds in the ledger that a migration's own steps write; slot hygiene learns others."""


def read_source_state(end: SourceEnd, migration: Migration, *, run: str = "") -> SourceState:
    """Return what is there; ``end`` could be reached."""
    assert end.books is not None and end.database is not None
    books, role = end.books, migration.dms_role
    inside = _read_database(end.conn, migration) if end.conn is not None else {"database_gone": True}
    return SourceState(
        migration=migration.name,
        database=migration.source.database,
        role=role.name,
        schema=role.artifacts_schema,
        run=run,
        slots=tuple(slot for slot in read_slots(books) if not slot.temporary),
        **_read_replica(migration),
        role_use=_read_role(end.conn or books, role.name, role.artifacts_schema),
        books=read_control(books),
        lease=LeaseBook(books, migration.source.identifier).read(),
        neighbours=_read_neighbours(books, migration, end.database),
        endpoints=_read_endpoints(migration, end.database),
        **inside,
    )


def _read_replica(migration: Migration) -> dict[str, Any]:
    """Return the slots of the read replica that DMS reads from; one that RDS has no more has none."""
    identifier = migration.source.read_from
    if not identifier:
        return {}
    if CdcRdsHook.of(migration).find_instance(identifier) is None:
        return {"replica": identifier}
    try:
        with connect_replica(migration, read_reader(migration)) as conn:
            return {"replica": identifier, "replica_slots": read_slots(conn)}
    except (PreflightFailed, NotYet) as err:
        return {"replica": identifier, "replica_why": f"{identifier}: {getattr(err, 'found', str(err))}"}


def _read_database(conn: Connection, migration: Migration) -> dict[str, Any]:
    schema = migration.dms_role.artifacts_schema
    (artifacts,) = read_rows(conn, "source/read_artifacts_schema.sql", {"schema": schema})
    return {
        "body": wanted_body(conn, schema),
        "ledger": read_ledger(conn),
        "audit": read_audit(conn, schema),
        "artifacts": Artifacts(**_tuples(artifacts)),
        "pglogical": _read_pglogical(conn),
        "control": read_control(conn),
    }


def _read_pglogical(conn: Connection) -> Pglogical:
    (row,) = read_rows(conn, "source/read_pglogical.sql")
    if row["version"] is None:
        return Pglogical(**row)
    found = read_rows(conn, "source/list_pglogical_objects.sql")
    kinds = {"nodes": "node", "sets": "replication set", "subscriptions": "subscription"}
    listed: dict[str, Any] = {
        field: tuple(one["name"] for one in found if one["kind"] == kind) for field, kind in kinds.items()
    }
    return replace(Pglogical(**row), **listed)


def _read_role(conn: Connection, role: str, schema: str) -> RoleUse:
    rows = read_rows(conn, "source/read_dms_role.sql", {"role": role})
    if not rows:
        return RoleUse()
    found = read_rows(conn, "source/list_role_objects.sql", {"role": role, "schema": schema})
    return RoleUse(
        exists=True,
        comment=rows[0]["comment"],
        owns=tuple(row["name"] for row in found if row["place"] == "here"),
        databases=tuple(row["name"] for row in found if row["place"] == "database"),
        rights=tuple(row["schema"] for row in read_rows(conn, "source/list_role_rights.sql", {"role": role})),
    )


def read_control(conn: Connection) -> ControlSchema:
    """Return schema pgcdc of the database of ``conn``."""
    found = read_rows(conn, "source/list_control_objects.sql")
    if not found:
        return ControlSchema()
    tables = tuple(row["table_name"] for row in found if row["table_name"] in (*ROW_TABLES, *BOOK_TABLES))
    strangers = tuple(row["described"] for row in found if row["described"] and row["table_name"] not in tables)
    rows = {table: _count(conn, table) for table in ROW_TABLES if table in tables}
    return ControlSchema(owner=found[0]["owner"], tables=tables, strangers=strangers, rows=rows)


def _count(conn: Connection, table: str) -> dict[str, int]:
    if table == "slot_owner":
        return dict(Counter(row.migration for row in read_ledger(conn) if row.owner_kind in OF_A_MIGRATION))
    query = sql.SQL(read_sql("source/count_migration_rows.sql")).format(table=sql.Identifier(table))
    with conn.cursor(row_factory=dict_row) as cursor:
        return {row["migration"]: row["rows"] for row in cursor.execute(query)}


def _read_neighbours(books: Connection, migration: Migration, database: Database) -> tuple[Neighbour, ...]:
    found = [row["database"] for row in read_rows(books, "source/list_control_databases.sql")]
    others = [name for name in found if name not in (migration.source.database, BOOKS_DATABASE)]
    looked = [_read_neighbour(migration, database, name) for name in others]
    if migration.source.database != BOOKS_DATABASE and BOOKS_DATABASE in found:
        looked.append(_neighbour(books, BOOKS_DATABASE))
    return tuple(looked)


def _read_neighbour(migration: Migration, database: Database, name: str) -> Neighbour:
    try:
        with connect_source(migration, database, dbname=name) as conn:
            return _neighbour(conn, name)
    except (PreflightFailed, NotYet, psycopg.errors.InsufficientPrivilege) as err:
        return Neighbour(database=name, why=getattr(err, "found", str(err)))


def _neighbour(conn: Connection, name: str) -> Neighbour:
    ledger = {row.slot_name: row.migration for row in read_ledger(conn) if row.owner_kind in OWN_KINDS}
    return Neighbour(database=name, migrations=read_control(conn).migrations(), slots=ledger)


def _read_endpoints(migration: Migration, database: Database) -> tuple[OtherEndpoint, ...]:
    """Return the source endpoints of others on this server. One with a secret of its own tells no server: not seen."""
    hook = CdcDmsHook.of(migration)
    role = migration.dms_role
    places = {(database.host, database.port), *((member.host, member.port) for member in database.members)}
    found = []
    for row in hook.read_all("describe_endpoints", "Endpoints"):
        settings = row.get("PostgreSQLSettings") or {}
        secret = settings.get("SecretsManagerSecretId")
        server = tuple(row.get(key) or settings.get(key) for key in ("ServerName", "Port"))
        same_secret = secret is not None and secret == role.secret_arn
        ours = row["EndpointIdentifier"] == names.endpoint(migration.name, "source")
        if row["EndpointType"].lower() != "source" or ours or not (same_secret or server in places):
            continue
        here = (row.get("DatabaseName") or settings.get("DatabaseName")) == migration.source.database
        user = row.get("Username") or settings.get("Username")
        uses = same_secret or user == role.name
        found.append(OtherEndpoint(identifier=row["EndpointIdentifier"], here=here, uses_role=uses))
    return tuple(found)


def _tuples(row: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}

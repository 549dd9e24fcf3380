"""Publish tables of the source, and give keyless ones an identity first. Each says what it changed, if anything."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from psycopg import sql

from pg_cdc.decisions.native import names as native_names
from pg_cdc.decisions.native.world import Name, written

if TYPE_CHECKING:
    from psycopg import Connection

    from pg_cdc.config import Migration
    from pg_cdc.decisions.world import Table

REMEMBER = """
INSERT INTO pgcdc_native.identity_before (migration, schema_name, table_name, identity)
VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING
"""


def set_identities(conn: Connection[Any], migration: Migration, tables: Iterable[Table]) -> tuple[str, ...]:
    """Give ``tables`` replica identity full; what they had is recorded first."""
    changes = []
    for table in tables:
        conn.execute(REMEMBER, (migration.name, table.schema, table.name, table.identity))
        name = sql.Identifier(table.schema, table.name)
        conn.execute(sql.SQL("ALTER TABLE {} REPLICA IDENTITY FULL").format(name))
        changes.append(f"gave {table.schema}.{table.name} replica identity full")
    return tuple(changes)


def create_publication(conn: Connection[Any], migration: Migration, tables: Iterable[Name]) -> tuple[str, ...]:
    """Make the publication, with the comment that says whose it is."""
    name, members = native_names.publication(migration), sorted(tables)
    create = sql.SQL("CREATE PUBLICATION {} FOR TABLE ONLY {}")
    conn.execute(create.format(sql.Identifier(name), _listed(members)))
    comment = sql.SQL("COMMENT ON PUBLICATION {} IS {}")
    conn.execute(comment.format(sql.Identifier(name), sql.Literal(native_names.comment(migration))))
    return (f"created publication {name} of {len(members)} tables",)


def set_tables(conn: Connection[Any], migration: Migration, tables: Iterable[Name]) -> tuple[str, ...]:
    """Give the publication these tables in the place of those it has."""
    name, members = native_names.publication(migration), sorted(tables)
    alter = sql.SQL("ALTER PUBLICATION {} SET TABLE ONLY {}")
    conn.execute(alter.format(sql.Identifier(name), _listed(members)))
    return (f"gave publication {name} the tables {', '.join(map(written, members))}",)


def _listed(tables: Iterable[Name]) -> sql.Composed:
    return sql.SQL(", ONLY ").join(sql.Identifier(*name) for name in tables)

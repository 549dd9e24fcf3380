"""Read what the tables of a database consist of, in a fixed number of queries. Changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pg_cdc.decisions.dms.table_mappings import parse_rules
from pg_cdc.decisions.preflight.keys import has_filters
from pg_cdc.decisions.preflight.masks import masks
from pg_cdc.decisions.preflight.table_facts import Column, Shapes, TableName, TargetShapes, TargetTable, Trait
from pg_cdc.sql_files import read_sql

if TYPE_CHECKING:
    from psycopg import Connection

    from pg_cdc.config import Migration


WITHOUT_COMPILING = "SET jit = off"
"""Compiling these queries takes seconds, and running them a fraction of one: PostgreSQL thinks catalogues larger."""


def read_shapes(conn: Connection[Any], migration: Migration) -> Shapes:
    """Return columns, traits and, if a rule has a filter or a mask, keys of every table of the database."""
    conn.execute(WITHOUT_COMPILING)
    wanted = has_filters(parse_rules(migration.tables.rules)) or masks(migration)
    keys = _read_keys(conn) if wanted else {}
    subscribing = conn.execute(read_sql("source/read_subscribing.sql")).fetchone() or (0, "")
    return Shapes(
        columns=tuple(Column(*row) for row in conn.execute(read_sql("source/list_columns.sql"))),
        traits=tuple(
            Trait(kind, schema, table, tuple(objects))
            for kind, schema, table, objects in conn.execute(
                read_sql("source/list_table_traits.sql"), {"role": migration.dms_role.name}
            )
        ),
        keys=keys,
        subscriptions=subscribing[0],
        audit_trigger_mode=subscribing[1],
    )


def _read_keys(conn: Connection[Any]) -> dict[TableName, tuple[str, ...]]:
    return {
        (schema, table): tuple(columns)
        for schema, table, columns in conn.execute(read_sql("source/list_key_columns.sql"))
    }


def read_target_shapes(conn: Connection[Any]) -> TargetShapes:
    """Return the tables that are there, and what the login of ``conn`` may do."""
    conn.execute(WITHOUT_COMPILING)
    rights = dict(conn.execute(read_sql("target/list_schema_rights.sql")).fetchall())
    return TargetShapes(
        may_create=rights.pop(None),
        schemas=rights,
        tables=tuple(TargetTable(*row) for row in conn.execute(read_sql("target/list_tables.sql"))),
    )

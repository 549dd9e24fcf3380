"""Copy the shape of tables: what pg_dump calls pre-data, run on the target as one transaction."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from pg_cdc.failures import Differs, NotYet, PreflightFailed
from pg_cdc.hooks.native.books import record_copied_schema
from pg_cdc.hooks.native.client_programs import ProgramFailed, blocks, find_program, start

if TYPE_CHECKING:
    from psycopg import Connection

    from pg_cdc.config import Migration
    from pg_cdc.decisions.native.publication import Scope
    from pg_cdc.decisions.native.world import Name
    from pg_cdc.hooks.postgres import Credentials

PSQL_ONLY = re.compile(r"^\\(?:un)?restrict .*$", re.MULTILINE)
SETTING = re.compile(r"^SET ([a-z_]+) = .*;$", re.MULTILINE)
NEW_SCHEMA = re.compile(r"^CREATE SCHEMA ((?:\"(?:[^\"]|\"\")+\")|\w+);$", re.MULTILINE)


def dump_shape(source: Credentials, scope: Scope, *, major: int, application: str) -> str:
    """Return the statements that make the schemas, types, functions and tables of ``scope``, without any index."""
    program = find_program("pg_dump", at_least=major)
    arguments = ["--schema-only", "--section=pre-data", "--no-owner", "--no-privileges", "--no-publications"]
    arguments += ["--no-subscriptions", "--no-security-labels", "--no-tablespaces", "--encoding=UTF8"]
    arguments += [f"--schema={_quoted(schema)}" for schema in scope.schemas]
    arguments += [f"--exclude-table={_quoted(*name)}" for name in sorted(scope.left_out)]
    try:
        return b"".join(blocks(start(program, source, arguments, application=application))).decode()
    except ProgramFailed as err:
        raise NotYet(f"the shape of the source's tables could not be read: {err}") from err


def run_shape(conn: Connection[Any], text: str, migration: Migration, tables: Iterable[Name]) -> None:
    """Run the statements on the target and record the tables as ours, all or nothing.

    :raises PreflightFailed: the target lacks something that they need.
    :raises Differs: something of that name is there already.
    """
    known = {row[0] for row in conn.execute("SELECT name FROM pg_settings")}
    there = {row[0] for row in conn.execute("SELECT quote_ident(nspname) FROM pg_namespace")}
    plain = PSQL_ONLY.sub("", text)
    plain = SETTING.sub(lambda match: match[0] if match[1] in known else "", plain)
    plain = NEW_SCHEMA.sub(lambda match: "" if match[1] in there else match[0], plain)
    try:
        with conn.transaction():
            conn.execute(plain.encode())
            record_copied_schema(conn, migration.name, sorted(tables))
    except (psycopg.errors.DuplicateObject, psycopg.errors.DuplicateTable, psycopg.errors.DuplicateFunction) as err:
        raise Differs(
            found=f"on the target already ({err.sqlstate}): {err.diag.message_primary}",
            expected="a target without it: it is copied from the source",
            next="drop it there, or name another target.database; then clear copy_schema",
        ) from err
    except (psycopg.errors.UndefinedObject, psycopg.errors.UndefinedTable, psycopg.errors.UndefinedFunction) as err:
        raise PreflightFailed(
            found=f"the target lacks what a table needs ({err.sqlstate}): {err.diag.message_primary}",
            expected="its extensions, and what lies outside of the selected schemas",
            next="make it on the target (CREATE EXTENSION, or the missing type), or select its schema too",
        ) from err
    finally:
        conn.execute("SELECT pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', false)")


def comment_on(kind: str, name: str, comment: str) -> sql.Composed:
    """Return the statement that puts our mark on an object."""
    return sql.SQL("COMMENT ON {} {} IS {}").format(sql.SQL(kind), sql.Identifier(name), sql.Literal(comment))


def _quoted(*parts: str) -> str:
    """Return a name as pg_dump's patterns take it literally."""
    return ".".join('"{}"'.format(part.replace('"', '""')) for part in parts)

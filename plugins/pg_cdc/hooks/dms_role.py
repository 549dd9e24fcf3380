"""Write the DMS role and its rights. Each function says what it changed. The clear password never leaves the client."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from psycopg import sql

from pg_cdc.decisions import names
from pg_cdc.decisions.dms.role import MissingGrant, describe_grants
from pg_cdc.sql_files import read_sql

if TYPE_CHECKING:
    from psycopg import Connection

TABLES_PER_GRANT = 500
"""One statement for each table is a round trip for each; one for ten thousand is a statement nobody can read."""


def execute_file(conn: Connection, name: str, **parts: sql.Composable | str) -> None:
    """Run an SQL file with its ``{placeholders}``: a str is an identifier."""
    composed = {key: sql.Identifier(part) if isinstance(part, str) else part for key, part in parts.items()}
    conn.execute(sql.SQL(read_sql(name)).format(**composed))


def mark_of(migration: str) -> sql.Literal:
    """Return the comment that says whose an object is."""
    return sql.Literal(f"{names.TAG}={migration}")


def create_role(conn: Connection, role: str, password: str, migration: str) -> tuple[str, ...]:
    """Make the role, with a comment that says whose it is."""
    verifier = _verifier(conn, role, password)
    execute_file(conn, "source/create_dms_role.sql", role=role, verifier=verifier, mark=mark_of(migration))
    return (f"created role {role}",)


def set_password(conn: Connection, role: str, password: str) -> tuple[str, ...]:
    """Let the role log in with ``password``."""
    execute_file(conn, "source/set_dms_role_password.sql", role=role, verifier=_verifier(conn, role, password))
    return (f"set the password of role {role}",)


def grant_memberships(conn: Connection, role: str, memberships: Sequence[str]) -> tuple[str, ...]:
    """Make the role a member."""
    for granted in memberships:
        execute_file(conn, "source/grant_dms_role.sql", granted=granted, role=role)
    return tuple(f"granted {granted} to {role}" for granted in memberships)


def join_role(conn: Connection, role: str) -> tuple[str, ...]:
    """Make the admin a member of the DMS role: only members can make objects for it."""
    admin = conn.info.user
    execute_file(conn, "source/grant_dms_role.sql", granted=role, role=admin)
    return (f"granted {role} to {admin}, which makes its objects",)


def grant_connect(conn: Connection, role: str) -> tuple[str, ...]:
    """Let the role connect to this database."""
    database = sql.Identifier(conn.info.dbname)
    conn.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(database, sql.Identifier(role)))
    return (f"granted CONNECT on {conn.info.dbname} to {role}",)


def create_schema(conn: Connection, role: str, schema: str, migration: str) -> tuple[str, ...]:
    """Make the schema of the audit, owned by the role, with a comment that says whose it is."""
    execute_file(conn, "source/create_artifacts_schema.sql", schema=schema, role=role, mark=mark_of(migration))
    return (f"created schema {schema}, owned by {role}",)


def open_schema(conn: Connection, role: str, schema: str) -> tuple[str, ...]:
    """Let the role make objects in a schema that is not its own."""
    statement = sql.SQL("GRANT USAGE, CREATE ON SCHEMA {} TO {}")
    conn.execute(statement.format(sql.Identifier(schema), sql.Identifier(role)))
    return (f"granted USAGE and CREATE on schema {schema} to {role}",)


def grant_rights(conn: Connection, role: str, grants: Sequence[MissingGrant]) -> tuple[str, ...]:
    """Grant USAGE on schemas and SELECT on tables. Where the admin may not, PostgreSQL only warns: prove it after."""
    schemas = [sql.Identifier(grant.schema) for grant in grants if grant.name is None]
    tables = [sql.Identifier(grant.schema, grant.name) for grant in grants if grant.name is not None]
    if schemas:
        _grant(conn, "GRANT USAGE ON SCHEMA {} TO {}", schemas, role)
    for start in range(0, len(tables), TABLES_PER_GRANT):
        _grant(conn, "GRANT SELECT ON TABLE {} TO {}", tables[start : start + TABLES_PER_GRANT], role)
    return describe_grants(grants, role)


def _grant(conn: Connection, statement: str, objects: Sequence[sql.Identifier], role: str) -> None:
    conn.execute(sql.SQL(statement).format(sql.SQL(", ").join(objects), sql.Identifier(role)))


def _verifier(conn: Connection, role: str, password: str) -> sql.Literal:
    """Return what the server keeps of a password, computed here by the server's password_encryption."""
    encrypted = conn.pgconn.encrypt_password(password.encode(), role.encode())
    return sql.Literal(encrypted.decode())

"""Read what the bootstrap steps work on: the DMS role, the DDL audit, pglogical, and the roles that can make tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pg_cdc.decisions.ddl_audit import AuditState
from pg_cdc.decisions.dms.role import MissingGrant, RoleState, Scope
from pg_cdc.facts.postgres import read_rows

if TYPE_CHECKING:
    from psycopg import Connection


class PglogicalState(NamedTuple):
    """pglogical in this database. ``version`` None: not created. ``usable``: by the DMS role."""

    available: bool
    preloaded: bool
    version: str | None
    usable: bool


class DdlRole(NamedTuple):
    """A role that can make tables in ``schemas``. ``may_become``: the admin can SET ROLE to it as things are."""

    role: str
    schemas: list[str]
    may_become: bool


def read_role(conn: Connection, role: str, schema: str) -> RoleState:
    """Return the state of the DMS role and of its schema."""
    (row,) = read_rows(conn, "source/check_dms_role.sql", {"role": role, "schema": schema})
    return RoleState(**row)


def read_missing_grants(conn: Connection, role: str, scope: Scope) -> tuple[MissingGrant, ...]:
    """Return the rights on ``scope`` that the role lacks."""
    parameters = {
        "role": role,
        "schemas": list(scope.schemas),
        "table_schemas": [table.schema for table in scope.tables],
        "tables": [table.name for table in scope.tables],
    }
    return tuple(MissingGrant(**row) for row in read_rows(conn, "source/list_missing_grants.sql", parameters))


def read_audit(conn: Connection, schema: str) -> AuditState:
    """Return the objects of the DDL audit in ``schema``."""
    (row,) = read_rows(conn, "source/read_ddl_audit.sql", {"schema": schema})
    return AuditState(**{**row, "columns": tuple(row["columns"]), "settings": tuple(row["settings"])})


def read_pglogical(conn: Connection, role: str) -> PglogicalState:
    """Return the state of pglogical."""
    (row,) = read_rows(conn, "source/check_pglogical.sql", {"role": role})
    return PglogicalState(**row)


def list_ddl_roles(conn: Connection, artifacts_schema: str) -> list[DdlRole]:
    """Return the roles that can make tables, with their schemas; not the schema of the audit itself."""
    rows = read_rows(conn, "source/list_ddl_roles.sql", {"artifacts_schema": artifacts_schema})
    return [DdlRole(**row) for row in rows]

"""Decide where DDL is tried, and what is wrong with how it went. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from pg_cdc.failures import NotProved

EXPECTED_ROWS = 3


def schemas_to_try(can_create_in: Sequence[str], migration_schemas: Collection[str]) -> tuple[str, ...]:
    """Return the schemas of the migration that a role makes tables in; else the first other one."""
    inside = tuple(schema for schema in can_create_in if schema in migration_schemas)
    return inside or tuple(can_create_in[:1])


def what_is_wrong(
    *, role: str, schema: str, statement: str, sqlstate: str | None, message: str, logged: Sequence[str], rows: int
) -> str | None:
    """Return what is wrong with one trial, None when all is well."""
    if sqlstate:
        return f"{statement} as {role} in schema {schema} fails with {sqlstate}: {message}"
    if rows != EXPECTED_ROWS or len(logged) != EXPECTED_ROWS:
        return f"DDL as {role} in schema {schema} was logged {min(rows, len(logged))} times instead of {EXPECTED_ROWS}"
    if wrong := sorted(set(logged) - {schema}):
        return f"DDL as {role} in schema {schema} is logged for schema {', '.join(map(repr, wrong))}"
    return None


def refuse_trials(problems: Iterable[str], *, dms_role: str, sqlstates: Collection[str | None]) -> NotProved:
    """Return the failure for ``problems``, with what cures them."""
    told = list(problems)
    more = f"; and {len(told) - 10} more" if len(told) > 10 else ""
    return NotProved(
        found="; ".join(told[:10]) + more,
        expected="CREATE, ALTER and DROP TABLE work for every role, and are logged for the schema they happen in",
        next=_cure(dms_role, sqlstates),
    )


def _cure(dms_role: str, sqlstates: Collection[str | None]) -> str:
    cures = []
    if "42501" in sqlstates:
        cures.append(
            "SET ROLE refused: make the admin a member of the role. Schema pglogical refused: REVOKE EXECUTE ON ALL"
            " FUNCTIONS IN SCHEMA pglogical FROM PUBLIC, then GRANT USAGE ON SCHEMA pglogical TO the role"
        )
    if set(sqlstates) - {"42501", None}:
        cures.append("if an application's DDL fails too: DROP EVENT TRIGGER awsdms_intercept_ddl, at once")
    if None in sqlstates:
        cures.append(f'GRANT USAGE ON SCHEMA … TO "{dms_role}" for a wrong schema, and clear install_ddl_audit')
    return "; ".join(cures) + "; then clear canary_ddl"

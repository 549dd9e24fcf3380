"""Decide what the DMS role lacks. Pure.

Source: https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.PostgreSQL.html
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from pg_cdc.decisions.dms.rule_grammar import RawRule
from pg_cdc.decisions.dms.table_mappings import parse_rules, selected_tables
from pg_cdc.decisions.dms.table_patterns import compiled
from pg_cdc.decisions.world import Table
from pg_cdc.failures import PreflightFailed

MEMBERSHIPS = ("rds_replication", "rds_superuser")
WRONG_PASSWORD = "28P01"  # noqa: S105
MAY_NOT_LOG_IN = "28000"


@dataclass(frozen=True, kw_only=True)
class RoleState:
    """The DMS role as it is. ``can_login`` None: there is no such role. The others are None or false then."""

    can_login: bool | None
    in_rds_replication: bool | None
    in_rds_superuser: bool | None
    can_connect: bool | None
    has_artifacts_schema: bool
    can_use_artifacts_schema: bool
    admin_is_member: bool | None
    on_rds: bool

    @property
    def exists(self) -> bool:
        """Tell whether the role is there."""
        return self.can_login is not None

    def lacks(self) -> tuple[str, ...]:
        """Return the memberships that are missing."""
        has = (self.in_rds_replication, self.in_rds_superuser)
        return tuple(name for name, there in zip(MEMBERSHIPS, has, strict=True) if not there)


@dataclass(frozen=True, kw_only=True)
class MissingGrant:
    """A right that is missing: USAGE on a schema (``name`` None), or SELECT on a table. ``owner`` can grant it."""

    schema: str
    name: str | None
    owner: str


@dataclass(frozen=True, kw_only=True)
class Scope:
    """What the migration is about: the tables it copies, and every schema that its rules name."""

    tables: tuple[Table, ...]
    schemas: tuple[str, ...]


def migration_scope(rules: Sequence[RawRule], tables: Iterable[Table], schemas: Iterable[str]) -> Scope:
    """Return the tables and schemas that ``rules`` select; a schema counts even without a table in it yet."""
    parsed = parse_rules(rules)
    chosen = selected_tables(parsed, tables)
    named = [rule for rule in parsed if rule.action != "exclude"]
    fits = [rule.schema.__eq__ if rule.exact else compiled(rule.schema).fullmatch for rule in named]
    inside = {schema for schema in schemas if any(fit(schema) for fit in fits)}
    return Scope(tables=chosen, schemas=tuple(sorted(inside | {table.schema for table in chosen})))


def login_is_wrong(code: str | None) -> bool:
    """Tell whether a login that ended with SQLSTATE ``code`` is cured by setting LOGIN and the password."""
    return code in (WRONG_PASSWORD, MAY_NOT_LOG_IN)


def describe_grants(grants: Sequence[MissingGrant], role: str) -> tuple[str, ...]:
    """Return what granting them changes, in words: a line for the schemas, and one for each schema's tables."""
    schemas = [grant.schema for grant in grants if grant.name is None]
    told = [f"granted USAGE on {_counted(schemas, 'schema')} to {role}"] if schemas else []
    tables = sorted((grant.schema, grant.name) for grant in grants if grant.name is not None)
    for schema, group in groupby(tables, key=lambda pair: pair[0]):
        told.append(f"granted SELECT on {_counted([name for _, name in group], 'table')} of {schema} to {role}")
    return tuple(told)


def refuse_ungranted(grants: Sequence[MissingGrant], role: str) -> PreflightFailed:
    """Return the failure for rights that the admin could not grant: PostgreSQL only warns."""
    told = "; ".join(describe_grants(grants, role)).replace("granted ", "no ").replace(" to ", " for ")
    owners = ", ".join(sorted({grant.owner for grant in grants}))
    return PreflightFailed(
        found=told,
        expected=f"USAGE on the schemas and SELECT on the tables of the migration for {role}",
        next=f"grant them as their owners ({owners}), or make the admin a member of these; then clear this task",
    )


def _counted(names: Sequence[str], noun: str) -> str:
    shown = ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
    return f"{len(names)} {noun}{'' if len(names) == 1 else 's'} ({shown})"

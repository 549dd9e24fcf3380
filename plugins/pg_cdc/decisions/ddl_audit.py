"""Decide what is missing of the DDL audit, and tell our function from older ones and from strangers. Pure.

Source: https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.PostgreSQL.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from pg_cdc.failures import Differs

COLUMNS = (
    "c_key bigint",
    "c_time timestamp without time zone",
    "c_user character varying(64)",
    "c_txn character varying(16)",
    "c_tag character varying(24)",
    "c_oid integer",
    "c_name character varying(64)",
    "c_schema character varying(64)",
    "c_ddlqry text",
)

BODY = re.compile(r"\$awsdms_intercept_ddl\$(.*)\$awsdms_intercept_ddl\$", re.DOTALL)

_GUIDE = (
    "declare_qrytext;beginif({tags})thenselectcurrent_query()into_qry;"
    "insertinto{schema}.awsdms_ddl_auditvalues(default,current_timestamp,current_user,"
    "cast(txid_current()asvarchar(16)),tg_tag,0,'',current_schema,_qry);"
    "deletefrom{schema}.awsdms_ddl_audit;endif;end;"
)
_OLD_TAGS = "tg_tag='createtable'ortg_tag='altertable'ortg_tag='droptable'"


class Function(StrEnum):
    """What is found in the place of our function."""

    MISSING = "missing"
    SAME = "as it should be"
    OURS = "an earlier text of ours"
    GUIDE = "the DMS guide's, which any role can turn against the DMS role by its search_path"
    OLD_GUIDE = (
        "the DMS guide's older one, which knows no CREATE TABLE AS, and which any role can turn against the DMS role"
    )
    STRANGE = "unknown"


@dataclass(frozen=True, kw_only=True)
class AuditState:
    """The audit's objects as they are; None: not there. ``columns`` as ``name type``."""

    table_owner: str | None
    columns: tuple[str, ...]
    public_may_write: bool
    function_owner: str | None
    body: str | None
    definer: bool | None
    settings: tuple[str, ...]
    public_may_execute: bool
    trigger_enabled: str | None
    trigger_event: str | None
    trigger_schema: str | None
    trigger_function: str | None


@dataclass(frozen=True, kw_only=True)
class AuditPlan:
    """What to do. ``function``: why the function is written; None: it is not."""

    create_table: bool = False
    close_table: bool = False
    function: str | None = None
    create_trigger: bool = False


def function_body(statement: str) -> str:
    """Return what PostgreSQL keeps of our CREATE FUNCTION."""
    match = BODY.search(statement)
    if match is None:
        raise ValueError("no body between $awsdms_intercept_ddl$")
    return match[1]


def classify_function(state: AuditState, *, body: str, schema: str) -> Function:
    """Tell what the function is; ``body`` is ours for this schema."""
    if state.body is None:
        return Function.MISSING
    if state.body == body:
        closed = state.definer and not state.settings and not state.public_may_execute
        return Function.SAME if closed else Function.OURS
    text = re.sub(r"\s+", "", re.sub(r"--[^\n]*", "", state.body)).lower().replace('"', "")
    if text == _GUIDE.format(tags=_OLD_TAGS, schema=schema):
        return Function.OLD_GUIDE
    if text == _GUIDE.format(tags=f"{_OLD_TAGS}ortg_tag='createtableas'", schema=schema):
        return Function.GUIDE
    return Function.OURS if "'logged%fordms'" in text else Function.STRANGE


def plan_audit(state: AuditState, *, role: str, schema: str, body: str) -> AuditPlan:
    """Return what to do so that the audit is whole, safe and the DMS role's.

    :raises Differs: an object is somebody else's, or was changed by hand.
    """
    _refuse_other_trigger(state, schema)
    _refuse_other_owner(state, role, schema)
    _refuse_other_columns(state, schema)
    function = classify_function(state, body=body, schema=schema)
    if function is Function.STRANGE:
        raise Differs(
            found=f"{schema}.awsdms_intercept_ddl() with a text that is neither ours nor the DMS guide's",
            expected="our text: include/sql/source/create_ddl_audit_function.sql",
            next="save what it does elsewhere, run drop_ddl_audit.sql, then clear this task",
        )
    return AuditPlan(
        create_table=state.table_owner is None,
        close_table=state.public_may_write,
        function=None if function is Function.SAME else function.value,
        create_trigger=state.trigger_enabled is None,
    )


def _refuse_other_trigger(state: AuditState, schema: str) -> None:
    if state.trigger_enabled is None:
        return
    found = f"{state.trigger_schema}.{state.trigger_function} on {state.trigger_event}"
    expected = f"{schema}.awsdms_intercept_ddl on ddl_command_end"
    if found != expected:
        raise Differs(
            found=f"event trigger awsdms_intercept_ddl, calling {found}",
            expected=expected,
            next=f"put {state.trigger_schema} as dms_role.artifacts_schema, or run drop_ddl_audit.sql for it",
        )
    if state.trigger_enabled == "D":
        raise Differs(
            found="event trigger awsdms_intercept_ddl, disabled by somebody",
            expected="an enabled one: without it no DDL reaches the target",
            next="find out why; then ALTER EVENT TRIGGER awsdms_intercept_ddl ENABLE, and clear this task",
        )


def _refuse_other_owner(state: AuditState, role: str, schema: str) -> None:
    owners = {"table awsdms_ddl_audit": state.table_owner, "function awsdms_intercept_ddl()": state.function_owner}
    for what, owner in owners.items():
        if owner not in (None, role):
            raise Differs(
                found=f"{what} in {schema}, owned by {owner}",
                expected=f"owned by {role}: the function writes the table with its owner's rights",
                next=f'ALTER … OWNER TO "{role}", or put {owner} as dms_role.name; then clear this task',
            )


def _refuse_other_columns(state: AuditState, schema: str) -> None:
    if state.table_owner is not None and state.columns != COLUMNS:
        raise Differs(
            found=f"{schema}.awsdms_ddl_audit ({', '.join(state.columns)})",
            expected=f"the columns that DMS reads: {', '.join(COLUMNS)}",
            next="run drop_ddl_audit.sql, then clear this task: the table keeps nothing",
        )

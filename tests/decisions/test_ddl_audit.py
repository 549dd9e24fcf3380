"""Whose text the audit function has, and what is done about it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pg_cdc.decisions.ddl_audit import (
    COLUMNS,
    AuditPlan,
    AuditState,
    Function,
    classify_function,
    function_body,
    plan_audit,
)
from pg_cdc.failures import Differs

BODY = "\nBEGIN RAISE DEBUG 'logged % for DMS'; END;\n"
WHOLE = AuditState(
    table_owner="dms",
    columns=COLUMNS,
    public_may_write=False,
    function_owner="dms",
    body=BODY,
    definer=True,
    settings=(),
    public_may_execute=False,
    trigger_enabled="O",
    trigger_event="ddl_command_end",
    trigger_schema="audit",
    trigger_function="awsdms_intercept_ddl",
)
NOTHING = AuditState(
    table_owner=None,
    columns=(),
    public_may_write=False,
    function_owner=None,
    body=None,
    definer=None,
    settings=(),
    public_may_execute=True,
    trigger_enabled=None,
    trigger_event=None,
    trigger_schema=None,
    trigger_function=None,
)
GUIDE = """
declare _qry text;
BEGIN -- log it
  if (tg_tag='CREATE TABLE' or tg_tag='ALTER TABLE' or tg_tag='DROP TABLE'{more}) then
    SELECT current_query() into _qry;
    insert into {schema}.awsdms_ddl_audit values (default, current_timestamp, current_user,
        cast(TXID_CURRENT() as varchar(16)), tg_tag, 0, '', current_schema, _qry);
    delete from {schema}.awsdms_ddl_audit;
  end if;
END;
"""


@pytest.mark.parametrize(
    ("change", "found"),
    [
        pytest.param({}, Function.SAME, id="ours"),
        pytest.param({"body": None}, Function.MISSING, id="missing"),
        pytest.param({"body": BODY.replace("DEBUG", "DEBUG  ")}, Function.OURS, id="ours-of-another-version"),
        pytest.param({"definer": False}, Function.OURS, id="ours-with-the-callers-rights"),
        pytest.param({"settings": ("search_path=public",)}, Function.OURS, id="ours-with-a-path-of-its-own"),
        pytest.param({"public_may_execute": True}, Function.OURS, id="ours-open-to-all"),
        pytest.param({"body": GUIDE.format(more="", schema="audit")}, Function.OLD_GUIDE, id="the-runbooks"),
        pytest.param({"body": GUIDE.format(more="", schema='"audit"')}, Function.OLD_GUIDE, id="the-runbooks-quoted"),
        pytest.param(
            {"body": GUIDE.format(more=" or tg_tag = 'CREATE TABLE AS'", schema="audit")},
            Function.GUIDE,
            id="the-guides",
        ),
        pytest.param({"body": GUIDE.format(more="", schema="other")}, Function.STRANGE, id="one-for-another-schema"),
        pytest.param(
            {"body": GUIDE.format(more="", schema="audit").replace("end if", "perform x(); end if")},
            Function.STRANGE,
            id="the-runbooks-with-an-addition",
        ),
        pytest.param({"body": ""}, Function.STRANGE, id="an-empty-one"),
    ],
)
def test_the_function_is(change, found):
    assert classify_function(replace(WHOLE, **change), body=BODY, schema="audit") is found


@pytest.mark.parametrize(
    ("state", "plan"),
    [
        pytest.param(WHOLE, AuditPlan(), id="nothing-when-all-is-so"),
        pytest.param(NOTHING, AuditPlan(create_table=True, function="missing", create_trigger=True), id="all-of-it"),
        pytest.param(replace(WHOLE, public_may_write=True), AuditPlan(close_table=True), id="the-guides-grants"),
        pytest.param(replace(WHOLE, trigger_enabled="A"), AuditPlan(), id="enabled-always-is-fine"),
        pytest.param(
            replace(WHOLE, trigger_enabled=None, trigger_event=None), AuditPlan(create_trigger=True), id="the-trigger"
        ),
    ],
)
def test_what_is_done(state, plan):
    assert plan_audit(state, role="dms", schema="audit", body=BODY) == plan


@pytest.mark.parametrize(
    ("change", "found"),
    [
        pytest.param({"trigger_enabled": "D"}, "disabled", id="disabled"),
        pytest.param({"trigger_schema": "public"}, "public.awsdms_intercept_ddl", id="another-schemas"),
        pytest.param({"trigger_event": "sql_drop"}, "on sql_drop", id="another-event"),
        pytest.param({"table_owner": "postgres"}, "owned by postgres", id="the-tables-owner"),
        pytest.param({"function_owner": "postgres"}, "owned by postgres", id="the-functions-owner"),
        pytest.param({"columns": COLUMNS[:-1]}, "c_schema character varying(64))", id="a-column-less"),
        pytest.param({"body": "BEGIN END"}, "neither ours nor", id="a-strangers-text"),
    ],
)
def test_what_is_refused(change, found):
    with pytest.raises(Differs) as refusal:
        plan_audit(replace(WHOLE, **change), role="dms", schema="audit", body=BODY)

    assert found in refusal.value.found
    assert refusal.value.next


def test_the_body_is_what_is_between_the_quotes():
    quote = "$awsdms_intercept_ddl$"

    assert function_body(f"CREATE … AS {quote}\nBEGIN\nEND{quote};") == "\nBEGIN\nEND"
    with pytest.raises(ValueError, match="no body"):
        function_body("CREATE …")

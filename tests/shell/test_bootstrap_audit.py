"""The DDL audit: DDL of every role is logged for DMS, and nobody can turn the function against its owner."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from airflow.sdk.exceptions import AirflowFailException
from psycopg import sql

from pg_cdc.failures import NotYet
from pg_cdc.operators.source.bootstrap import EnsureDmsRoleOperator, InstallDdlAuditOperator

GUIDE_TABLE = """
CREATE TABLE dms_replication.awsdms_ddl_audit (c_key bigserial primary key, c_time timestamp, c_user varchar(64),
    c_txn varchar(16), c_tag varchar(24), c_oid integer, c_name varchar(64), c_schema varchar(64), c_ddlqry text)
"""

GUIDE_FUNCTION = """
CREATE OR REPLACE FUNCTION dms_replication.awsdms_intercept_ddl() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER AS $$
declare _qry text;
BEGIN
if ({tags}) then
        SELECT current_query() into _qry;
        insert into dms_replication.awsdms_ddl_audit
        values
        (
        default,current_timestamp,current_user,cast(TXID_CURRENT()as varchar(16)),tg_tag,0,'',current_schema,_qry
        );
        delete from dms_replication.awsdms_ddl_audit;
end if;
END;
$$
"""
OLD_TAGS = "tg_tag='CREATE TABLE' or tg_tag='ALTER TABLE' or tg_tag='DROP TABLE'"
NEW_TAGS = f"{OLD_TAGS} or tg_tag = 'CREATE TABLE AS'"
TRIGGER = "CREATE EVENT TRIGGER awsdms_intercept_ddl ON ddl_command_end EXECUTE PROCEDURE {}.awsdms_intercept_ddl()"


@pytest.fixture
def prepared(source):
    source.run(EnsureDmsRoleOperator)
    return source


@pytest.fixture
def audited(prepared):
    prepared.run(InstallDdlAuditOperator)
    return prepared


@pytest.fixture
def wal(audited):
    """What a reader of the WAL sees of the audit: the rows as test_decoding prints them."""
    with audited.admin() as conn:
        conn.execute("SELECT pg_create_logical_replication_slot(%s, 'test_decoding')", (f"audit_{audited.name}",))

        def read() -> list[str]:
            query = "SELECT data FROM pg_logical_slot_get_changes(%s, NULL, NULL)"
            rows = [row[0] for row in conn.execute(query, (f"audit_{audited.name}",))]
            return [row for row in rows if "awsdms_ddl_audit: INSERT" in row]

        yield read
        conn.execute("SELECT pg_drop_replication_slot(%s)", (f"audit_{audited.name}",))


def by_hand(source, tags=OLD_TAGS, trigger=True):
    """The audit as the runbook of old makes it."""
    with source.admin() as conn:
        conn.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(source.dms)))
        conn.execute(GUIDE_TABLE)
        conn.execute(GUIDE_FUNCTION.format(tags=tags))
        conn.execute("RESET ROLE")
        if trigger:
            conn.execute(TRIGGER.format("dms_replication"))


def test_it_makes_table_function_and_trigger_for_the_dms_role(prepared):
    told = prepared.run(InstallDdlAuditOperator)

    assert told["changes"] == [
        f"created table dms_replication.awsdms_ddl_audit, owned by {prepared.dms}",
        "wrote function dms_replication.awsdms_intercept_ddl() (found: missing)",
        "created event trigger awsdms_intercept_ddl",
    ]


def test_the_second_run_changes_and_writes_nothing(audited, mutating_calls):
    with audited.nothing_written(), mutating_calls() as calls:
        told = audited.run(InstallDdlAuditOperator)

    assert told["changes"] == []
    assert calls == []


def test_runs_at_the_same_time_make_it_once(prepared):
    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(lambda _: prepared.run(InstallDdlAuditOperator), range(4)))

    assert sorted(len(one["changes"]) for one in told) == [0, 0, 0, 3]


def test_each_kind_of_ddl_is_logged_and_the_table_looks_empty(audited, wal):
    with audited.login(audited.app) as conn:
        conn.execute("SET search_path = shop")
        conn.execute("CREATE TABLE made (id integer)")
        conn.execute("ALTER TABLE made ADD COLUMN note text")
        conn.execute("CREATE TABLE copied AS SELECT * FROM made")
        conn.execute("DROP TABLE made")
        conn.execute("CREATE INDEX ON copied (id)")
        conn.execute("CREATE VIEW seen AS SELECT 1 AS one")

    rows = wal()

    assert [row.split("c_tag[character varying]:")[1].split("'")[1] for row in rows] == [
        "CREATE TABLE", "ALTER TABLE", "CREATE TABLE AS", "DROP TABLE",
    ]  # fmt: skip
    assert all("c_schema[character varying]:'shop'" in row for row in rows)
    assert "c_ddlqry[text]:'ALTER TABLE made ADD COLUMN note text'" in rows[1]
    assert f"c_user[character varying]:'{audited.app}'" in rows[0]
    with audited.admin() as conn:
        assert conn.execute("SELECT count(*) FROM dms_replication.awsdms_ddl_audit").fetchone() == (0,)


def test_a_role_without_any_grant_can_run_ddl(audited):
    newcomer = audited.make_role(f"new_{audited.app}")
    audited.make_schema(newcomer, newcomer)

    with audited.login(newcomer) as conn:
        conn.execute("CREATE TABLE mine (id integer)")
        conn.execute("ALTER TABLE mine ADD COLUMN note text")
        conn.execute("DROP TABLE mine")
        for call in (
            "SELECT dms_replication.awsdms_intercept_ddl()",
            "INSERT INTO dms_replication.awsdms_ddl_audit (c_ddlqry) VALUES ('DROP TABLE shop.orders')",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                conn.execute(call)


@pytest.mark.parametrize(
    ("path", "logged"),
    [
        pytest.param("shop", "shop", id="one-schema"),
        pytest.param("shop, public", "shop", id="the-first-of-two"),
        pytest.param("missing, shop", "shop", id="the-first-that-exists"),
        pytest.param('"$user", shop', "{own}", id="the-default-path-means-the-caller-not-the-owner"),
    ],
)
def test_the_schema_logged_is_the_callers(audited, wal, path, logged):
    own = audited.make_schema(audited.app, audited.app)
    with audited.login(audited.app) as conn:
        conn.execute(f"SET search_path = {path}")
        conn.execute("CREATE TABLE made (id integer)")
        (schema,) = conn.execute("SELECT current_schema").fetchone()

    assert schema == logged.format(own=own)
    assert f"c_schema[character varying]:'{schema}'" in wal()[0]


def test_the_schema_is_that_of_the_role_that_was_set_not_of_the_login(audited, wal):
    owner = audited.make_role(f"owner_{audited.app}")
    audited.make_schema(owner, owner)
    with audited.admin() as conn:
        conn.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(owner), sql.Identifier(audited.app)))
    with audited.login(audited.app) as conn:
        conn.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(owner)))
        conn.execute("CREATE TABLE made (id integer)")

    assert f"c_schema[character varying]:'{owner}'" in wal()[0]


def test_ddl_at_the_same_time_waits_for_nobody(audited):
    with audited.login(audited.app) as first, audited.login(audited.app) as second:
        second.execute("SET lock_timeout = '500ms'")
        with first.transaction():
            first.execute("CREATE TABLE shop.one (id integer)")
            with second.transaction():
                second.execute("CREATE TABLE shop.two (id integer)")


def hostile(schema: str, app: str) -> list[str]:
    """Everything a role can put in the place of what a function calls: it would make the role a superuser."""
    seize = f"EXECUTE ''ALTER ROLE {app} SUPERUSER''"
    body = f"LANGUAGE plpgsql AS 'BEGIN {seize}; RETURN {{}}; END'"
    functions = {
        "lower(name)": ("text", "$1::text"), "lower(text)": ("text", "$1"), "current_query()": ("text", "''''x''''"),
        "current_schema()": ("name", "''''x''''::name"), "current_user()": ("name", "''''x''''::name"),
        "session_user()": ("name", "''''x''''::name"), "txid_current()": ("bigint", "1"),
        "now()": ("timestamptz", "NULL"),
        "current_setting(text)": ("text", "''''none''''"), "starts_with(text, text)": ("boolean", "true"),
        "has_schema_privilege(name, oid, text)": ("boolean", "true"), "coalesce(text, text)": ("text", "$1"),
        "\"any\"(boolean)": ("boolean", "true"), "nextval(regclass)": ("bigint", "1"),
        "eq(text, text)": ("boolean", "true"), "ne(text, text)": ("boolean", "true"), 
        "eqn(name, name)": ("boolean", "true"),
        "eqi(bigint, bigint)": ("boolean", "true"), "castv(bigint)": ("varchar", "''''x''''::varchar"),
        "eqnt(name, text)": ("boolean", "true"), "eqtn(text, name)": ("boolean", "true"),
    }  # fmt: skip
    statements = []
    for name, (result, value) in functions.items():
        text = body.format(value.replace("''''", "''"))
        statements.append(f"CREATE FUNCTION {schema}.{name} RETURNS {result} {text}")
    pairs = (
        ("=", "text", "text", "eq"), ("<>", "text", "text", "ne"), ("=", "name", "name", "eqn"),
        ("=", "bigint", "bigint", "eqi"), ("=", "name", "text", "eqnt"), ("=", "text", "name", "eqtn"),
    )  # fmt: skip
    for operator, left, right, function in pairs:
        statements.append(
            f"CREATE OPERATOR {schema}.{operator}"
            f" (LEFTARG = {left}, RIGHTARG = {right}, FUNCTION = {schema}.{function})"
        )
    for name in ("text", "int8", "name", "varchar"):
        statements.append(
            f"CREATE DOMAIN {schema}.{name} AS pg_catalog.{name} CHECK ({schema}.lower(VALUE::pg_catalog.text) IS NULL)"
        )
    statements.append(
        f"CREATE VIEW {schema}.pg_namespace AS SELECT {schema}.txid_current()::text AS nspname, 1::oid AS oid"
    )
    statements.append(f"CREATE TABLE {schema}.awsdms_ddl_audit (c_key bigint, c_schema text)")
    return statements


def attack(source) -> bool:
    """Set the trap, run DDL in it, and tell whether the role became a superuser."""
    schema = source.make_schema(f"trap_{source.app}", source.app)
    with source.login(source.app) as conn:
        for statement in hostile(schema, source.app):
            conn.execute(statement)
        for path in (f"{schema}, pg_catalog, public", f'"$user", {schema}, pg_catalog', f"{schema}, shop, pg_catalog"):
            conn.execute(f"SET search_path = {path}")
            conn.execute("CREATE TABLE bait (id pg_catalog.int4)")
            conn.execute("ALTER TABLE bait ADD COLUMN note pg_catalog.bool")
            conn.execute("DROP TABLE bait")
    with source.admin() as conn:
        return conn.execute("SELECT rolsuper FROM pg_roles WHERE rolname = %s", (source.app,)).fetchone()[0]


def test_a_hostile_search_path_gains_nothing_breaks_nothing_and_is_logged(audited, wal):
    with audited.admin() as conn:
        conn.execute(sql.SQL("ALTER ROLE {} SUPERUSER").format(sql.Identifier(audited.dms)))

    assert attack(audited) is False

    rows = [row for row in wal() if "bait" in row]
    assert len(rows) == 9
    assert all(f"c_schema[character varying]:'trap_{audited.app}'" in row for row in rows)


def test_the_simplest_part_of_the_attack_takes_over_the_guides_function(prepared):
    by_hand(prepared)
    schema = prepared.make_schema(f"trap_{prepared.app}", prepared.app)
    with prepared.admin() as conn:
        conn.execute(sql.SQL("ALTER ROLE {} SUPERUSER").format(sql.Identifier(prepared.dms)))

    with prepared.login(prepared.app) as conn:
        conn.execute(
            f"CREATE FUNCTION {schema}.current_query() RETURNS text LANGUAGE plpgsql AS"
            f" 'BEGIN EXECUTE ''ALTER ROLE {prepared.app} SUPERUSER''; RETURN ''x''; END'"
        )
        conn.execute(f"SET search_path = {schema}, pg_catalog")
        conn.execute("CREATE TABLE bait (id integer)")

    with prepared.admin() as conn:
        seized = conn.execute("SELECT rolsuper FROM pg_roles WHERE rolname = %s", (prepared.app,)).fetchone()
    assert seized == (True,)


def test_the_runbooks_function_is_upgraded_and_it_is_said(prepared):
    by_hand(prepared, OLD_TAGS)

    told = prepared.run(InstallDdlAuditOperator)

    (change,) = told["changes"]
    assert "knows no CREATE TABLE AS" in change
    assert prepared.run(InstallDdlAuditOperator)["changes"] == []


def test_the_guides_newer_function_is_replaced_too(prepared):
    by_hand(prepared, NEW_TAGS)

    (change,) = prepared.run(InstallDdlAuditOperator)["changes"]

    assert "search_path" in change and "CREATE TABLE AS" not in change


def test_what_the_guide_grants_to_public_is_taken_back(audited):
    with audited.admin() as conn:
        conn.execute("GRANT ALL ON dms_replication.awsdms_ddl_audit TO PUBLIC")
        conn.execute("GRANT ALL ON SEQUENCE dms_replication.awsdms_ddl_audit_c_key_seq TO PUBLIC")

    told = audited.run(InstallDdlAuditOperator)

    assert told["changes"] == ["revoked from PUBLIC what it could do to dms_replication.awsdms_ddl_audit"]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param("ALTER FUNCTION dms_replication.awsdms_intercept_ddl() SECURITY INVOKER", id="no-definer"),
        pytest.param(
            "ALTER FUNCTION dms_replication.awsdms_intercept_ddl() SET search_path = public", id="a-fixed-path"
        ),
        pytest.param("GRANT EXECUTE ON FUNCTION dms_replication.awsdms_intercept_ddl() TO PUBLIC", id="open-to-all"),
    ],
)
def test_a_function_of_ours_that_was_changed_is_put_right(audited, change):
    with audited.admin() as conn:
        conn.execute(change)

    told = audited.run(InstallDdlAuditOperator)

    assert len(told["changes"]) == 1
    assert audited.run(InstallDdlAuditOperator)["changes"] == []


@pytest.mark.parametrize(
    ("statements", "found"),
    [
        pytest.param(
            ["ALTER EVENT TRIGGER awsdms_intercept_ddl DISABLE"], "disabled by somebody", id="a-trigger-that-is-off"
        ),
        pytest.param(
            [
                "CREATE OR REPLACE FUNCTION dms_replication.awsdms_intercept_ddl() RETURNS event_trigger"
                " LANGUAGE plpgsql AS 'BEGIN RAISE NOTICE ''mine''; END'"
            ],
            "neither ours nor the DMS guide's",
            id="a-function-written-by-somebody",
        ),
        pytest.param(
            ["ALTER TABLE dms_replication.awsdms_ddl_audit ADD COLUMN extra text"], "extra text", id="another-column"
        ),
        pytest.param(
            [
                "DROP EVENT TRIGGER awsdms_intercept_ddl",
                "ALTER TABLE dms_replication.awsdms_ddl_audit OWNER TO postgres",
            ],
            "owned by postgres",
            id="another-owner",
        ),
        pytest.param(
            [
                "CREATE FUNCTION public.awsdms_intercept_ddl() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'",
                "DROP EVENT TRIGGER awsdms_intercept_ddl",
                TRIGGER.format("public"),
            ],
            "public.awsdms_intercept_ddl on ddl_command_end",
            id="a-trigger-of-another-schema",
        ),
    ],
)
def test_what_somebody_changed_is_refused_and_left_alone(audited, statements, found):
    with audited.admin() as conn:
        for statement in statements:
            conn.execute(statement)

    with audited.nothing_written(), pytest.raises(AirflowFailException, match=found):
        audited.run(InstallDdlAuditOperator)


def test_a_lock_on_the_table_is_left_to_a_retry_and_blocks_no_application(prepared, monkeypatch):
    monkeypatch.setattr("pg_cdc.hooks.patience.LOCK_SECONDS", 0.2)
    with prepared.admin() as other, other.transaction():
        other.execute("CREATE SCHEMA held")
        other.execute("LOCK TABLE pg_catalog.pg_event_trigger IN ACCESS EXCLUSIVE MODE")

        with pytest.raises(NotYet, match="55P03"):
            prepared.run(InstallDdlAuditOperator)


def test_the_audit_works_in_a_schema_of_any_name(source):
    names = {"artifacts_schema": "dms$replication_" + "x" * 47}
    source.run(EnsureDmsRoleOperator, dms_role=names)

    assert len(source.run(InstallDdlAuditOperator, dms_role=names)["changes"]) == 3
    assert source.run(InstallDdlAuditOperator, dms_role=names)["changes"] == []
    with source.login(source.app) as conn:
        conn.execute("CREATE TABLE shop.made (id integer)")

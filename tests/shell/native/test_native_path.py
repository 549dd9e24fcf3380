"""From a source in use to a proved stream: every step, twice, and the rows of both ends compared."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from airflow.sdk.exceptions import AirflowFailException

from tests.shell.native.comparing import unequal
from tests.shell.native.conftest import LOAD, PREPARE, STREAM


def change_every_table(conn) -> None:
    conn.execute("update shop.customers set name = 'Grace', tags = null where id % 7 = 0")
    conn.execute("delete from shop.clicks where millis is null and seen < '2026-06-01 00:10+00'")
    conn.execute("update shop.clicks set millis = 1 where path like '%1'")
    conn.execute("insert into shop.orders (id, placed, customer_id, total) values (100001, '2026-08-01', 5, 3)")
    conn.execute("update shop.orders set placed = '2026-02-02' where id = 300")
    conn.execute("""update shop."Rück""gaben" set "Grund" = 'zu klein' where "Nr" < 9""")
    conn.execute("insert into shop.empty values (1, '[2026-01-01,2026-02-01)')")
    conn.execute("delete from shop.parcels where id < 20")


def test_a_whole_migration_streams_every_table_and_a_second_run_changes_nothing(pair, mutating_calls):
    pair.run_all(PREPARE)
    with pair.on_source() as conn:
        change_every_table(conn)
    pair.load()
    with pair.on_source() as conn:
        conn.execute("insert into shop.customers (email, name) values ('late@example.org', 'Late')")
    done = pair.run_all(STREAM)

    assert done["WaitNativeStreamingOperator"]["facts"]["slot"]["active"]
    with pair.on_source() as conn:
        conn.execute("update shop.parcels set weight = 5 where id > 400")
        conn.execute("insert into shop.clicks values (now(), '/new', 4)")
    assert unequal(pair) == []

    with mutating_calls() as calls:
        again = pair.run_all((*PREPARE, *LOAD, *STREAM))

    assert {name: said["changes"] for name, said in again.items() if said["changes"]} == {}
    assert calls == []


def test_the_target_gets_the_source_s_indexes_constraints_and_triggers(pair):
    pair.migrate()

    query = """
        select 'index', indexname, indexdef from pg_indexes where schemaname = 'shop'
        union all select 'constraint', conrelid::regclass || ' ' || conname, pg_get_constraintdef(oid) || convalidated
        from pg_constraint where connamespace = 'shop'::regnamespace
        union all select 'trigger', tgname, pg_get_triggerdef(oid) from pg_trigger where not tgisinternal
        union all select 'statistics', stxname, pg_get_statisticsobjdef(oid) from pg_statistic_ext
        union all select 'attached', inhrelid::regclass::text, inhparent::regclass::text from pg_inherits
        order by 1, 2, 3
    """
    with pair.on_source() as source, pair.on_target() as target:
        assert target.execute(query).fetchall() == source.execute(query).fetchall()


@pytest.mark.parametrize(
    ("table", "binary"),
    [
        pytest.param("customers", True, id="built-in-types-domains-and-their-arrays"),
        pytest.param("orders_h1", True, id="enums"),
        pytest.param("parcels", False, id="arrays-of-enums-and-rows-hold-oids"),
    ],
)
def test_a_table_is_copied_in_binary_where_its_types_allow_it(pair, table, binary):
    from pg_cdc.decisions.native.load import remaining
    from pg_cdc.facts.native.objects import read_load
    from pg_cdc.spec import migration_from_mapping

    pair.run_all(PREPARE)
    with pair.on_source() as source, pair.on_target() as target:
        copies = remaining(read_load(source, target, migration_from_mapping(pair.migration)))

    assert {copy.name[1]: copy.binary for copy in copies}[table] is binary


@pytest.fixture
def root_certificate(sandbox) -> Iterator[str]:
    """The source's certificate authority, in a file that the target's server can read: it is not this user's."""
    with tempfile.NamedTemporaryFile(dir="/var/tmp", suffix=".pem") as file:
        file.write(Path(sandbox.ca_file).read_bytes())
        file.flush()
        Path(file.name).chmod(0o644)
        yield file.name


def verified(certificate: str) -> dict[str, dict[str, str]]:
    return {"native": {"ssl_mode": "verify-full", "root_certificate": certificate}}


def test_the_subscription_verifies_the_source_where_that_is_asked_for(pair, root_certificate):
    pair.migrate(**verified(root_certificate))

    with pair.on_target() as conn:
        query = "select subconninfo from pg_subscription join pg_database db on db.oid = subdbid where datname = %s"
        (conninfo,) = conn.execute(query, (pair.name,)).fetchone()
    assert {"sslmode=verify-full", f"sslrootcert={root_certificate}"} <= set(conninfo.split())
    assert unequal(pair) == []


def test_a_root_certificate_that_is_not_on_the_target_s_server_is_refused_and_told(pair):
    with pytest.raises(AirflowFailException, match=r"nobody.pem(.|\n)*native.root_certificate is a file on the target"):
        pair.migrate(**verified("/var/tmp/nobody.pem"))

import time

import pytest

from sandbox.demo.application import Application
from sandbox.demo.compare import compare_schema
from sandbox.demo.shop import SHOP_SQL

ROWS = 500_000
KINDS = {"jsonb", "bytea", "timestamptz", "numeric", "uuid", "bpchar", "_text", "_int4", "_float8", "order_state"}


@pytest.fixture(scope="module")
def server(make_instance):
    return make_instance("application", database="shop")


@pytest.fixture(scope="module")
def shop(server):
    """Return a way to connect to a small shop: as master, or with ``user``."""
    with server.connect("shop") as conn:
        conn.execute("select set_config('shop.scale', '0.02', false)")
        conn.execute(SHOP_SQL.read_bytes())
        conn.execute("alter role shop_app password 'only-here'")

    def connect(user=None):
        return server.connect("shop", user, "only-here" if user else None)

    return connect


@pytest.fixture
def application(shop):
    application = Application(lambda: shop("shop_app"))
    application.start()
    yield application
    application.stop()


def wait_for(condition, seconds=10):
    ends = time.monotonic() + seconds
    while not condition() and time.monotonic() < ends:
        time.sleep(0.05)
    assert condition()


def test_the_shop_has_what_makes_migrations_stumble(shop):
    with shop() as conn:
        one = conn.execute(
            "select count(*) filter (where relkind = 'r'), bool_or(relkind = 'p'),"
            " bool_or(relkind = 'S'), bool_or(relname <> lower(relname)), bool_or(relname ~ '[^[:ascii:]]'),"
            " bool_or(relkind = 'r' and not exists (select from pg_index where indrelid = c.oid and indisprimary))"
            " from pg_class c where relnamespace = 'shop'::regnamespace"
        ).fetchone()
        columns = conn.execute(
            "select array_agg(distinct typname), bool_or(attidentity <> ''), bool_or(attgenerated <> ''),"
            " bool_or(typtype = 'd') from pg_attribute a join pg_type t on t.oid = atttypid"
            " join pg_class c on c.oid = attrelid"
            " where relnamespace = 'shop'::regnamespace and relkind = 'r' and attnum > 0"
        ).fetchone()
        widest = conn.execute("select max(octet_length(body)) from shop.documents").fetchone()[0]
        foreign = conn.execute("select count(*) from pg_constraint where contype = 'f'").fetchone()[0]
        owners = conn.execute("select distinct tableowner from pg_tables where schemaname = 'shop'").fetchall()

    assert one[0] >= 12
    assert one[1:] == (True,) * 5
    assert set(columns[0]) >= KINDS
    assert columns[1:] == (True,) * 3
    assert widest >= 100_000
    assert foreign >= 5
    assert owners == [("shop_app",)]


def test_the_application_inserts_updates_and_deletes(application, shop):
    wait_for(lambda: application.transactions > 120)
    with shop() as conn:
        counts = "select sum(n_tup_ins), sum(n_tup_upd), sum(n_tup_del) from pg_stat_user_tables"
        before = conn.execute(counts).fetchone()
        wait_for(lambda: all(n > b for n, b in zip(conn.execute(counts).fetchone(), before, strict=True)))


def test_a_paused_application_writes_nothing_and_goes_on_after(application, shop):
    wait_for(lambda: application.transactions > 5)
    assert application.pause()
    with shop() as conn:
        lsn = conn.execute("select pg_current_wal_lsn()").fetchone()
        written = application.transactions
        time.sleep(0.5)

        assert application.transactions == written
        assert all(verdict.equal for verdict in compare_schema(conn, conn, "shop")) and lsn
    application.go_on()
    wait_for(lambda: application.transactions > written)


def test_the_application_alters_a_table_and_uses_the_new_column(application, shop):
    assert application.add_column()
    with shop() as conn:
        wait_for(lambda: conn.execute("select count(loyalty_level) from shop.customers").fetchone()[0])
        conn.execute("alter table shop.customers drop column loyalty_level")
    application.pause()


def test_an_application_that_was_cut_off_comes_back(application, shop):
    wait_for(lambda: application.transactions > 5)
    with shop() as conn:
        conn.execute("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'shop_app'")
    written = application.transactions

    wait_for(lambda: application.transactions > written + 5)
    assert application.cut_seconds > 0

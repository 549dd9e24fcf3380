"""What is read of a server: tables with what matters for replication, slots, settings, open transactions; fast."""

from __future__ import annotations

import time

import pytest

from pg_cdc.config import Migration
from pg_cdc.decisions.world import Table
from pg_cdc.facts.ends import read_source
from pg_cdc.facts.postgres import ensure_control_schema, list_schemas, read_server, read_slots, read_tables
from pg_cdc.hooks.postgres import connect_source

SCHEMA = """
CREATE DOMAIN shop.label AS text;
CREATE DOMAIN shop.nested AS shop.label;
CREATE TYPE shop.money AS (amount numeric, currency text);
CREATE TYPE shop.state AS ENUM ('new', 'sent');
CREATE TABLE shop."Ünï ""x"" y" (id integer PRIMARY KEY, a varchar(10), b shop.state, c date);
CREATE TABLE shop.lobs
    (id integer PRIMARY KEY, a text, b shop.nested, c integer[], d jsonb, e bytea, f shop.money, g xml);
CREATE TABLE shop.parts (id integer, x integer) PARTITION BY LIST (x);
CREATE TABLE shop.parts_1 PARTITION OF shop.parts (PRIMARY KEY (id)) FOR VALUES IN (1);
CREATE TABLE shop.keyless (id integer);
ALTER TABLE shop.keyless REPLICA IDENTITY FULL;
CREATE UNLOGGED TABLE shop.unlogged (id integer PRIMARY KEY);
CREATE TEMPORARY TABLE temporary (id integer);
CREATE VIEW shop.seen AS SELECT 1 AS one;
CREATE MATERIALIZED VIEW shop.kept AS SELECT 1 AS one;
INSERT INTO shop.keyless SELECT generate_series(1, 1000);
ANALYZE shop.keyless;
"""


@pytest.fixture
def conn(source):
    migration = Migration.model_validate(source.migration)
    with connect_source(migration, read_source(migration)) as conn:
        yield conn


def by_name(conn) -> dict[str, Table]:
    return {table.name: table for table in read_tables(conn)}


def test_a_table_is_read_with_all_that_replication_depends_on(conn):
    conn.execute(SCHEMA)

    found = by_name(conn)

    assert set(found) == {"orders", "events", 'Ünï "x" y', "lobs", "parts", "parts_1", "keyless", "unlogged", "seen"}
    assert found['Ünï "x" y'] == Table(schema="shop", name='Ünï "x" y')
    assert (found["parts"].kind, found["parts"].has_primary_key) == ("p", False)
    assert (found["parts_1"].partition_of, found["parts_1"].has_primary_key) == ("shop.parts", True)
    assert (found["keyless"].identity, found["keyless"].estimated_rows) == ("f", 1000)
    assert found["keyless"].bytes == 5 * 8192
    assert found["unlogged"].persistence == "u"
    assert found["seen"].kind == "v"


def test_reading_tables_waits_for_no_lock(conn, source):
    with source.admin() as other, other.transaction():
        other.execute("LOCK TABLE shop.orders IN ACCESS EXCLUSIVE MODE")
        conn.execute("SET statement_timeout = '2s'")

        assert "orders" in by_name(conn)


def test_the_server_tells_versions_settings_and_roles_of_the_admin(conn):
    server = read_server(conn)

    assert server.version_num // 10000 == 15
    assert server.in_recovery is False
    assert server.current_user == "postgres"
    assert "rds_superuser" in server.admin_roles
    assert int(server.system_identifier) > 0
    assert server.settings["wal_sender_timeout"].endswith(("s", "min"))
    assert server.settings["rds.logical_replication"] == "on"
    assert server.settings["shared_preload_libraries"].endswith("pglogical")
    assert "pglogical" in server.available_extensions
    assert server.installed_extensions == ("plpgsql",)
    assert server.schemas == ("public", "shop")


def test_an_applications_role_is_no_admin(source):
    with source.login(source.app) as conn:
        server = read_server(conn)

    assert server.current_user == source.app
    assert "rds_superuser" not in server.admin_roles


def test_slots_are_read_with_the_wal_they_hold_back(conn, source):
    name = f"facts_{source.name}"
    conn.execute("SELECT pg_create_logical_replication_slot(%s, 'test_decoding')", (name,))
    try:
        conn.execute("SELECT pg_logical_emit_message(true, 'x', repeat('x', 100000))")
        (slot,) = [slot for slot in read_slots(conn) if slot.name == name]
    finally:
        conn.execute("SELECT pg_drop_replication_slot(%s)", (name,))

    assert (slot.plugin, slot.slot_type, slot.database, slot.active) == ("test_decoding", "logical", source.name, False)
    assert slot.wal_status == "reserved"
    assert slot.retained_bytes > 100000


def test_a_transaction_that_is_open_for_long_is_seen_and_a_short_one_is_not(conn, source, monkeypatch):
    from pg_cdc.facts import postgres

    quick = postgres.read_sql("source/list_open_transactions.sql").replace("60 s", "0.2 s")
    with source.login(source.app) as other, other.transaction():
        other.execute("SELECT 1")
        assert not [one for one in read_server(conn).open_transactions if source.app in one.identity]
        time.sleep(0.3)
        read = postgres.read_sql
        monkeypatch.setattr(postgres, "read_sql", lambda name: quick if "open" in name else read(name))

        (found,) = [one for one in read_server(conn).open_transactions if source.app in one.identity]

    assert found.kind == "long"
    assert source.name in found.identity


def test_the_control_schema_is_made_once(conn):
    assert ensure_control_schema(conn) is True
    assert ensure_control_schema(conn) is False
    assert "pgcdc" in list_schemas(conn)

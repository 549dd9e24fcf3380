"""The table of version differences is true of the server that is here; tests/matrix asks the other majors."""

from __future__ import annotations

from pg_cdc.decisions.versions import SLOT_COLUMNS, Feature, slot_columns, supports

LATER = """
select attname from pg_attribute where attrelid = 'pg_replication_slots'::regclass and attname = any(%s)
"""
PROBES = {
    Feature.COPY_PROGRESS: "select to_regclass('pg_catalog.pg_stat_progress_copy') is not null",
    Feature.SUBSCRIBER_ROLE: "select to_regrole('pg_create_subscription') is not null",
}


def assert_table_is_true(conn) -> None:
    """Compare the table with what the server has."""
    version = conn.info.server_version
    columns = {name for (name,) in conn.execute(LATER, (list(SLOT_COLUMNS),))}
    assert columns == slot_columns(version)
    for feature in Feature:
        assert conn.execute(PROBES[feature]).fetchone() == (supports(version, feature),), feature


def test_the_table_is_true_of_this_server(bootstrap_server):
    with bootstrap_server.connect("postgres") as conn:
        assert_table_is_true(conn)

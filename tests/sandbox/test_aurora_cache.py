"""Aurora's logical WAL cache: its figures follow what slots really decode and how far they lag."""

from __future__ import annotations

import time

import pytest

from sandbox.postgres.aurora import functions_sql

CACHE = "select cache_hit, cache_miss, blks_read, hit_rate, active_pid from aurora_stat_logical_wal_cache()"


@pytest.fixture(scope="module")
def cluster(sandbox, make_cluster):
    rds = sandbox.client("rds")
    rds.create_db_cluster_parameter_group(
        DBClusterParameterGroupName="cached", DBParameterGroupFamily="aurora-postgresql15", Description="x"
    )
    set_parameter(rds, "rds.logical_replication", "1")
    return make_cluster("cached", parameter_group="cached")


@pytest.fixture
def slot(cluster):
    with cluster.connect() as connection:
        connection.execute("create table if not exists t (v text)")
        connection.execute("select pg_create_logical_replication_slot('cached', 'test_decoding')")
        yield connection
        connection.execute("select pg_drop_replication_slot('cached')")


def set_parameter(rds, name, value):
    change = {"ParameterName": name, "ParameterValue": value, "ApplyMethod": "pending-reboot"}
    rds.modify_db_cluster_parameter_group(DBClusterParameterGroupName="cached", Parameters=[change])


def write(connection, megabytes):
    connection.execute("insert into t select repeat('x', 1000) from generate_series(1, %s)", [megabytes * 1000])


def decode(connection, upto="null"):
    connection.execute(f"select count(*) from pg_logical_slot_get_changes('cached', {upto}, null)")


def until_read(connection, blocks):
    """Statistics of slots arrive a moment after the decoding."""
    for _ in range(100):
        found = connection.execute(CACHE).fetchone()
        if found[2] >= blocks:
            return found
        time.sleep(0.05)
    raise AssertionError(found)


def test_a_slot_nobody_read_has_no_hits(slot):
    assert slot.execute(CACHE).fetchone() == (0, 0, 0, "0.00%", None)


def test_a_slot_that_keeps_up_is_served_from_the_cache(slot):
    write(slot, 4)
    decode(slot)
    hit, miss, read, rate, _ = until_read(slot, 400)

    assert (hit, miss, rate) == (read, 0, "100.00%")


def test_a_slot_that_lags_further_than_the_cache_reaches_misses_and_a_reset_forgets(slot):
    write(slot, 4)
    decode(slot)
    until_read(slot, 400)
    write(slot, 10)
    hit, miss, read, rate, _ = slot.execute(CACHE).fetchone()

    assert hit + miss == read
    assert miss > 0
    assert float(rate.rstrip("%")) == pytest.approx(100 * hit / read, abs=0.01)
    (said,) = slot.execute("select aurora_stat_reset_wal_cache('cached')").fetchone()
    assert said == "Reset the logical wal cache counter."
    for _ in range(100):
        if slot.execute(CACHE).fetchone()[2] == 0:
            break
        time.sleep(0.05)
    assert slot.execute(CACHE).fetchone()[:3] == (0, 0, 0)


def test_without_the_cache_every_read_is_a_miss(sandbox, cluster):
    rds = sandbox.client("rds")
    set_parameter(rds, "rds.logical_wal_cache", "0")
    rds.reboot_db_instance(DBInstanceIdentifier="cached-1")
    while sandbox.rds.instances["cached-1"].status.value != "available":
        time.sleep(0.05)
    with cluster.connect() as connection:
        connection.execute("create table if not exists t (v text)")
        connection.execute("select pg_create_logical_replication_slot('cached', 'test_decoding')")
        write(connection, 4)
        decode(connection)
        hit, miss, read, rate, _ = until_read(connection, 400)
        connection.execute("select pg_drop_replication_slot('cached')")

    assert (hit, miss, rate) == (0, read, "0.00%")


@pytest.mark.parametrize(("major", "counted"), [(13, False), (14, True), (17, True)])
def test_what_a_slot_decodes_is_counted_from_postgresql_14_on(cluster, major, counted):
    assert ("pg_stat_replication_slots" in functions_sql(major)) is counted
    with cluster.connect() as connection, connection.transaction(force_rollback=True):
        connection.execute(functions_sql(major))
        connection.execute(CACHE)
        connection.execute("select aurora_stat_reset_wal_cache(null)")

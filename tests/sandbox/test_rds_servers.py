"""Instances of the sandbox are real servers, and what RDS says of them is true of them."""

from __future__ import annotations

import psycopg
import pytest


@pytest.fixture(scope="module")
def cluster(make_cluster):
    return make_cluster("servers", readers=1)


@pytest.fixture(scope="module")
def instance(make_instance):
    return make_instance("servers-rds")


def one(connection, query, *values):
    with connection:
        return connection.execute(query, values).fetchone()[0]


def test_a_cluster_answers_where_its_describe_says(sandbox, cluster):
    described = sandbox.client("rds").describe_db_clusters(DBClusterIdentifier="servers")["DBClusters"][0]

    assert (described["Endpoint"], described["Port"]) == (cluster.host, cluster.port)
    assert one(cluster.connect(), "select current_database()") == "shop"


def test_the_reader_is_a_standby_that_follows(cluster):
    with cluster.connect() as writer:
        writer.execute("create table followed (id int)")
        lsn = writer.execute("select pg_current_wal_lsn()").fetchone()[0]
    with cluster.connect_member("servers-2") as reader:
        reader.execute("select pg_sleep(0.02) from generate_series(1, 250) where pg_last_wal_replay_lsn() < %s", [lsn])

        assert reader.execute("select pg_is_in_recovery(), to_regclass('followed') is not null").fetchone() == (
            True,
            True,
        )
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            reader.execute("insert into followed values (1)")


def test_each_database_is_a_cluster_of_its_own(cluster, instance):
    query = "select system_identifier from pg_control_system()"

    assert one(cluster.connect(), query) != one(instance.connect(), query)
    assert one(cluster.connect(), query) == one(cluster.connect_member("servers-2"), query)


def test_tls_is_verified_against_the_sandbox_ca(sandbox, instance):
    assert one(instance.connect(), "select ssl from pg_stat_ssl where pid = pg_backend_pid()") is True
    with psycopg.connect(instance.conn_uri.replace("localhost", "127.0.0.1")):
        pass
    with pytest.raises(psycopg.OperationalError, match="certificate"):
        psycopg.connect(instance.conn_uri.replace(str(sandbox.ca_file), "/etc/ssl/certs/ca-certificates.crt"))


def test_rds_15_refuses_unencrypted_connections(instance):
    plain = instance.conn_uri.split("?")[0] + "?sslmode=disable"

    with pytest.raises(psycopg.OperationalError, match="no encryption"):
        psycopg.connect(plain)


def test_a_wrong_password_is_refused(instance):
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        instance.connect(password="wrong")


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("rds.logical_replication", "off"),
        ("wal_level", "replica"),
        ("max_worker_processes", "8"),
        ("max_replication_slots", "20"),
        ("max_wal_senders", "10"),
        ("wal_sender_timeout", "30s"),
        ("shared_preload_libraries", "rdsutils,rds_casts,pg_stat_statements"),
        ("synchronous_commit", "on"),
        ("TimeZone", "UTC"),
    ],
)
def test_aurora_defaults_are_in_force(cluster, setting, value):
    assert one(cluster.connect(), f'show "{setting}"') == value


def test_the_master_is_a_member_of_rds_superuser(cluster):
    assert one(cluster.connect(), "select pg_has_role('rds_superuser', 'member')") is True


def test_aurora_has_its_functions_in_every_new_database_and_rds_has_not(cluster, instance):
    with cluster.connect() as connection:
        connection.execute("create database later")

    assert one(cluster.connect("later"), "select aurora_version()").startswith("15.")
    assert one(cluster.connect(), "select count(*) from aurora_stat_logical_wal_cache()") == 0
    assert one(cluster.connect(), "select aurora_stat_reset_wal_cache('no_slot')").startswith(
        "Replication slot not found"
    )
    with pytest.raises(psycopg.errors.UndefinedFunction):
        instance.connect().execute("select aurora_version()")


@pytest.mark.parametrize(("grant", "allowed"), [("pg_monitor", False), ("rds_replication", True)])
def test_the_wal_cache_is_shown_to_those_who_may_replicate(cluster, grant, allowed):
    role = f"sees_{grant}"
    with cluster.connect() as connection:
        connection.execute(f"create role {role} login password 'a-plain-Passw0rd' in role {grant}")
    query = "select count(*) from aurora_stat_logical_wal_cache()"

    with cluster.connect(user=role, password="a-plain-Passw0rd") as connection:
        if allowed:
            assert connection.execute(query).fetchone() == (0,)
        else:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(query)

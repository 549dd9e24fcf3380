"""What RDS describes becomes the facts of decisions, or a refusal that says which database was meant."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pg_cdc.decisions.world import Engine
from pg_cdc.facts.rds import read_database, read_parameter_group, read_parameter_groups
from pg_cdc.facts.replicas import read_replicas
from pg_cdc.failures import PreflightFailed
from pg_cdc.hooks.rds import CdcRdsHook

pytestmark = pytest.mark.usefixtures("aws_conn")


@pytest.fixture(scope="module")
def cluster(make_cluster):
    return make_cluster("facts", readers=1)


@pytest.fixture(scope="module")
def primary(make_instance, sandbox):
    from tests.fix_sandbox import wait_available

    made = make_instance("facts-rds")
    sandbox.client("rds").create_db_instance_read_replica(
        DBInstanceIdentifier="facts-rds-copy", SourceDBInstanceIdentifier="facts-rds", DBInstanceClass="db.t3.medium"
    )
    wait_available(sandbox, "facts-rds-copy")
    return made


@pytest.fixture
def hook() -> CdcRdsHook:
    return CdcRdsHook(aws_conn_id="aws_default")


def test_a_cluster_has_its_writer_its_readers_and_the_writers_address(cluster, hook):
    found = read_database(hook, "facts")

    assert (found.engine, found.status) == (Engine.AURORA, "available")
    assert found.writer.identifier == "facts-1"
    assert [member.identifier for member in found.readers] == ["facts-2"]
    assert (found.host, found.port) == (cluster.host, cluster.port)
    assert found.readers[0].port != found.port
    assert found.subnet_ids and found.security_group_ids
    assert not any(member.pending_reboot for member in found.members)


def test_an_instance_knows_its_replicas_and_they_their_primary(primary, hook):
    found, copy = read_database(hook, "facts-rds"), read_database(hook, "facts-rds-copy")

    assert (found.engine, found.replicas, found.replica_of) == (Engine.RDS, ("facts-rds-copy",), None)
    assert found.cluster_parameter_group is None
    assert copy.replica_of == "facts-rds"


def test_a_member_of_a_cluster_is_not_taken_for_the_cluster(cluster, hook):
    with pytest.raises(PreflightFailed) as refused:
        read_database(hook, "facts-2")

    assert "facts" in refused.value.next


@pytest.mark.parametrize("identifier", ["fact", "facts-rd", "nothing-like-it"])
def test_an_unknown_identifier_is_answered_with_those_there_are(cluster, primary, hook, identifier):
    with pytest.raises(PreflightFailed) as refused:
        read_database(hook, identifier)

    assert identifier in refused.value.found
    assert "eu-west-1" in refused.value.found
    if identifier != "nothing-like-it":
        assert "facts" in refused.value.found


def test_both_groups_are_read_whole_with_who_uses_them(cluster, hook):
    groups = read_parameter_groups(hook, read_database(hook, "facts"))

    assert [group.cluster for group in groups] == [True, False]
    assert "facts" in groups[0].users
    assert {"facts-1", "facts-2"} <= set(groups[1].users)
    assert len(groups[0].parameters) > 100
    row = groups[0].parameters["max_worker_processes"]
    assert (row.value, row.source, row.apply_type, row.modifiable) == (
        "GREATEST($DBInstanceVCPU*2,8)",
        row.source,
        "static",
        True,
    )
    assert groups[0].parameters["max_logical_replication_workers"].value is None
    assert groups[0].parameters["wal_level"].modifiable is False


def test_an_instance_has_one_group(primary, hook):
    (group,) = read_parameter_groups(hook, read_database(hook, "facts-rds"))

    assert not group.cluster
    assert group.is_default
    assert {"facts-rds", "facts-rds-copy"} <= set(group.users)


def test_a_group_that_is_not_there_is_none(hook):
    assert read_parameter_group(hook, "no-such-group", cluster=True) is None
    assert read_parameter_group(hook, "no-such-group", cluster=False) is None


def test_databases_beyond_one_page_are_seen(cluster, primary, hook, monkeypatch):
    pages = hook.conn.get_paginator("describe_db_instances").paginate(PaginationConfig={"PageSize": 20})

    assert [row for page in pages for row in page["DBInstances"]]
    assert {row["DBInstanceIdentifier"] for row in hook.list_instances()} >= {"facts-1", "facts-2", "facts-rds"}
    assert {row["DBInstanceIdentifier"] for row in hook.list_instances("facts")} == {"facts-1", "facts-2"}


def test_a_replica_is_read_with_the_sizes_of_its_group(primary, hook):
    (copy,) = read_replicas(hook, read_database(hook, "facts-rds"))

    assert (copy.identifier, copy.status, copy.instance_class) == ("facts-rds-copy", "available", "db.t3.medium")
    assert copy.parameter_group.startswith("default.postgres")
    assert copy.sizes["max_worker_processes"] == "GREATEST($DBInstanceVCPU*2,8)"


def test_a_replica_that_cannot_be_read_is_named_all_the_same(primary, hook):
    away = ("arn:aws:rds:us-east-1:123456789012:db:far", "facts-rds-gone")

    found = read_replicas(hook, replace(read_database(hook, "facts-rds"), replicas=away))

    assert [one.identifier for one in found] == ["far", "facts-rds-gone"]
    assert "us-east-1" in found[0].unread
    assert "not to be found" in found[1].unread

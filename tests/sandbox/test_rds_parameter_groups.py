"""Parameter groups of the sandbox refuse what AWS refuses, with AWS's codes."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

CLUSTER_FAMILY = "aurora-postgresql15"
FAMILY = "postgres15"
RUNBOOK = (
    "rds.logical_replication", "shared_preload_libraries", "max_replication_slots", "max_wal_senders",
    "max_logical_replication_workers", "track_commit_timestamp", "autovacuum_max_workers", "max_worker_processes",
    "max_connections", "wal_sender_timeout", "synchronous_commit", "max_slot_wal_keep_size", "max_parallel_workers",
    "logical_decoding_work_mem", "session_replication_role", "idle_in_transaction_session_timeout",
    "idle_session_timeout", "statement_timeout", "hot_standby_feedback", "rds.logical_wal_cache",
)  # fmt: skip


@pytest.fixture(scope="module")
def rds(sandbox):
    return sandbox.client("rds")


@pytest.fixture(scope="module")
def group(rds):
    rds.create_db_parameter_group(DBParameterGroupName="plain", DBParameterGroupFamily=FAMILY, Description="x")
    return "plain"


@pytest.fixture(scope="module")
def cluster_group(rds):
    rds.create_db_cluster_parameter_group(
        DBClusterParameterGroupName="clustered", DBParameterGroupFamily=CLUSTER_FAMILY, Description="x"
    )
    return "clustered"


def code_of(call, **parameters):
    with pytest.raises(ClientError) as refusal:
        call(**parameters)
    return refusal.value.response["Error"]["Code"]


def change(name, value, method="pending-reboot"):
    return {"ParameterName": name, "ParameterValue": value, "ApplyMethod": method}


def rows(rds, name, **options):
    pages = rds.get_paginator("describe_db_parameters").paginate(DBParameterGroupName=name, **options)
    return {row["ParameterName"]: row for page in pages for row in page["Parameters"]}


def cluster_rows(rds, name, **options):
    pages = rds.get_paginator("describe_db_cluster_parameters").paginate(DBClusterParameterGroupName=name, **options)
    return {row["ParameterName"]: row for page in pages for row in page["Parameters"]}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param([change("max_wal_senders", "20", "immediate")], "InvalidParameterCombination", id="immediate"),
        pytest.param([change("no_such", "1")], "InvalidParameterValue", id="unknown-name"),
        pytest.param([change("wal_level", "logical")], "InvalidParameterValue", id="not-modifiable"),
        pytest.param([change("rds.logical_replication", "2")], "InvalidParameterValue", id="not-a-boolean"),
        pytest.param([change("max_wal_senders", "ten")], "InvalidParameterValue", id="not-a-number"),
        pytest.param([change("max_wal_senders", "262144")], "InvalidParameterValue", id="over-the-range"),
        pytest.param([change("max_wal_senders", "-1")], "InvalidParameterValue", id="under-the-range"),
        pytest.param([change("synchronous_commit", "maybe")], "InvalidParameterValue", id="not-in-the-list"),
        pytest.param(
            [change("shared_preload_libraries", "pg_stat_statements,rdsutils")], "InvalidParameterValue",
            id="a-library-only-rds-may-load",
        ),
        pytest.param([change("max_wal_senders", "20", "soon")], "InvalidParameterValue", id="unknown-apply-method"),
        pytest.param(
            [change("statement_timeout", str(n)) for n in range(21)], "InvalidParameterValue", id="over-twenty"
        ),
        pytest.param([], "InvalidParameterValue", id="none"),
    ],
)  # fmt: skip
def test_a_bad_change_is_refused_and_changes_nothing(rds, cluster_group, changes, code):
    good = [change("deadlock_timeout", "2000", "immediate")] if len(changes) == 1 else []

    refused = code_of(
        rds.modify_db_cluster_parameter_group,
        DBClusterParameterGroupName=cluster_group, Parameters=good + changes,
    )  # fmt: skip

    assert refused == code
    assert cluster_rows(rds, cluster_group, Source="user") == {}


@pytest.mark.parametrize(
    ("action", "parameters", "code"),
    [
        ("modify_db_parameter_group", {"DBParameterGroupName": "gone", "Parameters": []}, "DBParameterGroupNotFound"),
        (
            "modify_db_cluster_parameter_group",
            {"DBClusterParameterGroupName": "gone", "Parameters": []},
            "DBParameterGroupNotFound",
        ),
        ("describe_db_parameters", {"DBParameterGroupName": "gone"}, "DBParameterGroupNotFound"),
        ("describe_db_cluster_parameter_groups", {"DBClusterParameterGroupName": "x"}, "DBParameterGroupNotFound"),
        ("delete_db_parameter_group", {"DBParameterGroupName": "gone"}, "DBParameterGroupNotFound"),
        ("delete_db_parameter_group", {"DBParameterGroupName": f"default.{FAMILY}"}, "InvalidDBParameterGroupState"),
        (
            "modify_db_parameter_group",
            {"DBParameterGroupName": f"default.{FAMILY}", "Parameters": [change("jit", "0")]},
            "InvalidDBParameterGroupState",
        ),
        (
            "reset_db_cluster_parameter_group",
            {"DBClusterParameterGroupName": f"default.{CLUSTER_FAMILY}", "ResetAllParameters": True},
            "InvalidDBParameterGroupState",
        ),
        ("reset_db_parameter_group", {"DBParameterGroupName": "plain"}, "InvalidParameterCombination"),
        (
            "create_db_parameter_group",
            {"DBParameterGroupName": "plain", "DBParameterGroupFamily": FAMILY, "Description": "x"},
            "DBParameterGroupAlreadyExists",
        ),
        (
            "create_db_parameter_group",
            {"DBParameterGroupName": "with.period", "DBParameterGroupFamily": FAMILY, "Description": "x"},
            "InvalidParameterValue",
        ),
        (
            "create_db_parameter_group",
            {"DBParameterGroupName": "trailing-", "DBParameterGroupFamily": FAMILY, "Description": "x"},
            "InvalidParameterValue",
        ),
        (
            "create_db_parameter_group",
            {"DBParameterGroupName": "other", "DBParameterGroupFamily": "mysql8.0", "Description": "x"},
            "InvalidParameterValue",
        ),
        (
            "create_db_cluster_parameter_group",
            {"DBClusterParameterGroupName": "other", "DBParameterGroupFamily": "mysql8.0", "Description": "x"},
            "InvalidParameterValue",
        ),
        ("describe_db_parameters", {"DBParameterGroupName": "plain", "MaxRecords": 19}, "InvalidParameterValue"),
        ("describe_db_parameters", {"DBParameterGroupName": "plain", "MaxRecords": 101}, "InvalidParameterValue"),
        ("describe_db_parameters", {"DBParameterGroupName": "plain", "Source": "me"}, "InvalidParameterValue"),
        ("describe_db_parameters", {"DBParameterGroupName": "plain", "Marker": "!"}, "InvalidParameterValue"),
        (
            "describe_db_parameters",
            {"DBParameterGroupName": "plain", "Filters": [{"Name": "colour", "Values": ["red"]}]},
            "InvalidParameterValue",
        ),
    ],
)
def test_a_bad_call_on_a_group_is_refused(rds, group, action, parameters, code):
    assert code_of(getattr(rds, action), **parameters) == code


def test_all_parameters_of_the_runbook_and_forty_more_are_known(rds, cluster_group):
    known = cluster_rows(rds, cluster_group)

    assert set(RUNBOOK) <= set(known)
    assert len([row for row in known.values() if row["IsModifiable"]]) >= len(RUNBOOK) + 40


@pytest.mark.parametrize("page_size", [20, 37, 100])
def test_pages_together_are_the_whole(rds, group, page_size):
    assert rows(rds, group, PaginationConfig={"PageSize": page_size}) == rows(rds, group)


def test_the_instance_group_of_aurora_lacks_cluster_only_parameters(rds):
    known = rows(rds, f"default.{CLUSTER_FAMILY}")

    assert "shared_preload_libraries" in known
    assert "rds.logical_replication" not in known


@pytest.mark.parametrize(
    ("name", "apply_type", "value", "source"),
    [
        ("rds.logical_replication", "static", "0", "system"),
        ("max_worker_processes", "static", "GREATEST($DBInstanceVCPU*2,8)", "system"),
        ("max_wal_senders", "static", "10", "system"),
        ("wal_sender_timeout", "dynamic", "30000", "system"),
        ("max_slot_wal_keep_size", "dynamic", None, "engine-default"),
    ],
)
def test_defaults_are_shown_as_aws_shows_them(rds, cluster_group, name, apply_type, value, source):
    row = cluster_rows(rds, cluster_group, Filters=[{"Name": "parameter-name", "Values": [name]}])[name]

    assert (row["ApplyType"], row.get("ParameterValue"), row["Source"]) == (apply_type, value, source)
    assert row["ApplyMethod"] == "pending-reboot"


def test_a_set_value_is_the_users_until_it_is_reset(rds, group):
    rds.modify_db_parameter_group(
        DBParameterGroupName=group,
        Parameters=[change("statement_timeout", "5000", "immediate"), change("max_wal_senders", "30")],
    )

    users = rows(rds, group, Source="user")
    assert {name: (row["ParameterValue"], row["ApplyMethod"]) for name, row in users.items()} == {
        "statement_timeout": ("5000", "immediate"),
        "max_wal_senders": ("30", "pending-reboot"),
    }

    rds.reset_db_parameter_group(DBParameterGroupName=group, Parameters=[change("max_wal_senders", "0")])
    assert set(rows(rds, group, Source="user")) == {"statement_timeout"}
    rds.reset_db_parameter_group(DBParameterGroupName=group, ResetAllParameters=True)
    assert rows(rds, group, Source="user") == {}


def test_names_are_stored_in_lower_case_and_tags_are_kept(rds):
    made = rds.create_db_parameter_group(
        DBParameterGroupName="MixedCase", DBParameterGroupFamily=FAMILY, Description="x",
        Tags=[{"Key": "pg-cdc:migration", "Value": "shop"}],
    )["DBParameterGroup"]  # fmt: skip
    arn = made["DBParameterGroupArn"]
    rds.add_tags_to_resource(ResourceName=arn, Tags=[{"Key": "more", "Value": "1"}])
    rds.remove_tags_from_resource(ResourceName=arn, TagKeys=["more", "never-there"])

    assert made["DBParameterGroupName"] == "mixedcase"
    assert rds.list_tags_for_resource(ResourceName=arn)["TagList"] == [{"Key": "pg-cdc:migration", "Value": "shop"}]
    rds.delete_db_parameter_group(DBParameterGroupName="MixedCase")
    assert code_of(rds.list_tags_for_resource, ResourceName=arn) == "DBParameterGroupNotFound"


def test_engine_versions_are_those_of_the_real_binaries(sandbox, rds):
    versions = rds.describe_db_engine_versions(Engine="aurora-postgresql")["DBEngineVersions"]

    assert [one["EngineVersion"] for one in versions] == sandbox.status()["versions"]
    assert versions[0]["EngineVersion"] == sandbox.status()["postgres"]
    assert versions[0]["DBParameterGroupFamily"] == CLUSTER_FAMILY


def test_the_default_subnet_group_has_real_subnets(sandbox, rds):
    (described,) = rds.describe_db_subnet_groups()["DBSubnetGroups"]
    known = {one["SubnetId"] for one in sandbox.client("ec2").describe_subnets()["Subnets"]}

    assert {one["SubnetIdentifier"] for one in described["Subnets"]} <= known
    assert len({one["SubnetAvailabilityZone"]["Name"] for one in described["Subnets"]}) >= 2
    assert code_of(rds.describe_db_subnet_groups, DBSubnetGroupName="x") == "DBSubnetGroupNotFoundFault"

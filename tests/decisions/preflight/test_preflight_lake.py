"""Preflight of a bucket: each row is one thing that is wrong with it, and what is said."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pg_cdc.config import Migration, Plugin
from pg_cdc.decisions.lake.files import FolderState
from pg_cdc.decisions.preflight.checks import Situation, preflight
from pg_cdc.decisions.preflight.findings import blocking
from pg_cdc.decisions.preflight.lake import LakeFacts, lake_findings, trusts_dms
from pg_cdc.decisions.preflight.table_facts import Column
from pg_cdc.decisions.world import Table
from tests.decisions.lake.test_lake import FILE
from tests.decisions.lake.test_lake_spec import ROLE
from tests.decisions.preflight.test_preflight import CLUSTER_GROUP, INSTANCE_GROUP, SERVER, SOURCE

TRUST = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "dms.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
GOOD = LakeFacts(region="eu-west-1", bucket_region="eu-west-1", trust=TRUST, folder=FolderState())
TABLE = Table(schema="shop", name="documents")
BODY = Column(schema="shop", table="documents", name="body", type="text")


def spec(task=None, replication=None, **lake):
    return Migration.model_validate(
        {
            "name": "orders",
            "lake": {"bucket": "my-lake", "role_arn": ROLE, **lake},
            "replication": {"task_settings": task or {}, **(replication or {})},
        }
    )


def codes(migration, facts, *, table=TABLE, columns=(), plugin=Plugin.PGLOGICAL, loaded=False):
    found = lake_findings(migration, facts, [table], list(columns), plugin=plugin, loaded=loaded)
    return {finding.code: finding.severity for finding in found}


def test_nothing_is_said_of_a_bucket_that_is_fit():
    assert codes(spec(), GOOD) == {}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        pytest.param({"bucket_region": None, "folder": None}, "lake_bucket_missing", id="no-bucket"),
        pytest.param({"bucket_region": "us-east-1", "folder": None}, "lake_bucket_elsewhere", id="another-region"),
        pytest.param({"versioning": "Enabled"}, "lake_bucket_versioned", id="versions-are-kept"),
        pytest.param({"trust": None}, "lake_role_missing", id="no-role"),
        pytest.param({"trust": {"Statement": []}}, "lake_role_untrusted", id="a-role-nobody-may-take-on"),
        pytest.param({"folder": FolderState(owner="payments")}, "lake_folder_not_ours", id="anothers-folder"),
        pytest.param({"folder": FolderState(files=(FILE,))}, "lake_folder_not_ours", id="files-of-nobody"),
    ],
)
def test_what_is_wrong_with_bucket_or_role_stops_the_run(change, code):
    assert codes(spec(), replace(GOOD, **change)) == {code: "error"}


def test_suspended_versioning_keeps_nothing_new():
    assert codes(spec(), replace(GOOD, versioning="Suspended")) == {}


@pytest.mark.parametrize(
    ("change", "what"),
    [
        pytest.param({"bucket_region": None, "folder": None}, "bucket", id="the-bucket"),
        pytest.param({"trust": None}, "role", id="the-role"),
        pytest.param({"folder": None}, "folder of the bucket", id="the-folder"),
    ],
)
def test_what_may_not_be_looked_at_has_not_passed_and_is_not_called_missing(change, what):
    facts = replace(GOOD, **change, unchecked={what: "AccessDenied"})

    assert codes(spec(), facts) == {"lake_not_checked": "unknown"}


@pytest.mark.parametrize(
    ("target", "code"),
    [
        pytest.param({"BatchApplyEnabled": True}, "lake_batch_apply", id="batches-lose-changes"),
        pytest.param({"FullLobMode": True, "LimitedSizeLobMode": False}, "lake_full_lob", id="whole-lobs"),
    ],
)
def test_task_settings_that_a_bucket_does_not_bear_stop_the_run(target, code):
    assert codes(spec({"TargetMetadata": target}), GOOD) == {code: "error"}


@pytest.mark.parametrize(
    ("prepare", "loaded", "found"),
    [
        pytest.param("DO_NOTHING", False, {"lake_files_stay": "error"}, id="old-rows-would-count-as-rows-of-now"),
        pytest.param("DO_NOTHING", True, {}, id="nothing-is-loaded-any-more"),
        pytest.param("DROP_AND_CREATE", False, {}, id="the-load-removes-them"),
    ],
)
def test_files_of_an_earlier_load_must_go_before_another(prepare, loaded, found):
    ours = replace(GOOD, folder=FolderState(owner="orders", files=(FILE,)))
    migration = spec({"FullLoadSettings": {"TargetTablePrepMode": prepare}})

    assert codes(migration, ours, loaded=loaded) == found


@pytest.mark.parametrize(
    ("lake", "identity", "plugin", "warned"),
    [
        pytest.param({}, "d", Plugin.PGLOGICAL, False, id="csv-tells-unchanged-from-null"),
        pytest.param({"data_format": "parquet"}, "d", Plugin.PGLOGICAL, True, id="parquet-does-not"),
        pytest.param({"data_format": "parquet"}, "f", Plugin.TEST_DECODING, False, id="whole-rows-in-the-log"),
        pytest.param({"data_format": "parquet"}, "f", Plugin.PGLOGICAL, True, id="which-pglogical-does-not-send"),
    ],
)
def test_a_long_value_that_an_update_leaves_is_lost_in_parquet(lake, identity, plugin, warned):
    found = codes(spec(**lake), GOOD, table=replace(TABLE, identity=identity), columns=[BODY], plugin=plugin)

    assert found == ({"lake_unchanged_is_null": "warning"} if warned else {})


def test_parquet_needs_a_python_that_reads_it_where_a_marker_is_waited_for():
    blind = replace(GOOD, parquet_readable=False)
    full_load = {"migration_type": "full-load"}

    assert codes(spec(data_format="parquet"), blind) == {"lake_parquet_unreadable": "error"}
    assert codes(spec(data_format="parquet", replication=full_load), blind) == {}
    assert codes(spec(), blind) == {}


@pytest.mark.parametrize(
    ("principal", "trusted"),
    [
        pytest.param({"Service": "dms.amazonaws.com"}, True, id="the-service"),
        pytest.param({"Service": ["ec2.amazonaws.com", "dms.amazonaws.com"]}, True, id="among-others"),
        pytest.param({"Service": "dms.eu-west-1.amazonaws.com"}, True, id="of-the-region"),
        pytest.param({"Service": "dms.us-east-1.amazonaws.com"}, False, id="of-another-region"),
        pytest.param({"Service": "ec2.amazonaws.com"}, False, id="another-service"),
        pytest.param({"AWS": "arn:aws:iam::123456789012:root"}, False, id="an-account"),
        pytest.param("*", False, id="anybody-is-no-service"),
    ],
)
def test_who_is_trusted(principal, trusted):
    statement = {"Effect": "Allow", "Principal": principal, "Action": ["sts:AssumeRole"]}

    assert trusts_dms({"Statement": statement}, "eu-west-1") is trusted
    assert not trusts_dms({"Statement": [{**statement, "Effect": "Deny"}]}, "eu-west-1")


def test_a_bucket_is_judged_by_its_own_checks_and_not_by_those_of_a_database():
    situation = Situation(
        migration=spec(),
        database=SOURCE,
        groups=(CLUSTER_GROUP, INSTANCE_GROUP),
        server=SERVER,
        tables=(Table(schema="shop", name="customers"),),
        lake=replace(GOOD, versioning="Enabled"),
    )

    assert [finding.code for finding in blocking(preflight(situation))] == ["lake_bucket_versioned"]

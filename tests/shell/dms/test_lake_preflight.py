"""What AWS says of a bucket and a role reaches preflight; a refusal to answer is not taken for a no."""

from __future__ import annotations

import json

import boto3
import pytest
from airflow.sdk.exceptions import AirflowFailException

from pg_cdc.operators.dms.resources import EnsureEndpointOperator, TestConnectionOperator
from pg_cdc.operators.source.inspect import PreflightOperator
from tests.shell.dms.lake_shop import put_in_lake


@pytest.fixture
def lake(world):
    put_in_lake(world)
    return world


def blocked(world) -> str:
    with pytest.raises(AirflowFailException) as refused:
        world.run(PreflightOperator)
    return str(refused.value)


def test_a_bucket_that_is_fit_passes_and_nothing_is_changed(lake, no_calls):
    with no_calls():
        lake.run(PreflightOperator)


def test_a_bucket_that_keeps_versions_stops_the_run(lake):
    lake.sandbox.client("s3").put_bucket_versioning(
        Bucket=lake.migration.lake.bucket, VersioningConfiguration={"Status": "Enabled"}
    )

    assert "[lake_bucket_versioned]" in blocked(lake)


def test_a_bucket_of_another_region_stops_the_run(lake):
    place = {"LocationConstraint": "eu-central-1"}
    there = boto3.client(
        "s3",
        endpoint_url=lake.sandbox.endpoint_url,
        region_name="eu-central-1",
        aws_access_key_id="sandbox",
        aws_secret_access_key="sandbox",
    )
    there.create_bucket(Bucket=f"{lake.spec['name']}-far", CreateBucketConfiguration=place)
    lake.spec["lake"]["bucket"] = f"{lake.spec['name']}-far"

    told = blocked(lake)

    assert "[lake_bucket_elsewhere]" in told
    assert "eu-central-1" in told


def test_a_bucket_and_a_role_that_are_not_there_are_both_told(lake):
    lake.spec["lake"] |= {"bucket": "no-such-lake", "role_arn": "arn:aws:iam::123456789012:role/nobody"}

    told = blocked(lake)

    assert "[lake_bucket_missing]" in told
    assert "[lake_role_missing]" in told


def test_a_role_that_does_not_trust_dms_stops_the_run_and_fails_the_connection_test(lake):
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }
    role = lake.migration.lake.role_arn.rpartition("/")[2]
    lake.sandbox.client("iam").update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(trust))

    assert "[lake_role_untrusted]" in blocked(lake)
    lake.run(EnsureEndpointOperator, end="target")
    with pytest.raises(AirflowFailException, match="does not trust"):
        lake.run(TestConnectionOperator, end="target")


def test_a_bucket_that_may_not_be_looked_at_has_not_passed(lake):
    policy = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}],
    }
    lake.sandbox.client("s3").put_bucket_policy(Bucket=lake.migration.lake.bucket, Policy=json.dumps(policy))

    assert "[lake_not_checked]" in blocked(lake)

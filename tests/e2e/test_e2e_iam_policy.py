import json
import re

import botocore.session
import pytest
from botocore import xform_name

from sandbox.api.call_log import READS
from sandbox.demo.settings import ROOT

SERVICES = ("rds", "dms", "secretsmanager", "cloudwatch", "s3", "iam")
OWN_FILES = {
    "rds": "hooks/rds.py",
    "cloudwatch": "hooks/cloudwatch.py",
    "s3": "hooks/s3.py",
    "iam": "hooks/iam.py",
}
"""Where all calls of a service are made: some operations of two services have one name."""
OTHER_NAMES = {"s3:ListObjectsV2": "s3:ListBucket", "s3:DeleteObjects": "s3:DeleteObject"}
"""S3 allows some operations under another name than theirs."""
STATEMENTS = json.loads((ROOT / "docs" / "iam-policy.json").read_text())["Statement"]
PLUGIN = ROOT / "plugins" / "pg_cdc"
TAKES_DOWN = re.compile(":(Delete|Stop|Reset|Remove)")
PASSES_A_ROLE = "SecretsManagerAccessRoleArn"


def listed(value):
    return [value] if isinstance(value, str) else value


ALLOWED = {action for statement in STATEMENTS for action in listed(statement["Action"])}


def code_of(service):
    others = {PLUGIN / path for other, path in OWN_FILES.items() if other != service}
    files = [PLUGIN / OWN_FILES[service]] if service in OWN_FILES else set(PLUGIN.rglob("*.py")) - others
    return "\n".join(path.read_text() for path in sorted(files))


def actions_in_code():
    """Return what boto3 is asked for in plugins/: operations as a method or as a string."""
    session = botocore.session.get_session()
    for service in SERVICES:
        code = code_of(service)
        for operation in session.get_service_model(service).operation_names:
            method = xform_name(operation)
            if re.search(rf'\.{method}\b|"{method}"', code):
                yield OTHER_NAMES.get(f"{service}:{operation}", f"{service}:{operation}")
    if PASSES_A_ROLE in code_of("dms"):
        yield "iam:PassRole"


@pytest.mark.e2e
@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_migration_asks_aws_for_nothing_that_the_policy_does_not_allow(migrated):
    asked = {f"{call.service}:{call.action}" for call in migrated.calls}

    assert {"rds:RebootDBInstance", "dms:StartReplicationTask", "dms:StartReplicationTaskAssessmentRun"} <= asked
    assert asked - ALLOWED == set()


def test_the_policy_allows_what_the_code_asks_for_and_no_more():
    assert set(actions_in_code()) == ALLOWED


def test_no_action_that_changes_something_is_allowed_on_everything():
    on_everything = {
        action
        for statement in STATEMENTS
        if "*" in listed(statement["Resource"])
        for action in listed(statement["Action"])
    }

    assert {action for action in on_everything if not READS.match(action.split(":")[1])} == set()


def test_the_policy_only_allows_and_names_every_action():
    assert {statement["Effect"] for statement in STATEMENTS} == {"Allow"}
    assert {action for action in ALLOWED if "*" in action} == set()


def test_what_takes_down_stands_in_statements_of_its_own_which_a_team_may_leave_out():
    for statement in STATEMENTS:
        takes = {action for action in listed(statement["Action"]) if TAKES_DOWN.search(action)}
        assert takes in (set(), set(listed(statement["Action"]))), statement["Sid"]
        assert bool(takes) == statement["Sid"].startswith("TakeDown")


def test_only_what_has_our_name_or_our_tag_can_be_taken_down():
    for statement in STATEMENTS:
        if statement["Sid"].startswith("TakeDown"):
            named = all("pg-cdc-" in resource for resource in listed(statement["Resource"]))
            tagged = "aws:ResourceTag/pg-cdc:migration" in statement.get("Condition", {}).get("Null", {})
            assert named or tagged, statement["Sid"]

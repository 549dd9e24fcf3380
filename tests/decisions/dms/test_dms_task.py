"""A task of ours is modified while it rests; what DMS cannot change is refused with both values."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from pg_cdc.decisions.dms.resources import Create, Difference, Modify, Nothing, Refuse
from pg_cdc.decisions.dms.task import (
    StopReason,
    Task,
    WantedTask,
    canonical,
    compare_task,
    create_request,
    modify_request,
    reads,
)
from pg_cdc.failures import Differs
from tests.decisions.dms.test_dms_resources import ADOPTING, MIGRATION, OURS

RULE = {
    "rule-type": "selection",
    "rule-id": "1",
    "rule-name": "1",
    "object-locator": {"schema-name": "shop", "table-name": "%"},
    "rule-action": "include",
}
WANTED = WantedTask(
    migration_type="full-load-and-cdc",
    source_endpoint_arn="arn:src",
    target_endpoint_arn="arn:dst",
    instance_arn="arn:rep",
    mappings={"rules": [RULE]},
    settings={},
)
FOUND = Task(
    identifier="pg-cdc-shop",
    arn="arn:task",
    status="ready",
    migration_type="full-load-and-cdc",
    source_endpoint_arn="arn:src",
    target_endpoint_arn="arn:dst",
    instance_arn="arn:rep",
    mappings={"rules": [RULE]},
    tags=OURS,
)
OTHER_RULES = {"rules": [{**RULE, "rule-action": "exclude"}]}
SETTING = (Difference(key="Logging.EnableLogging", found=False, wanted=True),)


@pytest.mark.parametrize(
    ("change", "settings", "kind"),
    [
        pytest.param(None, (), Create, id="missing"),
        pytest.param({}, (), Nothing, id="equal"),
        pytest.param({"status": "running"}, (), Nothing, id="equal-and-running"),
        pytest.param({"mappings": OTHER_RULES}, (), Modify, id="mappings-while-ready"),
        pytest.param({"mappings": OTHER_RULES, "status": "stopped"}, (), Modify, id="mappings-while-stopped"),
        pytest.param({"mappings": OTHER_RULES, "status": "running"}, (), Refuse, id="mappings-while-running"),
        pytest.param({"status": "failed"}, SETTING, Modify, id="settings-while-failed"),
        pytest.param({"status": "running"}, SETTING, Refuse, id="settings-while-running"),
        pytest.param({"migration_type": "cdc"}, (), Refuse, id="migration-type"),
        pytest.param({"source_endpoint_arn": "arn:x"}, (), Refuse, id="source-endpoint"),
        pytest.param({"target_endpoint_arn": "arn:x"}, (), Refuse, id="target-endpoint"),
        pytest.param({"instance_arn": "arn:x"}, (), Refuse, id="replication-instance"),
        pytest.param({"tags": {}}, (), Refuse, id="not-ours"),
    ],
)
def test_a_task_is(change, settings, kind):
    found = None if change is None else replace(FOUND, **change)

    assert isinstance(compare_task(MIGRATION, WANTED, found, settings), kind)


def test_a_refusal_shows_both_values():
    failure = compare_task(MIGRATION, WANTED, replace(FOUND, migration_type="cdc")).failure

    assert isinstance(failure, Differs)
    assert "'cdc'" in failure.found
    assert "'full-load-and-cdc'" in failure.expected


def test_an_untagged_task_is_adopted_when_the_spec_says_so():
    assert compare_task(ADOPTING, WANTED, replace(FOUND, tags={})).adopt


@pytest.mark.parametrize(
    ("mappings", "same"),
    [
        pytest.param({"rules": [{**RULE, "rule-id": 1}]}, True, id="a-rule-id-as-number"),
        pytest.param({"rules": [dict(reversed(list(RULE.items())))]}, True, id="another-order-of-keys"),
        pytest.param({"rules": []}, False, id="no-rules"),
        pytest.param(OTHER_RULES, False, id="another-action"),
    ],
)
def test_mappings_are_compared_by_meaning(mappings, same):
    assert (canonical(mappings) == canonical({"rules": [RULE]})) is same


def test_without_settings_of_the_user_none_are_sent():
    assert "ReplicationTaskSettings" not in create_request(MIGRATION, WANTED)


def test_only_the_settings_of_the_user_are_sent():
    wanted = replace(WANTED, settings={"Logging": {"EnableLogging": True}})

    assert json.loads(create_request(MIGRATION, wanted)["ReplicationTaskSettings"]) == wanted.settings


def test_a_task_is_made_with_our_tag_and_the_mappings():
    request = create_request(MIGRATION, WANTED)

    assert request["ReplicationTaskIdentifier"] == "pg-cdc-shop"
    assert request["Tags"] == [{"Key": "pg-cdc:migration", "Value": "shop"}]
    assert json.loads(request["TableMappings"]) == WANTED.mappings


@pytest.mark.parametrize(
    ("keys", "sent"),
    [
        pytest.param({"table_mappings"}, {"TableMappings"}, id="mappings"),
        pytest.param({"Logging.EnableLogging"}, {"ReplicationTaskSettings"}, id="settings"),
        pytest.param({"table_mappings", "x"}, {"TableMappings", "ReplicationTaskSettings"}, id="both"),
    ],
)
def test_a_modification_sends_only_what_differs(keys, sent):
    wanted = replace(WANTED, settings={"Logging": {"EnableLogging": True}})

    request = modify_request(wanted, "arn:task", frozenset(keys))

    assert request.keys() == sent | {"ReplicationTaskArn"}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("Stop Reason NORMAL", True, id="alone"),
        pytest.param("Last Error  x Stop Reason NORMAL Error Level y", True, id="embedded"),
        pytest.param("Stop Reason FATAL_ERROR", False, id="another"),
        pytest.param("a NORMAL day", False, id="the-word-alone-is-not-enough"),
    ],
)
def test_a_stop_reason_is_read_out_of_its_sentence(text, found):
    assert reads(text, StopReason.NORMAL) is found

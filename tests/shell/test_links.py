"""Links open the thing a step works on, in the console of its region and partition."""

from __future__ import annotations

from typing import Any

import pytest

from pg_cdc.links.console import DmsTaskLink, DmsTaskLogsLink, RdsInstanceLink

TASK_ARN = "arn:aws:dms:eu-west-1:123456789012:task:ABCDEFGHIJ"


class TaskInstance:
    """Keeps what is pushed."""

    def __init__(self) -> None:
        self.pushed: dict[str, Any] = {}

    def xcom_push(self, key: str, value: Any) -> None:
        self.pushed[key] = value


@pytest.mark.parametrize(
    ("link", "values", "url"),
    [
        pytest.param(
            RdsInstanceLink,
            {"region": "eu-west-1", "identifier": "shop-1"},
            "https://eu-west-1.console.aws.amazon.com/rds/home?region=eu-west-1#database:id=shop-1;is-cluster=false",
            id="instance",
        ),
        pytest.param(
            RdsInstanceLink,
            {"region": "eu-west-1", "identifier": "shop", "cluster": True},
            "https://eu-west-1.console.aws.amazon.com/rds/home?region=eu-west-1#database:id=shop;is-cluster=true",
            id="cluster",
        ),
        pytest.param(
            RdsInstanceLink,
            {"region": "cn-north-1", "identifier": "shop-1"},
            "https://cn-north-1.console.amazonaws.cn/rds/home?region=cn-north-1#database:id=shop-1;is-cluster=false",
            id="china",
        ),
        pytest.param(
            DmsTaskLink,
            {"region": "us-gov-west-1", "identifier": "pg-cdc-shop"},
            "https://us-gov-west-1.console.amazonaws-us-gov.com/dms/v2/home?region=us-gov-west-1"
            "#taskDetails/pg-cdc-shop",
            id="task-in-govcloud",
        ),
        pytest.param(
            DmsTaskLogsLink,
            {"region": "eu-west-1", "instance": "pg-cdc-shop", "task_arn": TASK_ARN},
            "https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1"
            "#logsV2:log-groups/log-group/dms-tasks-pg-cdc-shop/log-events/dms-task-ABCDEFGHIJ",
            id="log-of-a-task",
        ),
        pytest.param(
            DmsTaskLogsLink,
            {"region": "eu-west-1", "instance": "pg-cdc-shop"},
            "https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1"
            "#logsV2:log-groups/log-group/dms-tasks-pg-cdc-shop",
            id="log-group",
        ),
    ],
)
def test_the_address_is_kept_where_airflow_looks_for_it(link, values, url):
    ti = TaskInstance()

    link.persist({"ti": ti}, **values)

    assert ti.pushed == {f"_link_{link.__name__}": url}


@pytest.mark.parametrize("context", [{}, {"ti": None}], ids=["no-key", "none"])
def test_outside_airflow_a_link_is_not_kept(context):
    RdsInstanceLink.persist(context, region="eu-west-1", identifier="shop")


def test_without_a_region_there_is_no_link():
    ti = TaskInstance()

    DmsTaskLink.persist({"ti": ti}, region=None, identifier="pg-cdc-shop")

    assert ti.pushed == {}


def test_what_was_kept_is_what_the_page_shows(monkeypatch):
    from airflow.sdk.execution_time.xcom import XCom

    kept = {"_link_DmsTaskLink": "https://console"}
    monkeypatch.setattr(XCom, "get_value", lambda *, ti_key, key: kept.get(key))

    assert DmsTaskLink().get_link(None, ti_key=None) == "https://console"
    assert RdsInstanceLink().get_link(None, ti_key=None) == ""


def test_the_plugin_registers_every_link_once_and_names_differ():
    from pg_cdc_plugin import PgCdcPlugin

    names = [link.name for link in PgCdcPlugin.operator_extra_links]

    assert {type(link) for link in PgCdcPlugin.operator_extra_links} == {RdsInstanceLink, DmsTaskLink, DmsTaskLogsLink}
    assert len(set(names)) == len(names)

"""Steps, clusters and specs for the tests of what changes RDS."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from pg_cdc.operators.base import CdcOperator
from pg_cdc.operators.source.parameters import (
    AttachParameterGroupOperator,
    EnsureParameterGroupOperator,
    ProveParametersOperator,
    RebootSourceOperator,
    SetParametersOperator,
)

STEPS: tuple[type[CdcOperator], ...] = (
    EnsureParameterGroupOperator,
    SetParametersOperator,
    AttachParameterGroupOperator,
    RebootSourceOperator,
    ProveParametersOperator,
)


def spec(identifier: str, *, name: str = "orders", **sections: Any) -> dict[str, Any]:
    """A migration of ``identifier``; waits look often."""
    return {
        "name": name,
        "source": {"identifier": identifier, "database": "shop"},
        **sections,
        "timeouts": {"poll_seconds": 1, **sections.get("timeouts", {})},
    }


class TaskInstance:
    """What a step needs of Airflow's task instance."""

    def __init__(self) -> None:
        self.start_date = datetime.now(UTC)
        self.pushed: dict[str, Any] = {}
        self.task_id = "step"

    def xcom_push(self, key: str, value: Any) -> None:
        self.pushed[key] = value

    def xcom_pull(self, *, task_ids: str, key: str) -> Any:
        assert task_ids == self.task_id
        return self.pushed.get(key)


def run(step: type[CdcOperator], migration: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    """Run one step as Airflow would, patient enough not to be deferred."""
    operator = step(task_id="step", migration=migration, **{"patience_seconds": 60, **kwargs})
    return operator.execute({"params": {}, "ti": TaskInstance()})  # type: ignore[typeddict-item]


def run_all(migration: dict[str, Any], steps: Iterable[type[CdcOperator]] = STEPS) -> dict[str, dict[str, Any]]:
    """Run the steps in order and return what each said, by class name."""
    return {step.__name__: run(step, migration) for step in steps}


def make_group(sandbox: Any, name: str, *, cluster: bool, family: str, **values: str) -> str:
    """Make a parameter group with values of a user; __ in a name is a dot."""
    rds = sandbox.client("rds")
    kind = "Cluster" if cluster else ""
    key = f"DB{kind}ParameterGroupName"
    create = rds.create_db_cluster_parameter_group if cluster else rds.create_db_parameter_group
    create(**{key: name, "DBParameterGroupFamily": family, "Description": "a team's own"})
    if values:
        modify = rds.modify_db_cluster_parameter_group if cluster else rds.modify_db_parameter_group
        rows = [
            {"ParameterName": one.replace("__", "."), "ParameterValue": value, "ApplyMethod": "pending-reboot"}
            for one, value in values.items()
        ]
        modify(**{key: name, "Parameters": rows})
    return name


def set_in_group(sandbox: Any, name: str, *, cluster: bool) -> dict[str, str]:
    """Return what users have set in a group."""
    rds = sandbox.client("rds")
    operation = "describe_db_cluster_parameters" if cluster else "describe_db_parameters"
    key = "DBClusterParameterGroupName" if cluster else "DBParameterGroupName"
    pages = rds.get_paginator(operation).paginate(**{key: name})
    rows = [row for page in pages for row in page["Parameters"]]
    return {row["ParameterName"]: row["ParameterValue"] for row in rows if row["Source"] == "user"}

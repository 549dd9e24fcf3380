"""What is past its time is found by its tag, and each migration is taken down in a run of its own."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from airflow.sdk.exceptions import AirflowFailException, DagRunTriggerException

from pg_cdc.decisions.names import EXPIRES
from pg_cdc.operators.dms.resources import EnsureEndpointOperator
from pg_cdc.operators.teardown.sweep import TROUBLES, FindExpiredOperator, SweepReportOperator, TriggerTeardownOperator
from pg_cdc.spec import migrations_directory
from tests.shell.rds_world import TaskInstance

FILE = "torn.yaml"


@pytest.fixture
def spec_files(ready_world, tmp_path, monkeypatch):
    """A directory of spec files: that of this migration, and that of one in an account nobody is connected to."""
    spec = {**ready_world.spec, "aws": {"conn_id": "aws_default", "region": ready_world.sandbox.region}}
    (tmp_path / FILE).write_text(yaml.safe_dump(spec))
    example = (migrations_directory() / "examples" / "rds-to-aurora-with-secrets.yaml").read_text()
    (tmp_path / "elsewhere.yaml").write_text(example)
    monkeypatch.setattr("pg_cdc.spec.migrations_directory", lambda: tmp_path)
    return tmp_path


@pytest.fixture
def endpoint(ready_world):
    """Make an endpoint of the migration that expires at a time; at another, if made again."""

    def make(expires_at: str | None) -> dict[str, Any]:
        ready_world.spec["safety"] = {"expires_at": expires_at}
        step = EnsureEndpointOperator(task_id="x", end="target", migration=ready_world.spec, patience_seconds=60)
        return step.execute({"params": {}})

    yield make
    ready_world.step("delete_endpoints")


def find() -> tuple[list[dict[str, str]], list[str]]:
    ti = TaskInstance()
    due = FindExpiredOperator(task_id="x").execute({"params": {}, "ti": ti})
    return due, ti.pushed[TROUBLES]


def tags(world) -> dict[str, str]:
    return world.hook.tags(world.hook.endpoint("pg-cdc-torn-target")["EndpointArn"])


def test_the_tag_follows_the_spec_and_is_written_only_when_that_changes(ready_world, endpoint, mutating_calls):
    endpoint("2026-01-01")
    assert tags(ready_world)[EXPIRES] == "2026-01-01"

    with mutating_calls() as calls:
        assert endpoint("2026-01-01")["changes"] == []
        assert endpoint("2099-01-01")["changes"] == ["endpoint pg-cdc-torn-target expires at 2099-01-01"]
    assert [call.action for call in calls] == ["AddTagsToResource"]
    assert tags(ready_world)[EXPIRES] == "2099-01-01"

    with mutating_calls() as calls:
        assert endpoint(None)["changes"] == ["endpoint pg-cdc-torn-target expires no more"]
        assert endpoint(None)["changes"] == []
    assert [call.action for call in calls] == ["RemoveTagsFromResource"]
    assert EXPIRES not in tags(ready_world)


@pytest.mark.parametrize(("expires_at", "due"), [("2020-01-01", True), ("2099-01-01", False), (None, False)])
def test_what_is_past_its_time_is_found_with_its_spec_file(endpoint, spec_files, expires_at, due):
    endpoint(expires_at)

    found, troubles = find()

    assert [(one["migration"], one["spec_file"]) for one in found] == ([("torn", FILE)] if due else [])
    assert troubles == []


def test_what_expired_and_has_no_spec_file_is_a_trouble(ready_world, endpoint, spec_files):
    endpoint("2020-01-01")
    other = (spec_files / FILE).read_text().replace("name: torn", "name: another")
    (spec_files / FILE).write_text(other)

    found, troubles = find()

    assert found == []
    assert "migration torn" in troubles[0]


def test_a_broken_spec_file_is_a_trouble_and_hides_no_other(endpoint, spec_files):
    endpoint("2020-01-01")
    (spec_files / "broken.yaml").write_text("name: [")

    found, troubles = find()

    assert [one["migration"] for one in found] == ["torn"]
    assert "broken.yaml" in troubles[0]


@pytest.mark.parametrize("dry_run", [False, True])
def test_a_teardown_is_asked_for_once_for_each_sweep(dry_run):
    due = {"migration": "torn", "expires_at": "2020-01-01", "spec_file": FILE}
    step = TriggerTeardownOperator(task_id="x", due=due)

    with pytest.raises(DagRunTriggerException) as asked:
        step.execute({"params": {"dry_run": dry_run}, "run_id": "scheduled__2026-01-01"})

    assert asked.value.trigger_dag_id == "pg_cdc_teardown"
    assert asked.value.dag_run_id == "torn__scheduled__2026-01-01"
    assert asked.value.skip_when_already_exists is True
    assert asked.value.conf == {"spec_file": FILE, "teardown_dry_run": dry_run}


@pytest.mark.parametrize(("troubles", "fails"), [([], False), (["x"], True), (None, True)])
def test_troubles_fail_the_sweep_at_its_end(troubles, fails):
    class Run(TaskInstance):
        def xcom_pull(self, *, task_ids: str, key: str) -> Any:
            return troubles

    step = SweepReportOperator(task_id="x")
    if not fails:
        assert step.execute({"params": {}, "ti": Run()})["facts"] == {TROUBLES: 0}
        return
    with pytest.raises(AirflowFailException):
        step.execute({"params": {}, "ti": Run()})

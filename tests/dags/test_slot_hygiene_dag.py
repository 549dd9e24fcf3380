"""The hygiene DAG lets only drops wait for a human, and is set up by its environment."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import CronDataIntervalTimetable, Param
from airflow.sdk.exceptions import ParamValidationError

from pg_cdc.config.hygiene import SCHEDULE, SETTINGS, Hygiene, hygiene_from_params, hygiene_params
from pg_cdc.failures import SpecInvalid
from pg_cdc.operators.base import CdcOperator

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "dags" / "slot_hygiene.py"


def parse() -> DagBag:
    return DagBag(dag_folder=str(FILE))


@pytest.fixture(scope="module")
def bag() -> DagBag:
    return parse()


@pytest.fixture(scope="module")
def dag(bag):
    return bag.dags["pg_cdc_slot_hygiene"]


def test_the_dag_imports_without_errors(bag):
    assert bag.import_errors == {}
    assert list(bag.dags) == ["pg_cdc_slot_hygiene"]


def test_every_task_is_a_step(dag):
    operators = [getattr(task, "operator_class", type(task)) for task in dag.tasks]

    assert all(issubclass(operator, CdcOperator) for operator in operators)


@pytest.mark.parametrize(
    "chain",
    [
        ["list_sources", "check_source", "decide", "approve_drops", "drop_orphans", "report"],
        ["decide", "raise_alarms", "report"],
    ],
    ids=["drops", "alarms"],
)
def test_the_steps_follow_each_other(dag, chain):
    for before, after in pairwise(chain):
        assert after in dag.get_task(before).downstream_task_ids, f"{before} -> {after}"


def test_alarms_and_gauges_do_not_wait_for_a_humans_answer(dag):
    assert "approve_drops" not in dag.get_task("raise_alarms").get_flat_relative_ids(upstream=True)
    assert "approve_drops" not in dag.get_task("check_source").get_flat_relative_ids(upstream=True)
    assert dag.max_active_runs == 2


def test_a_server_is_one_mapped_task_that_never_fails_the_others(dag):
    check = dag.get_task("check_source")

    assert check.is_mapped
    assert "label" in check.partial_kwargs["map_index_template"]
    assert dag.get_task("decide").trigger_rule == "all_done"
    assert dag.get_task("report").trigger_rule == "all_done"


def test_it_is_paused_at_first_catches_nothing_up_and_has_real_intervals(dag):
    assert dag.is_paused_upon_creation is True
    assert dag.catchup is False
    assert isinstance(dag.timetable, CronDataIntervalTimetable)
    assert dag.timetable.expression == "*/15 * * * *"
    assert dag.start_date
    assert getattr(dag, "rerun_with_latest_version", True) is True  # 3.2 has no such argument
    assert dag.doc_md
    assert dag.tags == {"pg-cdc"}


def test_the_dag_can_be_backfilled_once_it_is_serialised(dag):
    from airflow.serialization.serialized_objects import DagSerialization

    again = DagSerialization.from_dict(json.loads(json.dumps(DagSerialization.to_dict(dag))))

    assert again.timetable.periodic
    assert set(again.task_ids) == set(dag.task_ids)
    assert again.params.dump() == dag.params.dump()


def test_every_task_id_that_a_step_refers_to_exists(dag):
    source = "".join(path.read_text() for path in (ROOT / "plugins/pg_cdc/operators/hygiene").glob("*.py"))

    for task_id in dag.task_ids:
        assert task_id == "report" or f'"{task_id}"' in source, task_id


def test_the_form_has_a_param_for_every_field_and_opens_with_the_defaults():
    params = hygiene_params()

    assert set(params) == set(Hygiene.model_fields)
    assert hygiene_from_params({key: param.value for key, param in params.items()}) == Hygiene()


@pytest.mark.parametrize("key", Hygiene.model_fields)
def test_a_param_takes_its_own_default_and_says_what_it_is(key):
    param = hygiene_params()[key]

    assert param.resolve() == param.value
    assert param.schema["description_md"]
    assert param.schema["title"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        pytest.param("spec_files", ["../shop.yaml"], id="path"),
        pytest.param("sources", ["shop"], id="source-no-object"),
        pytest.param("dry_run", "no", id="not-a-truth"),
        pytest.param("grace_seconds", -1, id="grace"),
        pytest.param("protect", [""], id="empty-pattern"),
        pytest.param("terminate", ["slot"], id="slot-without-its-server"),
        pytest.param("cache_hit_percent", 101, id="percent"),
        pytest.param("keep_days", 0, id="days"),
    ],
)
def test_the_form_itself_refuses(key, value):
    param = hygiene_params()[key]

    with pytest.raises(ParamValidationError):
        Param(param.value, **param.schema).resolve(value)


@pytest.mark.parametrize(
    ("params", "said"),
    [
        pytest.param({"dryrun": False}, "dryrun: an unknown key", id="misspelt"),
        pytest.param({"watch_hours": 1}, "below alarm_hours 12", id="watch-after-alarm"),
        pytest.param({"grace_seconds": 2 * 86400, "keep_days": 1}, "longer than keep_days 1", id="grace-after-books"),
        pytest.param({"alarm_hours": 0}, "alarm_hours: 0", id="no-alarm"),
        pytest.param({"sources": [{"identifier": "a", "databse": "b"}]}, "sources.0.databse", id="source-misspelt"),
        pytest.param({"sources": [{}]}, "sources.0.identifier", id="source-without-name"),
    ],
)
def test_params_that_make_no_sense_are_refused_by_name(params, said):
    with pytest.raises(SpecInvalid) as refused:
        hygiene_from_params(params)

    assert said in refused.value.found


def test_the_environment_sets_what_a_scheduled_run_takes(monkeypatch):
    monkeypatch.setenv(SETTINGS, '{"dry_run": false, "spec_files": ["shop.yaml"]}')

    params = hygiene_params()

    assert params["dry_run"].value is False
    assert params["spec_files"].value == ["shop.yaml"]
    assert params["grace_seconds"].value == 86400


@pytest.mark.parametrize("text", ["{", "[]", '{"dryrun": false}'])
def test_an_environment_that_cannot_be_read_is_an_import_error_that_names_it(monkeypatch, text):
    monkeypatch.setenv(SETTINGS, text)

    bag = parse()

    assert bag.dags == {}
    assert SETTINGS in bag.import_errors[str(FILE)]


@pytest.mark.parametrize("cron", ["@hourly", "0 3 * * *"])
def test_the_environment_sets_the_schedule(monkeypatch, cron):
    monkeypatch.setenv(SCHEDULE, cron)

    timetable = parse().dags["pg_cdc_slot_hygiene"].timetable

    # 3.2 shows a name as it was given.
    assert timetable.expression in {cron, {"@hourly": "0 * * * *"}.get(cron, cron)}

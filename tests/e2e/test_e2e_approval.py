import re

import pytest

from sandbox.demo.stage import DAG_ID
from sandbox.demo.watch import CONF
from tests.e2e.conftest import ASKED, BOOKS_CONF, failures, finish, last_call, reach, told

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(1800)]

ASKING = {"safety_require_approval": True}


def ask(running, conf):
    """Trigger a run and return its id when it waits for an answer."""
    run_id = running.airflow.trigger(DAG_ID, conf)
    reach(running, run_id, "approve_plan", ASKED)
    return run_id


def question_path(run_id):
    return f"dags/{DAG_ID}/dagRuns/{run_id}/taskInstances/approve_plan/-1/hitlDetails"


def answer(running, run_id, option):
    body = {"chosen_options": [option], "params_input": {}}
    running.airflow.call("PATCH", question_path(run_id), json=body)


def test_a_rejected_plan_is_no_failure_and_changes_nothing(running, books):
    conf, before = BOOKS_CONF | ASKING, last_call(running)
    run_id = ask(running, conf)

    pool = running.airflow.call("GET", "pools/default_pool")
    assert (pool["running_slots"], pool["queued_slots"]) == (0, 0)
    assert pool["deferred_slots"] == (1 if ASKED == "deferred" else 0)
    question = running.airflow.call("GET", question_path(run_id))
    assert question["options"] == ["Approve", "Reject"]
    assert "| parameter | live | group | wanted | why | needs reboot |" in question["body"]
    assert re.search(r"^\| rds\.logical_replication \| off \| .* \| yes \|$", question["body"], re.MULTILINE)

    answer(running, run_id, "Reject")
    run = told(finish(running, run_id), before, conf)

    assert run.state == "success", failures(run)
    assert run.report["status"] == "rejected"
    states = {step["task_id"]: step["state"] for step in run.report["steps"]}
    assert {task for task, state in states.items() if state == "success"} == {
        "inspect_source", "preflight", "plan", "stop_if_dry_run", "approve_plan", "release_lease",
    }  # fmt: skip
    assert run.mutating == []


@pytest.mark.exhaustive
def test_an_approved_run_goes_on(migrated):
    running, conf, before = migrated.stage, CONF | ASKING, last_call(migrated.stage)
    run_id = ask(running, conf)

    answer(running, run_id, "Approve")
    run = told(finish(running, run_id), before, conf)

    assert run.state == "success", failures(run)
    assert run.report["status"] == "streaming"
    assert run.mutating == []

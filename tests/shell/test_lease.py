"""The lease: one run at a time changes a cluster, the others wait, and nobody's lease is given back but one's own."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred

from pg_cdc.failures import NotYet
from pg_cdc.operators.lease import ReleaseLeaseOperator, TakeLeaseOperator
from pg_cdc.operators.source.bootstrap import EnsureDmsRoleOperator, InstallDdlAuditOperator


class TaskInstance:
    """What the lease needs of Airflow's task instance."""

    def __init__(self, lease: str | None = None) -> None:
        self.start_date = datetime.now(UTC)
        self.xcoms: dict[str, Any] = {"lease": lease}

    def xcom_push(self, key: str, value: Any) -> None:
        self.xcoms[key] = value

    def xcom_pull(self, *, task_ids: str, key: str) -> Any:
        assert task_ids == "take_lease"
        return self.xcoms.get(key)


def context(run_id: str, ti: TaskInstance | None = None) -> dict[str, Any]:
    return {"params": {}, "run_id": run_id, "ti": ti or TaskInstance()}


def take(
    source, run_id: str, ti: TaskInstance | None = None, *, patience: float = 0.0, **sections: Any
) -> dict[str, Any]:
    operator = TakeLeaseOperator(task_id="take_lease", migration=source.spec(**sections), patience_seconds=patience)
    return operator.execute(context(run_id, ti))


def release(source, run_id: str, lease: str | None = "taken") -> dict[str, Any]:
    return source.run(ReleaseLeaseOperator, context(run_id, TaskInstance(lease)))


@pytest.fixture
def turn(source):
    """The source, with nobody's lease on it before and after."""
    forget = "DELETE FROM pgcdc.lease"
    with source.admin("postgres") as conn:
        if conn.execute("SELECT to_regclass('pgcdc.lease')").fetchone() != (None,):
            conn.execute(forget)
        yield source
        if conn.execute("SELECT to_regclass('pgcdc.lease')").fetchone() != (None,):
            conn.execute(forget)


def leases(source) -> list[tuple[str, bool]]:
    with source.admin("postgres") as conn:
        return conn.execute("SELECT owner, expires_at > now() FROM pgcdc.lease").fetchall()


def test_a_run_takes_the_lease_and_gives_it_back(turn):
    told = take(turn, "run-1")

    assert told["changes"][-1] == "took the lease as shop / run-1"
    assert leases(turn) == [("shop / run-1", True)]
    assert release(turn, "run-1")["changes"] == ["released the lease of shop / run-1"]
    assert leases(turn) == []


def test_taking_it_again_changes_and_writes_nothing(turn, mutating_calls):
    take(turn, "run-1")
    with turn.admin("postgres") as conn:
        before = conn.execute("SELECT xmin, ctid, * FROM pgcdc.lease").fetchall()
        with mutating_calls() as calls:
            told = take(turn, "run-1")

        assert told["changes"] == []
        assert calls == []
        assert conn.execute("SELECT xmin, ctid, * FROM pgcdc.lease").fetchall() == before


def test_another_run_waits_without_a_worker_and_says_for_whom(turn):
    take(turn, "run-1")

    with pytest.raises(TaskDeferred) as deferred:
        take(turn, "run-2")

    _, kwargs = deferred.value.trigger.serialize()
    assert kwargs["wait"] == "pg_cdc.waits.lease:LeaseFree"
    assert kwargs["arguments"]["owner"] == "shop / run-2"
    assert turn.server.password not in str(kwargs)


def test_another_migration_of_another_database_of_the_cluster_waits_too(turn):
    take(turn, "run-1")
    other = {**turn.spec(source={"database": "postgres"}), "name": "orders"}

    with pytest.raises(TaskDeferred):
        TakeLeaseOperator(task_id="take_lease", migration=other, patience_seconds=0).execute(context("run-9"))


def test_the_next_run_gets_its_turn_when_the_lease_is_given_back(turn):
    take(turn, "run-1")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(take, turn, "run-2", patience=20)
        release(turn, "run-1")

        assert "took the lease as shop / run-2" in waiting.result(timeout=500)["changes"]


def test_of_contenders_at_the_same_moment_one_gets_it(turn):
    def contend(number: int) -> bool:
        try:
            return bool(take(turn, f"run-{number}")["changes"])
        except TaskDeferred:
            return False

    with ThreadPoolExecutor(6) as pool:
        got = list(pool.map(contend, range(6)))

    assert sum(got) == 1
    assert len(leases(turn)) == 1


def test_a_step_cleared_after_its_run_changes_nothing_while_another_run_has_the_lease(turn):
    take(turn, "run-2")

    with pytest.raises(NotYet, match="held by shop / run-2"):
        turn.run(InstallDdlAuditOperator, context("run-1"))

    with turn.admin() as conn:
        assert conn.execute("SELECT count(*) FROM pg_event_trigger").fetchone() == (0,)


def test_a_step_of_the_run_that_has_the_lease_goes_on(turn):
    take(turn, "run-1")
    turn.run(EnsureDmsRoleOperator, context("run-1"))

    assert turn.run(InstallDdlAuditOperator, context("run-1"))["changes"]


def test_an_expired_lease_is_taken_over(turn):
    take(turn, "run-1")
    with turn.admin("postgres") as conn:
        conn.execute("UPDATE pgcdc.lease SET expires_at = now() - interval '1 second'")

    take(turn, "run-2")

    assert leases(turn) == [("shop / run-2", True)]


def test_a_wait_that_is_too_long_names_the_owner_and_the_way_out(turn):
    take(turn, "run-1")
    late = TaskInstance()
    late.start_date = datetime.now(UTC) - timedelta(minutes=2)

    with pytest.raises(AirflowFailException) as failure:
        take(turn, "run-2", late, timeouts={"lease_minutes": 1})

    assert re.search(r"held by shop / run-1 since .* until ", str(failure.value))
    assert "release_lease.sql" in str(failure.value)


def test_a_lease_of_somebody_else_is_not_given_back(turn):
    take(turn, "run-1")

    told = release(turn, "run-2")

    assert told["changes"] == []
    assert "held by shop / run-1" in told["facts"]["lease"]
    assert leases(turn) == [("shop / run-1", True)]


def test_a_lease_that_is_gone_is_no_error(turn):
    take(turn, "run-1")
    release(turn, "run-1")

    assert release(turn, "run-1")["changes"] == []


def test_a_release_where_there_is_no_table_yet_is_no_error(turn):
    with turn.admin("postgres") as conn:
        conn.execute("DROP TABLE IF EXISTS pgcdc.lease")

    assert release(turn, "run-1")["changes"] == []


def test_nothing_is_connected_to_when_no_lease_was_taken(turn, monkeypatch):
    monkeypatch.delenv("AIRFLOW_CONN_PG_CDC_SOURCE")
    monkeypatch.delenv("AIRFLOW_CONN_AWS_DEFAULT")

    assert release(turn, "run-1", lease=None)["facts"] == {"lease": "none was taken"}


def test_a_crash_just_after_the_lease_was_taken_leaves_a_sign_for_the_release(turn):
    ti = TaskInstance()

    take(turn, "run-1", ti)

    assert ti.xcoms["lease"] == "shop / run-1"


def test_an_admin_other_than_the_one_that_made_the_table_can_use_it(turn, admin_conn):
    take(turn, "run-1")
    release(turn, "run-1")
    with turn.admin() as conn:
        conn.execute(f"CREATE ROLE {turn.app}_admin LOGIN IN ROLE rds_superuser PASSWORD 'x-Passw0rd'")
    admin_conn(turn.server, "pg_cdc_source", login=f"{turn.app}_admin", password="x-Passw0rd")

    assert take(turn, "run-2")["changes"] == ["took the lease as shop / run-2"]
    assert release(turn, "run-2")["changes"] == ["released the lease of shop / run-2"]

"""Parameters that a spec asks for, on a real instance: set, proved in the server's own unit, and put back."""

from __future__ import annotations

import pytest
from airflow.sdk.exceptions import AirflowFailException

from pg_cdc.failures import PreflightFailed
from pg_cdc.operators.source.parameters import SetParametersOperator
from pg_cdc.operators.teardown.restore import ProveRestoredOperator, RestoreParametersOperator
from pg_cdc.operators.teardown.restore_reboot import RebootRestoredOperator
from tests.shell.rds_world import STEPS, make_group, run, run_all, set_in_group, spec

pytestmark = pytest.mark.usefixtures("aws_conn")
GROUP = "wished-own"
WISHES = {"work_mem": 65536, "shared_buffers": 4096, "log_statement": "ddl", "shared_preload_libraries": "pg_cron"}


def wishing(**parameters) -> dict:
    found = spec("wished")
    return {**found, "source": {**found["source"], "parameters": parameters}}


def shown(database, *names: str) -> list[str]:
    with database.connect() as conn:
        return [conn.execute("select current_setting(%s)", [name]).fetchone()[0] for name in names]


@pytest.fixture(scope="module")
def wished(sandbox, make_instance):
    """An RDS instance on a team's own group."""
    make_group(sandbox, GROUP, cluster=False, family="postgres15", work_mem="8192")
    return make_instance("wished", parameter_group=GROUP)


def test_a_wish_that_cannot_be_met_stops_the_step_before_it_changes_anything(wished, admin_conn, mutating_calls):
    admin_conn(wished)

    with mutating_calls() as calls, pytest.raises(AirflowFailException) as refused:
        run(SetParametersOperator, wishing(archive_mode="on", work_mem=1))

    assert isinstance(refused.value.__cause__, PreflightFailed)
    assert "RDS archives WAL to S3 itself" in refused.value.__cause__.found
    assert "AllowedValues 64-2147483647" in refused.value.__cause__.expected
    assert calls == []


def test_wishes_are_set_and_proved_and_a_second_run_changes_nothing(wished, admin_conn, mutating_calls):
    admin_conn(wished)

    told = run_all(wishing(**WISHES))
    with mutating_calls() as again:
        run_all(wishing(**WISHES))

    assert shown(wished, "work_mem", "shared_buffers", "log_statement") == ["64MB", "32MB", "ddl"]
    assert set(shown(wished, "shared_preload_libraries")[0].split(",")) >= {
        "pg_stat_statements",
        "pglogical",
        "pg_cron",
    }
    proved = {row["name"]: row for row in told["ProveParametersOperator"]["facts"]["parameters"]}
    assert (proved["work_mem"]["before"], proved["work_mem"]["after"]) == ("8192", "64MB")
    assert again == []


def test_the_teardown_puts_them_back(wished, sandbox, admin_conn):
    admin_conn(wished)

    for step in (RestoreParametersOperator, RebootRestoredOperator, ProveRestoredOperator):
        step(task_id="step", migration=wishing(**WISHES), patience_seconds=60).execute({"params": {}})

    assert set_in_group(sandbox, GROUP, cluster=False) == {"work_mem": "8192"}
    assert shown(wished, "work_mem", "log_statement", "wal_level") == ["8MB", "none", "replica"]


def test_with_a_full_load_alone_the_wishes_are_all_that_changes(wished, sandbox, admin_conn):
    admin_conn(wished)
    migration = {**wishing(work_mem=16384), "name": "copy", "replication": {"migration_type": "full-load"}}

    run_all(migration, STEPS)

    assert set_in_group(sandbox, GROUP, cluster=False) == {"work_mem": "16384"}
    assert shown(wished, "work_mem", "wal_level") == ["16MB", "replica"]

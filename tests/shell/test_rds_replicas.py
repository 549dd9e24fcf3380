"""A read replica on real servers: the plan says what the change means for it, it happens, and the cure cures it."""

from __future__ import annotations

import time

import psycopg
import pytest

from pg_cdc.operators.source.parameters import SetParametersOperator
from tests.fix_sandbox import wait_available
from tests.shell.rds_world import STEPS, make_group, run, run_all, spec

pytestmark = pytest.mark.usefixtures("aws_conn")
READERS = "fed-readers"
STATE = "select pg_get_wal_replay_pause_state(), to_regclass('public.after_the_reboot') is not null"


@pytest.fixture(scope="module")
def fed(sandbox, make_instance):
    """An RDS instance with a read replica that has a group of its own, with a small size."""
    make_group(sandbox, READERS, cluster=False, family="postgres15", max_worker_processes="8")
    database = make_instance("fed")
    sandbox.client("rds").create_db_instance_read_replica(
        DBInstanceIdentifier="fed-copy", SourceDBInstanceIdentifier="fed", DBParameterGroupName=READERS
    )
    wait_available(sandbox, "fed-copy")
    return database


def until_replica_is(database, state: tuple) -> None:
    ends, found = time.monotonic() + 30, None
    while time.monotonic() < ends:
        try:
            with database.connect_member("fed-copy") as conn:
                found = conn.execute(STATE).fetchone()
        except psycopg.OperationalError as error:
            found = str(error)
        if found == state:
            return
        time.sleep(0.1)
    raise AssertionError(f"{found}, and not {state}")


def test_the_steps_say_that_the_replica_would_stop_replaying(fed, admin_conn):
    admin_conn(fed)
    run_all(spec("fed"), STEPS[:1])

    (warning,) = run(SetParametersOperator, spec("fed"))["warnings"]

    assert warning.startswith("fed-copy: a read replica without max_worker_processes 15 (has 8)")
    assert "set them in its own group (now fed-readers) and reboot it before fed" in warning


def test_so_it_does_after_the_reboot_of_its_primary(fed, admin_conn):
    admin_conn(fed)

    run_all(spec("fed"))
    with fed.connect() as conn:
        conn.execute("create table public.after_the_reboot ()")

    until_replica_is(fed, ("paused", False))


def test_what_the_warning_advised_lets_it_go_on(fed, sandbox, admin_conn):
    admin_conn(fed)
    rds = sandbox.client("rds")
    size = {"ParameterName": "max_worker_processes", "ParameterValue": "15", "ApplyMethod": "pending-reboot"}
    rds.modify_db_parameter_group(DBParameterGroupName=READERS, Parameters=[size])
    rds.reboot_db_instance(DBInstanceIdentifier="fed-copy")

    until_replica_is(fed, ("not paused", True))
    wait_available(sandbox, "fed-copy")
    assert run(SetParametersOperator, spec("fed"))["warnings"] == []

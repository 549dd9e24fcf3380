"""Parameters in a group of theirs go back to what they were, and only when nobody needs them any more."""

from __future__ import annotations

import pytest

from pg_cdc.config.teardown import Teardown
from pg_cdc.decisions.teardown.residue import Fate, judge_all
from pg_cdc.facts.teardown.residue_aws import aws_traces
from pg_cdc.operators.teardown.restore import (
    DeleteParameterGroupOperator,
    ProveRestoredOperator,
    RestoreParametersOperator,
)
from pg_cdc.operators.teardown.restore_reboot import RebootRestoredOperator
from pg_cdc.spec import migration_from_mapping
from tests.cases import all_but_exhaustive
from tests.fix_sandbox import wait_available
from tests.shell.rds_world import TaskInstance, make_group, run_all, set_in_group, spec

pytestmark = pytest.mark.usefixtures("aws_conn")
STEPS = (RestoreParametersOperator, RebootRestoredOperator, ProveRestoredOperator, DeleteParameterGroupOperator)
GROUP = "mended-own"
MIGRATION = spec("mended", name="mend")


@pytest.fixture(scope="module")
def mended(sandbox, make_instance):
    """An RDS instance on a team's own group."""
    make_group(sandbox, GROUP, cluster=False, family="postgres15", work_mem="8192", max_worker_processes="9")
    database = make_instance("mended", parameter_group=GROUP)
    with database.connect() as conn:
        conn.execute("create database billing")
    return database


@pytest.fixture
def before(mended, sandbox, admin_conn):
    """Configure the source, and return what its group had before."""
    admin_conn(mended)
    values = set_in_group(sandbox, GROUP, cluster=False)
    assert show(mended, "wal_level") == "replica"
    run_all(MIGRATION)
    assert show(mended, "wal_level") == "logical"
    yield values
    restore(mended)
    assert show(mended, "wal_level") == "replica"


def reboot(sandbox) -> None:
    sandbox.client("rds").reboot_db_instance(DBInstanceIdentifier="mended")
    wait_available(sandbox, "mended")


def show(database, name: str) -> str:
    with database.connect() as conn:
        return conn.execute("select current_setting(%s)", [name]).fetchone()[0]


def recorded(database, dbname: str = "shop") -> dict[str, set[str]]:
    """Return the parameters whose old values are on record, by migration."""
    found: dict[str, set[str]] = {}
    with database.connect(dbname) as conn:
        if conn.execute("select to_regclass('pgcdc.parameter_before')").fetchone()[0]:
            for migration, name in conn.execute("select migration, name from pgcdc.parameter_before"):
                found.setdefault(migration, set()).add(name)
    return found


def forget_the_rest(database) -> None:
    """Leave only old parameter values, as a whole teardown does that had to keep the parameters."""
    with database.connect() as conn:
        conn.execute("drop table pgcdc.reboot")


def run(step, migration=MIGRATION, **params):
    operator = step(task_id="step", migration=migration, patience_seconds=60)
    return operator.execute({"params": params, "ti": TaskInstance()})


def restore(database, migration=MIGRATION, **params):
    return {step.__name__: run(step, migration, **params) for step in STEPS}


def lines(**teardown):
    found = judge_all(aws_traces(migration_from_mapping(MIGRATION), Teardown(**teardown)))
    return {(line.kind, line.name): line for line in found if line.fate is not Fate.GONE}


def test_the_values_of_before_come_back_in_force_and_the_books_are_closed(mended, sandbox, before, mutating_calls):
    assert {line.fate for line in lines().values()} == {Fate.LEFT}

    with mutating_calls() as calls:
        told = restore(mended)

    assert set_in_group(sandbox, GROUP, cluster=False) == before
    assert show(mended, "wal_level") == "replica"
    assert show(mended, "max_worker_processes") == "9"
    assert show(mended, "shared_preload_libraries").find("pglogical") == -1
    assert sorted({call.action for call in calls}) == [
        "ModifyDBParameterGroup",
        "RebootDBInstance",
        "ResetDBParameterGroup",
    ]
    assert told["RebootRestoredOperator"]["changes"] == ["rebooted mended: parameters were put back"]
    assert recorded(mended) == {}
    assert lines() == {}
    with mutating_calls() as again:
        assert all(one["changes"] == [] for one in restore(mended).values())
    assert again == []


def test_a_logical_slot_of_anybodys_in_any_database_keeps_them(mended, sandbox, before, mutating_calls):
    with mended.connect("billing") as conn:
        conn.execute("select pg_create_logical_replication_slot('theirs', 'test_decoding')")
    held = set_in_group(sandbox, GROUP, cluster=False)

    with mutating_calls() as calls:
        told = restore(mended)

    assert calls == []
    assert "theirs" in told["RestoreParametersOperator"]["warnings"][0]
    assert set_in_group(sandbox, GROUP, cluster=False) == held
    assert recorded(mended)["mend"]
    assert {line.fate for line in lines().values()} == {Fate.KEPT}
    with mended.connect("billing") as conn:
        conn.execute("select pg_drop_replication_slot('theirs')")


def test_what_somebody_has_raised_since_stays_and_is_told(mended, sandbox, before):
    rds = sandbox.client("rds")
    row = {"ParameterName": "max_worker_processes", "ParameterValue": "40", "ApplyMethod": "pending-reboot"}
    rds.modify_db_parameter_group(DBParameterGroupName=GROUP, Parameters=[row])

    told = restore(mended)

    assert "max_worker_processes" in told["RestoreParametersOperator"]["warnings"][0]
    assert set_in_group(sandbox, GROUP, cluster=False) == {**before, "max_worker_processes": "40"}
    row["ParameterValue"] = "9"
    rds.modify_db_parameter_group(DBParameterGroupName=GROUP, Parameters=[row])
    reboot(sandbox)


def test_without_leave_to_reboot_they_are_back_in_their_group_and_wait(mended, sandbox, before, mutating_calls):
    with mutating_calls() as calls:
        told = restore(mended, teardown_allow_reboot=False)

    assert "RebootDBInstance" not in {call.action for call in calls}
    assert "no reboot is allowed" in told["RebootRestoredOperator"]["warnings"][0]
    assert set_in_group(sandbox, GROUP, cluster=False) == before
    assert lines(allow_reboot=False)["reboot", "mended"].fate is Fate.KEPT
    reboot(sandbox)


@pytest.mark.parametrize("kept", all_but_exhaustive(["parameters", "source"], {"parameters"}))
def test_they_stay_as_asked(mended, before, mutating_calls, kept):
    with mutating_calls() as calls:
        told = restore(mended, teardown_keep=[kept])

    assert calls == []
    assert kept in told["RestoreParametersOperator"]["facts"]["parameters"]
    assert show(mended, "wal_level") == "logical"


def test_another_migration_that_needs_them_gets_the_old_values_and_puts_them_back_itself(mended, sandbox, before):
    other = spec("mended", name="books")
    other["source"] = {**other["source"], "database": "billing"}
    with mended.connect("billing") as conn:
        conn.execute("create schema pgcdc")
        conn.execute("create table pgcdc.marker (migration text primary key, token text)")
        conn.execute("insert into pgcdc.marker values ('books', 'x')")
    names = recorded(mended)["mend"]

    told = restore(mended)

    assert show(mended, "wal_level") == "logical"
    assert told["RestoreParametersOperator"]["changes"] == ["gave the old parameter values of mend to migration books"]
    assert recorded(mended) == {}
    assert recorded(mended, "billing") == {"books": names}
    assert all(one["changes"] == [] for one in restore(mended).values())
    forget_the_rest(mended)

    restore(mended, other)
    assert show(mended, "wal_level") == "replica"
    assert set_in_group(sandbox, GROUP, cluster=False) == before
    with mended.connect("billing") as conn:
        conn.execute("drop schema pgcdc cascade")


def test_values_that_outlived_their_migration_are_put_back_by_the_last_one(mended, sandbox, before):
    last = spec("mended", name="last")
    last["source"] = {**last["source"], "database": "billing"}
    forget_the_rest(mended)

    restore(mended, last)

    assert show(mended, "wal_level") == "replica"
    assert set_in_group(sandbox, GROUP, cluster=False) == before
    assert recorded(mended) == {}

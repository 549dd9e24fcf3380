"""With the source or the target gone, the rest goes on, nothing is guessed, and the run ends failed."""

from __future__ import annotations

import json

import pytest
from airflow.sdk.exceptions import AirflowFailException

QUICK = {"inspect_source", "preflight", "plan", "canary_ddl"}


def away(monkeypatch, conn_id: str, sandbox) -> None:
    """Point a connection to where nothing listens."""
    extra = {"sslmode": "require", "connect_timeout": 2}
    connection = {
        "conn_type": "postgres",
        "login": "x",
        "password": "a-secret-Passw0rd",
        "host": "localhost",
        "port": 9,
        "extra": extra,
    }
    monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(connection))


def unchecked(world, place: str) -> set[str]:
    return {
        line["kind"] for line in world.report()["lines"] if line["fate"] == "could not check" and line["place"] == place
    }


@pytest.fixture
def world(ready_world):
    ready_world.share_instance()
    before = ready_world.fingerprint()
    ready_world.migrate(upto="wait_streaming", without=QUICK)
    yield ready_world
    ready_world.teardown()
    assert ready_world.report()["status"] == "clean"
    assert ready_world.fingerprint() == before


@pytest.mark.exhaustive
def test_a_source_that_does_not_answer_is_said_and_dms_goes_all_the_same(world, monkeypatch, sandbox):
    with monkeypatch.context() as patch:
        away(patch, "pg_cdc_source", sandbox)
        with pytest.raises(AirflowFailException, match="could not check"):
            world.teardown()

    assert world.hook.task("pg-cdc-torn", settings=False) is None
    assert world.hook.endpoint("pg-cdc-torn-source") is None
    assert "replication slot" in unchecked(world, "source")
    assert unchecked(world, "aws") == {"parameters"}
    assert world.report()["status"] == "failed"


def test_a_source_that_is_deleted_is_said_and_dms_goes_all_the_same(world):
    identifier = world.spec["source"]["identifier"]
    world.spec["source"]["identifier"] = "deleted-long-ago"
    try:
        with pytest.raises(AirflowFailException, match="deleted-long-ago"):
            world.teardown()
        world.teardown(teardown_keep=["source"])
        assert world.report()["status"] == "clean"
    finally:
        world.spec["source"]["identifier"] = identifier

    assert world.hook.task("pg-cdc-torn", settings=False) is None


@pytest.mark.exhaustive
def test_a_target_that_does_not_answer_is_said_and_all_else_goes(world, monkeypatch, sandbox):
    with monkeypatch.context() as patch:
        away(patch, "pg_cdc_target", sandbox)
        with pytest.raises(AirflowFailException, match="could not check"):
            world.teardown()

    assert unchecked(world, "target")
    assert unchecked(world, "source") == set()
    assert world.sql("select count(*) from pg_replication_slots") == [(0,)]
    assert world.sql("select to_regnamespace('pgcdc')") == [(None,)]

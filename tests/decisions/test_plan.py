"""The plan names every change before it is made, and nothing that is so already."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pg_cdc.decisions.dms.resources import Create, Nothing
from pg_cdc.decisions.inventory import inventory
from pg_cdc.decisions.plan import make_plan, plan_markdown
from pg_cdc.decisions.preflight.findings import warning
from pg_cdc.decisions.world import Engine, Table
from tests.decisions.preflight.test_preflight import (
    CLUSTER_GROUP,
    FINE,
    INSTANCE_GROUP,
    SERVER,
    WRITER,
    change,
    database,
    slot,
    spec,
)

READER = replace(WRITER, identifier="shop-2", writer=False)
READY = {
    "roles": frozenset({"app_dms"}),
    "server": replace(
        SERVER,
        schemas=("pgcdc", "dms_replication"),
        event_triggers=("awsdms_intercept_ddl",),
        installed_extensions=("pglogical",),
    ),
}


def changes(outlook=(), **wrong) -> str:
    return "\n".join(make_plan(replace(FINE, **wrong), outlook).changes)


@pytest.mark.parametrize(
    ("wrong", "part"),
    [
        pytest.param({}, "make the role app_dms (password from connection pg_cdc_dms_role)", id="role"),
        pytest.param({}, "make the schema pgcdc", id="control-schema"),
        pytest.param({}, "the event trigger awsdms_intercept_ddl in database shop", id="ddl-audit"),
        pytest.param({}, "make the extension pglogical", id="pglogical"),
        pytest.param({}, "one logical replication slot", id="slot"),
        pytest.param({}, "a marker row in pgcdc.marker", id="marker"),
        pytest.param({}, "dropped and made anew", id="target-tables-are-dropped"),
        pytest.param(
            {
                "migration": spec(
                    replication__task_settings={"FullLoadSettings": {"TargetTablePrepMode": "TRUNCATE_BEFORE_LOAD"}}
                )
            },
            "emptied first",
            id="target-tables-are-emptied",
        ),
        pytest.param({"changes": (change(),)}, "reboot the writer shop-1", id="reboot-for-a-parameter"),
        pytest.param(
            {"changes": (change(),), **database(members=(WRITER, READER))},
            "reboot the reader shop-2",
            id="reboot-a-reader",
        ),
        pytest.param(
            {"changes": (change(),), **database(members=(WRITER, READER), engine=Engine.RDS)},
            "reboot the Multi-AZ DB cluster shop, its readers shop-2 too, without failover",
            id="reboot-a-multi-az-cluster",
        ),
        pytest.param(
            database(members=(replace(WRITER, apply_status="pending-reboot"),)),
            "reboot the writer shop-1",
            id="reboot-that-was-pending",
        ),
        pytest.param(
            {
                "changes": (change(),),
                "groups": (replace(CLUSTER_GROUP, name="default.aurora-postgresql15"), INSTANCE_GROUP),
                **database(cluster_parameter_group="default.aurora-postgresql15"),
            },
            "make the parameter group pg-cdc-shop-aurora-postgresql15",
            id="own-group-for-a-default-one",
        ),
    ],
)
def test_the_plan_says(wrong, part):
    assert part in changes(**wrong)


@pytest.mark.parametrize("part", ["make the role", "schema", "event trigger", "extension", "parameter group", "reboot"])
def test_the_plan_leaves_out_what_is_so_already(part):
    assert part not in changes(**READY).replace("may read the selected schemas", "")


def test_a_full_load_makes_no_slot_and_no_marker():
    told = changes(migration=spec(replication__migration_type="full-load"))

    assert "slot" not in told
    assert "marker" not in told


def test_changes_only_load_no_table():
    assert "load the target's tables" not in changes(migration=spec(replication__migration_type="cdc"))


def test_test_decoding_needs_no_extension():
    assert "extension" not in changes(migration=spec(replication__plugin="test_decoding"))


def test_dms_resources_are_made_after_the_source_is_prepared():
    told = changes([("endpoint e", Create()), ("replication task t", Nothing())])

    assert told.index("event trigger") < told.index("make endpoint e") < told.index("marker row")
    assert "replication task t" not in told


def test_the_markdown_shows_parameters_changes_and_findings():
    situation = replace(FINE, changes=(change(), change("wal_sender_timeout", changes=False)))
    found = [warning("code", "subject", found="found", expected="expected", cure="cure")]

    text = plan_markdown(make_plan(situation, []), situation.migration, found)

    assert text.startswith("# Plan of migration shop\n\nfull-load-and-cdc of shop, database shop, to shop-replica")
    assert "| max_replication_slots | 10 | 10 | 20 | w | yes |" in text
    assert "wal_sender_timeout" not in text
    assert "| warning | code | subject | found | cure |" in text


def test_the_plan_counts_what_is_copied():
    tables = (Table(schema="shop", name="a", bytes=3 << 29, estimated_rows=1200), Table(schema="other", name="b"))

    assert make_plan(replace(FINE, tables=tables), []).copies == "1 table, about 1,200 rows, 1.5 GiB"


def test_the_inventory_tells_what_is_there():
    situation = replace(
        FINE,
        server=replace(SERVER, slots=(slot("a", retained_bytes=8),)),
        tables=(Table(schema="shop", name="log", has_primary_key=False, bytes=5),),
        **database(members=(WRITER, replace(READER, apply_status="pending-reboot"))),
    )

    told = inventory(situation)

    assert (told["writer"], told["readers"], told["pending_reboot"]) == ("shop-1", ["shop-2"], ["shop-2"])
    assert told["slots"] == [{"name": "a", "type": "logical", "active": True, "retained_bytes": 8}]
    assert (told["tables"], told["selected_bytes"], told["without_key"]) == (1, 5, ["shop.log"])

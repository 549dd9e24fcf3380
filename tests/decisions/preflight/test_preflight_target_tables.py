"""What is said of the tables and rights on the target, before a load: the table is the specification."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pg_cdc.config import Migration
from pg_cdc.decisions.preflight.table_facts import Column, Shapes, TargetShapes, TargetTable
from pg_cdc.decisions.preflight.target_tables import target_table_findings
from pg_cdc.decisions.world import Table
from tests.decisions.preflight.test_preflight import TARGET

ORDERS = Table(schema="shop", name="orders")
THERE = TargetTable("shop", "orders")
OPEN = {"shop": True, "public": True, "pgcdc": True}
DROP, TRUNCATE, NOTHING = "DROP_AND_CREATE", "TRUNCATE_BEFORE_LOAD", "DO_NOTHING"
NOTE = Shapes(columns=(Column("shop", "orders", "note", "text"),))
REPLICA = replace(TARGET, settings={"session_replication_role": "replica"})


def spec(prepare: str = DROP, *, rules: list | None = None, type_: str = "full-load-and-cdc", **target) -> Migration:
    settings = {"FullLoadSettings": {"TargetTablePrepMode": prepare}, "TargetMetadata": target}
    given: dict = {"replication": {"task_settings": settings, "migration_type": type_}}
    return Migration.model_validate(given | ({"tables": {"rules": rules}} if rules else {}))


def said(migration, table=THERE, *, schemas=OPEN, may_create=True, server=TARGET, loaded=False):
    target = TargetShapes(may_create=may_create, schemas=schemas, tables=(table,) if table else ())
    return list(target_table_findings(migration, [ORDERS], NOTE, target, server, loaded=loaded))


def codes(findings) -> list[tuple[str, str]]:
    return [(finding.severity, finding.code) for finding in findings]


BOUND = THERE._replace(foreign_keys=("fk",))
FIRING = THERE._replace(triggers=("t",))
INDEXED = THERE._replace(other_indexes=("i",))
NOT_OURS = THERE._replace(owned=False)
REQUIRED = THERE._replace(not_null=("note",))
UNIQUE = THERE._replace(unique_indexes=("u",))
KEYLESS = THERE._replace(has_primary_key=False)
BATCH = {"BatchApplyEnabled": True}


@pytest.mark.parametrize(
    ("migration", "table", "expected"),
    [
        pytest.param(spec(), None, [], id="nothing-there"),
        pytest.param(spec(), THERE, [], id="a-table-that-is-ours"),
        pytest.param(spec(), NOT_OURS, [("error", "target_table_not_ours")], id="a-table-that-may-not-be-dropped"),
        pytest.param(spec(TRUNCATE), NOT_OURS, [], id="a-table-that-may-be-written-is-enough-to-empty-it"),
        pytest.param(
            spec(NOTHING), NOT_OURS._replace(writable=False), [("error", "target_table_not_ours")], id="not-writable"
        ),
        pytest.param(spec(), BOUND, [("error", "target_foreign_key")], id="drop-fails-under-foreign-keys"),
        pytest.param(spec(TRUNCATE), BOUND, [("error", "target_foreign_key")], id="so-does-truncate"),
        pytest.param(spec(NOTHING), BOUND, [("warning", "target_foreign_key")], id="rows-come-out-of-order"),
        pytest.param(spec(type_="cdc"), BOUND, [("warning", "target_foreign_key")], id="changes-alone-drop-nothing"),
        pytest.param(spec(), FIRING, [("warning", "target_trigger")], id="triggers-fire"),
        pytest.param(spec(NOTHING), INDEXED, [("note", "target_secondary_index")], id="indexes-slow-a-load"),
        pytest.param(spec(), INDEXED, [], id="indexes-go-with-their-table"),
        pytest.param(spec(NOTHING), REQUIRED, [], id="not-null-under-limited-lobs"),
        pytest.param(
            spec(NOTHING, FullLobMode=True), REQUIRED, [("error", "target_lob_not_null")], id="not-null-under-full-lobs"
        ),
        pytest.param(spec(FullLobMode=True), REQUIRED, [], id="not-null-goes-with-its-table"),
        pytest.param(
            spec(NOTHING, **BATCH), KEYLESS, [("warning", "batch_apply_without_key")], id="batches-without-a-key"
        ),
        pytest.param(
            spec(NOTHING, **BATCH), UNIQUE, [("warning", "batch_apply_key_and_unique")], id="batches-with-both"
        ),
        pytest.param(
            spec(NOTHING, **BATCH), UNIQUE._replace(has_primary_key=False), [], id="batches-with-a-unique-index"
        ),
        pytest.param(spec(NOTHING), UNIQUE, [], id="no-batches"),
        pytest.param(spec(NOTHING, type_="full-load", **BATCH), KEYLESS, [], id="a-full-load-has-no-batches"),
        pytest.param(spec(), BOUND._replace(name="others"), [], id="a-table-that-is-not-selected"),
    ],
)  # fmt: skip
def test_what_is_said_of_a_table_on_the_target(migration, table, expected):
    assert codes(said(migration, table)) == expected


@pytest.mark.parametrize(
    ("schemas", "may_create", "expected"),
    [
        pytest.param(OPEN, False, [], id="all-there-and-open"),
        pytest.param({}, True, [], id="none-there-and-may-be-made"),
        pytest.param({**OPEN, "shop": False}, True, ["shop"], id="closed"),
        pytest.param(
            {"shop": True, "pgcdc": True, "public": False}, True, ["public"], id="control-tables-have-no-place"
        ),
        pytest.param({"public": True}, False, ["pgcdc", "shop"], id="missing-and-may-not-be-made"),
    ],
)
def test_a_schema_that_cannot_be_used_or_made_is_refused(schemas, may_create, expected):
    found = said(spec(), None, schemas=schemas, may_create=may_create)

    assert [finding.subject for finding in found] == expected
    assert {finding.code for finding in found} <= {"target_privilege_missing"}
    assert all(finding.cure.startswith("as the owner, on the target: GRANT ") for finding in found)


def test_control_tables_may_have_a_schema_of_their_own():
    elsewhere = Migration.model_validate(
        {"replication": {"task_settings": {"ControlTablesSettings": {"ControlSchema": "dms"}}}}
    )

    assert said(elsewhere, None, schemas={"shop": True, "pgcdc": True, "public": False, "dms": True}) == []


def test_a_server_that_applies_as_a_replica_minds_no_foreign_keys_and_triggers():
    assert said(spec(), BOUND._replace(triggers=("t",)), server=REPLICA) == []


def test_a_task_that_has_loaded_already_will_not_drop_its_tables_again():
    assert codes(said(spec(), BOUND, loaded=True)) == [("warning", "target_foreign_key")]


def test_nothing_is_said_of_tables_that_get_another_name_there():
    rename = {
        "rule-type": "transformation", "rule-id": "2", "rule-name": "2", "rule-action": "rename", "value": "new",
        "rule-target": "schema", "object-locator": {"schema-name": "shop"},
    }  # fmt: skip

    assert said(spec(rules=[{"schema": "shop", "table": "%"}, rename]), BOUND, schemas={**OPEN, "shop": False}) == []

"""What is ours and needed by nobody goes; the report and the steps read it from the same items."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pg_cdc.decisions.ddl_audit import COLUMNS, AuditState
from pg_cdc.decisions.dms.streaming import LedgerRow
from pg_cdc.decisions.lease import Lease
from pg_cdc.decisions.teardown.facts import (
    Artifacts,
    ControlSchema,
    Neighbour,
    OtherEndpoint,
    Pglogical,
    RoleUse,
    SourceState,
    TargetState,
    TargetTable,
)
from pg_cdc.decisions.teardown.residue import Fate, as_markdown, as_values, is_clean, judge, judge_all
from pg_cdc.decisions.teardown.source import source_items
from pg_cdc.decisions.teardown.sql import (
    AUDIT,
    CONTROL,
    PGLOGICAL,
    ROLE,
    SLOT,
    TARGET,
    blocked,
    going,
    is_marked,
    listed,
    quoted,
    unchecked,
)
from pg_cdc.decisions.teardown.target import target_items
from pg_cdc.decisions.world import Slot

MARK = "pg-cdc:migration=shop"
BODY = "our text"
AUDITED = AuditState(
    table_owner="app_dms",
    columns=COLUMNS,
    public_may_write=False,
    function_owner="app_dms",
    body=BODY,
    definer=True,
    settings=(),
    public_may_execute=False,
    trigger_enabled="O",
    trigger_event="ddl_command_end",
    trigger_schema="dms_replication",
    trigger_function="awsdms_intercept_ddl",
)


def slot(name: str, *, database: str = "shop", plugin: str = "test_decoding", kind: str = "logical") -> Slot:
    return Slot(
        name=name,
        plugin=plugin,
        slot_type=kind,
        database=database,
        active=False,
        wal_status="reserved",
        retained_bytes=0,
    )


def row(name: str, migration: str = "shop", kind: str = "dms-task") -> LedgerRow:
    return LedgerRow(slot_name=name, owner_kind=kind, owner_id="arn", migration=migration, plugin="", how="")


def control(**rows: dict[str, int]) -> ControlSchema:
    return ControlSchema(owner="postgres", tables=tuple(rows), rows=rows)


WHOLE = SourceState(
    migration="shop",
    database="shop",
    role="app_dms",
    schema="dms_replication",
    body=BODY,
    slots=(slot("ours"),),
    ledger=(row("ours"),),
    audit=AUDITED,
    artifacts=Artifacts(owner="app_dms", comment=MARK, heartbeat_owner="app_dms"),
    pglogical=Pglogical(version="2.4.2", schema="pglogical", comment=MARK),
    role_use=RoleUse(exists=True, comment=MARK),
    control=control(marker={"shop": 1}, slot_owner={"shop": 1}, reboot={"shop": 1}),
    books=ControlSchema(owner="postgres", tables=("lease",)),
)
SECOND = control(marker={"shop": 1, "second": 1}, slot_owner={"shop": 1, "second": 1})
PARTS = (SLOT, AUDIT, PGLOGICAL, ROLE, CONTROL)


def actions(state: SourceState, keeps=None) -> set[str]:
    return {item.action for part in PARTS for item in going(source_items(state, keeps or {}), part)}


EVERY = {
    "slot",
    "audit_trigger",
    "audit_function",
    "audit_table",
    "heartbeat",
    "artifacts_schema",
    "pglogical",
    "role",
    "rows",
    "control_schema",
}


def test_all_of_a_whole_migration_goes():
    assert actions(WHOLE) == EVERY


def test_of_an_empty_source_nothing_goes_and_it_is_clean():
    items = source_items(SourceState(migration="shop", database="shop", role="app_dms", schema="dms"), {})

    assert is_clean(judge_all(item.trace for item in items))
    assert {judge(item.trace).fate for item in items} == {Fate.GONE}


@pytest.mark.parametrize(
    ("change", "stays"),
    [
        pytest.param({"ledger": ()}, {"slot", "control_schema of postgres"}, id="a slot that no ledger has"),
        pytest.param(
            {"ledger": (row("ours", "second"),)},
            {"slot", "control_schema of postgres"},
            id="a slot of another migration",
        ),
        pytest.param(
            {"ledger": (row("ours", kind="unknown"),)},
            {"slot", "control_schema of postgres"},
            id="a slot that was there before",
        ),
        pytest.param(
            {"slots": (slot("ours", database="other"),)},
            {"slot", "control_schema of postgres"},
            id="a slot of another database",
        ),
        pytest.param({"slots": (slot("ours", kind="physical"),)}, {"slot"}, id="a physical slot"),
        pytest.param(
            {"audit": replace(AUDITED, trigger_schema="public")},
            {"audit_trigger"},
            id="a trigger with another function",
        ),
        pytest.param(
            {"audit": replace(AUDITED, body="another")},
            {"audit_trigger", "audit_function", "audit_table", "artifacts_schema", "role"},
            id="a function with another text",
        ),
        pytest.param(
            {"audit": replace(AUDITED, columns=("x int",))},
            {"audit_table", "artifacts_schema", "role"},
            id="a table with other columns",
        ),
        pytest.param(
            {"audit": replace(AUDITED, table_owner="bob")},
            {"audit_table", "artifacts_schema", "role"},
            id="a table of bob's",
        ),
        pytest.param(
            {"artifacts": Artifacts(owner="app_dms", comment=MARK, heartbeat_owner="bob")},
            {"heartbeat", "artifacts_schema", "role"},
            id="a heartbeat of bob's",
        ),
        pytest.param(
            {"artifacts": Artifacts(owner="app_dms", comment=MARK, strangers=("table bobs",))},
            {"heartbeat", "artifacts_schema", "role"},
            id="a strangers table in the schema",
        ),
        pytest.param(
            {"artifacts": Artifacts(owner="postgres", comment="bobs")},
            {"heartbeat", "artifacts_schema"},
            id="a schema without our mark",
        ),
        pytest.param(
            {"pglogical": Pglogical(version="2.4.2", schema="pglogical")},
            {"pglogical"},
            id="pglogical without our mark",
        ),
        pytest.param({"role_use": RoleUse(exists=True)}, {"role"}, id="a role without our mark"),
        pytest.param(
            {"role_use": RoleUse(exists=True, comment=MARK, owns=("table x",))}, {"role"}, id="a role that owns a table"
        ),
        pytest.param(
            {"role_use": RoleUse(exists=True, comment=MARK, databases=("b",))},
            {"role"},
            id="a role with rights elsewhere",
        ),
        pytest.param(
            {"control": SECOND},
            EVERY - {"slot", "rows"},
            id="another migration of the database",
        ),
        pytest.param(
            {"control": control(marker={"shop": 1, "copied": 1})},
            {"control_schema of shop"},
            id="a marker that was copied from elsewhere",
        ),
        pytest.param(
            {"endpoints": (OtherEndpoint(identifier="x", here=False, uses_role=True),)},
            {"role"},
            id="an endpoint's role",
        ),
        pytest.param(
            {"endpoints": (OtherEndpoint(identifier="x", here=False, uses_role=False),)},
            set(),
            id="an endpoint elsewhere",
        ),
        pytest.param(
            {"neighbours": (Neighbour(database="b", migrations=frozenset({"second"})),)},
            {"control_schema of postgres"},
            id="a migration of another database",
        ),
        pytest.param(
            {"neighbours": (Neighbour(database="b", why="refused"),)},
            {"control_schema of postgres"},
            id="a database that could not be looked into",
        ),
        pytest.param({"neighbours": (Neighbour(database="b"),)}, set(), id="an empty neighbour"),
    ],
)
def test_what_is_not_ours_or_needed_by_others_stays(change, stays):
    state = replace(WHOLE, **change)

    found = {
        f"{item.action} of {item.argument}" if item.action == "control_schema" else item.action
        for part in PARTS
        for item in going(source_items(state, {}), part)
    }

    whole = EVERY - {"control_schema"} | {"control_schema of shop", "control_schema of postgres"}
    stays = stays - {"control_schema"} | (
        {"control_schema of shop", "control_schema of postgres"} if "control_schema" in stays else set()
    )
    assert whole - found == stays


@pytest.mark.parametrize(
    ("lease", "goes"),
    [
        pytest.param(None, True, id="free"),
        pytest.param(("shop / now", False), True, id="of this run"),
        pytest.param(("other / now", False), False, id="of another run"),
        pytest.param(("other / then", True), True, id="expired"),
    ],
)
def test_the_books_go_unless_another_run_has_the_lease(lease, goes):
    held = Lease(owner=lease[0], taken_at="", expires_at="", expired=lease[1]) if lease else None
    state = replace(WHOLE, run="shop / now", lease=held)

    found = [item.argument for item in going(source_items(state, {}), CONTROL)]

    assert ("postgres" in found) is goes


def test_old_parameter_values_are_no_work_of_these_steps():
    state = replace(WHOLE, control=control(parameter_before={"shop": 2}))

    items = source_items(state, {})
    rows = next(item for item in items if item.argument == "parameter_before")

    assert judge(rows.trace).fate is Fate.LEFT
    assert rows not in [item for part in PARTS for item in going(items, part)]


@pytest.mark.parametrize(
    ("at_work", "stay", "fate", "told"),
    [
        pytest.param(False, "", Fate.LEFT, "", id="planned: it will go"),
        pytest.param(True, "", Fate.LEFT, "the parameters are not back", id="at work: not yet"),
        pytest.param(True, "slot x", Fate.KEPT, "the parameters stay: slot x", id="the parameters stay"),
    ],
)
def test_the_schema_outlives_the_old_parameter_values(at_work, stay, fate, told):
    state = replace(WHOLE, control=control(parameter_before={"shop": 2}), at_work=at_work, parameters_stay=stay)

    items = source_items(state, {})
    schema = next(item for item in items if item.trace.name == "pgcdc of shop")

    assert judge(schema.trace).fate is fate
    assert told in judge(schema.trace).why
    assert schema.goes is (not at_work)


@pytest.mark.parametrize("part", [AUDIT, PGLOGICAL, ROLE, CONTROL])
def test_what_is_asked_to_stay_is_kept_with_the_reason(part):
    items = source_items(WHOLE, {part: "kept as asked"})

    assert going(items, part) == ()
    assert {judge(item.trace).why for item in items if item.part == part and item.trace.exists} == {"kept as asked"}


def test_a_slot_of_ours_is_never_kept():
    everything = dict.fromkeys(PARTS, "kept as asked")

    assert [item.argument for item in going(source_items(WHOLE, everything), SLOT)] == ["ours"]


@pytest.mark.parametrize(
    ("change", "goes"),
    [
        pytest.param({}, set(), id="the role goes, and they with it"),
        pytest.param({"role_use": {"databases": ("b",)}}, {"rights"}, id="needed elsewhere only"),
        pytest.param({"role_use": {"databases": ("b",)}, "control": SECOND}, set(), id="needed here too"),
        pytest.param({"role_use": {"databases": ("b",), "comment": None}}, set(), id="not our role"),
    ],
)
def test_a_role_that_stays_for_another_database_loses_its_rights_here(change, goes):
    use = {"exists": True, "comment": MARK, "rights": ("shop",), **change.get("role_use", {})}
    state = replace(WHOLE, **{**change, "role_use": RoleUse(**use)})

    assert {item.action for item in going(source_items(state, {}), ROLE)} - {"role"} == goes


def test_an_audit_that_a_users_trigger_calls_keeps_its_table_or_all_ddl_would_fail():
    state = replace(WHOLE, artifacts=replace(WHOLE.artifacts, other_triggers=("users_own",)))

    assert {item.action for item in going(source_items(state, {}), AUDIT)} == {"audit_trigger", "heartbeat"}


@pytest.mark.parametrize(
    ("found", "users"),
    [
        pytest.param({"subscriptions": ("s",)}, "subscription s", id="a subscription"),
        pytest.param({"sets": ("users",)}, "replication set users", id="a set"),
        pytest.param({"sets": ("ours", "iours")}, "", id="the sets of our slot"),
    ],
)
def test_pglogical_stays_for_whom_it_serves(found, users):
    state = replace(WHOLE, pglogical=replace(WHOLE.pglogical, **found))

    item = next(item for item in source_items(state, {}) if item.action == "pglogical")

    assert item.trace.keep == (f"needed by {users}" if users else "")


TABLE = TargetTable(schema="public", name="awsdms_status", owner="postgres", made_by_login=True)
TARGETED = TargetState(
    migration="shop", database="copy", tables=(TABLE,), control=control(marker={"shop": 1}), endpoints=()
)


@pytest.mark.parametrize(
    ("change", "goes"),
    [
        pytest.param({}, {"marker_rows", "marker_schema", "table"}, id="whole"),
        pytest.param({"control": ControlSchema()}, {"table"}, id="no marker"),
        pytest.param({"endpoints": ("x",)}, {"marker_rows"}, id="another task"),
        pytest.param({"control": control(marker={"shop": 1, "b": 1})}, {"marker_rows"}, id="another migration"),
        pytest.param(
            {"control": control(marker={"shop": 1, "b": 1}, slot_owner={"b": 1})},
            {"marker_rows", "table"},
            id="a migration that goes on from here",
        ),
        pytest.param(
            {"tables": (replace(TABLE, made_by_login=False),)}, {"marker_rows", "marker_schema"}, id="anothers table"
        ),
        pytest.param(
            {"tables": (replace(TABLE, beside_function=True),)}, {"marker_rows", "marker_schema"}, id="an audit's table"
        ),
    ],
)
def test_of_the_target_goes_what_dms_made_for_this_migration(change, goes):
    items = target_items(replace(TARGETED, **change), {})

    assert {item.action for item in going(items, TARGET)} == goes


def test_replicated_tables_are_kept_in_every_case():
    for keeps in ({}, {TARGET: "kept as asked"}):
        kept = [item.trace for item in target_items(TARGETED, keeps) if item.trace.kind == "replicated tables"]
        assert [judge(trace).fate for trace in kept] == [Fate.KEPT]


def test_an_end_that_was_not_reached_is_unchecked_in_every_line():
    for items in (source_items(WHOLE, {}), target_items(TARGETED, {})):
        lines = [judge(trace) for trace in unchecked(items, "no answer")]
        assert {(line.fate, line.why) for line in lines} == {(Fate.UNCHECKED, "no answer")}


def test_what_must_be_left_to_a_human_is_told_in_words_and_never_as_going():
    state = replace(WHOLE, role_use=RoleUse(exists=True, comment=MARK, owns=("table diary",)))
    items = source_items(state, {})
    lines = judge_all(item.trace for item in items)

    assert blocked(items, ROLE) == ("role app_dms is left: it owns table diary",)
    planned = as_markdown("shop", lines, planned=True)
    assert "1 will be left for a human" in planned
    assert "role app_dms: `REASSIGN OWNED BY app_dms" in planned
    assert [one["blocked"] for one in as_values(lines) if one["kind"] == "role"] == [True]


@pytest.mark.parametrize(
    ("parts", "written"),
    [(("shop",), "shop"), (("a$b",), '"a$b"'), (("Shop", 'x"y'), '"Shop"."x""y"'), (("a", "b"), "a.b")],
)
def test_names_in_commands_are_quoted_where_they_must_be(parts, written):
    assert quoted(*parts) == written


@pytest.mark.parametrize(
    ("comment", "ours"), [(MARK, True), ("pg-cdc:migration=other", True), ("x", False), (None, False)]
)
def test_our_mark_is_known(comment, ours):
    assert is_marked(comment) is ours


def test_long_lists_are_cut():
    assert listed("abcdefg") == "a, b, c, d, e and 2 more"

"""Preflight: the table below is the specification. Each row is one thing that is wrong, and what is said of it."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from pg_cdc.config import Migration
from pg_cdc.decisions.dms.resources import Create, Difference, Modify, Nothing, Refuse
from pg_cdc.decisions.parameters.changes import ParameterChange
from pg_cdc.decisions.preflight.checks import Situation, preflight
from pg_cdc.decisions.preflight.dms import dms_changes, dms_findings
from pg_cdc.decisions.preflight.findings import blocking, gravest_first, named, note
from pg_cdc.decisions.world import (
    Database,
    Engine,
    Member,
    OpenTransaction,
    Parameter,
    ParameterGroup,
    Server,
    Slot,
    Table,
)
from pg_cdc.failures import Differs, NotOurs

WRITER = Member(
    identifier="shop-1",
    arn="arn:1",
    writer=True,
    status="available",
    host="h1",
    port=5432,
    instance_class="db.r6g.large",
    parameter_group="default.aurora-postgresql15",
    apply_status="in-sync",
    cluster_apply_status="in-sync",
)
SOURCE = Database(
    identifier="shop",
    engine=Engine.AURORA,
    version="15.4",
    status="available",
    arn="arn:shop",
    host="shop.cluster",
    port=5432,
    master_user="postgres",
    members=(WRITER,),
    cluster_parameter_group="own",
)
CLUSTER_GROUP = ParameterGroup(name="own", family="aurora-postgresql15", cluster=True, users=("shop",))
INSTANCE_GROUP = ParameterGroup(name="members", family="aurora-postgresql15", cluster=False, users=("shop-1",))
SERVER = Server(
    version_num=150004,
    in_recovery=False,
    current_user="admin",
    admin_roles=("rds_superuser", "rds_replication"),
    postmaster_started="2026-01-01 00:00:00+00",
    system_identifier="7001",
    settings={"max_replication_slots": "20", "max_wal_senders": "10", "synchronous_commit": "on"},
    slots=(),
    wal_senders_used=0,
    available_extensions=("pglogical",),
    installed_extensions=(),
)
TARGET = replace(SERVER, system_identifier="7002")
ALL = [{"schema": "shop", "table": "%"}]
TABLES = (Table(schema="shop", name="customers"), Table(schema="shop", name="payments"))
FINE = Situation(
    migration=Migration(tables={"rules": ALL}),
    database=SOURCE,
    groups=(CLUSTER_GROUP, INSTANCE_GROUP),
    server=SERVER,
    tables=TABLES,
    target_server=TARGET,
    target_database=replace(SOURCE, identifier="shop-replica"),
)


def change(name="max_replication_slots", wanted="20", **rest) -> ParameterChange:
    values = {
        "live": "10",
        "group_value": "10",
        "why": "w",
        "apply_type": "static",
        "needs_reboot": True,
        "changes": True,
    }
    return ParameterChange(name=name, wanted=wanted, **{**values, **rest})


def slot(name: str, **rest) -> Slot:
    return Slot(name=name, plugin="pglogical_output", slot_type="logical", database="shop", active=True, **rest)


def spec(**changes) -> Migration:
    given: dict = {"tables": {"rules": ALL}}
    for path, value in changes.items():
        section, _, key = path.partition("__")
        given.setdefault(section, {})[key] = value
    return Migration.model_validate(given)


def server(**changes) -> dict:
    return {"server": replace(SERVER, **changes)}


def database(**changes) -> dict:
    return {"database": replace(SOURCE, **changes)}


def plain_rds(version: str) -> dict:
    return database(version=version, engine=Engine.RDS, cluster_parameter_group=None)


def tables(*extra: Table, **migration) -> dict:
    return {"tables": (*TABLES, *extra), **({"migration": spec(**migration)} if migration else {})}


def prepared(seconds: int) -> dict:
    return server(open_transactions=(OpenTransaction(kind="prepared", identity="gid-1", seconds=seconds),))


def long(seconds: int) -> dict:
    return server(open_transactions=(OpenTransaction(kind="long", identity="app (shop, pid 7)", seconds=seconds),))


NO_KEY = Table(schema="shop", name="clicks", has_primary_key=False)
PARENT = Table(schema="shop", name="orders", kind="p")
LEAF = Table(schema="shop", name="orders_q1", partition_of="shop.orders")
SLOTS = {"settings": {**SERVER.settings, "max_replication_slots": "2"}}
TEST_DECODING = {"replication__plugin": "test_decoding"}

CASES = [
    pytest.param({}, set(), id="nothing-is-wrong"),
    pytest.param(database(status="modifying"), {("error", "source_not_available")}, id="cluster-busy"),
    pytest.param(
        database(members=(replace(WRITER, status="incompatible-parameters"),)),
        {("error", "source_not_available")}, id="member-broken",
    ),
    pytest.param(database(replica_of="primary"), {("error", "replica_as_source")}, id="read-replica"),
    pytest.param(server(in_recovery=True), {("error", "not_the_writer")}, id="in-recovery"),
    pytest.param(database(version="10.5"), {("error", "version_too_old_for_dms")}, id="aurora-below-the-minimum"),
    pytest.param(database(version="10.6"), set(), id="aurora-at-the-minimum"),
    pytest.param(
        plain_rds("10.20"), {("error", "version_too_old_for_dms")}, id="rds-below-the-minimum"
    ),
    pytest.param(plain_rds("10.21"), set(), id="rds-at-the-minimum"),
    *(
        pytest.param(
            database(version=version, engine=Engine.RDS), {("error", "version_too_old_for_multi_az_cluster")},
            id=f"multi-az-cluster-{version}",
        )
        for version in ("13.20", "14.7", "15.2")
    ),
    *(
        pytest.param(database(version=version, engine=Engine.RDS), set(), id=f"multi-az-cluster-{version}")
        for version in ("14.8", "15.3", "16.1")
    ),
    pytest.param(
        {**database(version="11.7"), "migration": spec(replication__plugin="pglogical")},
        {("error", "version_too_old_for_pglogical")}, id="aurora-too-old-for-pglogical",
    ),
    pytest.param(
        {**database(version="11.8"), "migration": spec(replication__plugin="pglogical")},
        set(), id="aurora-with-pglogical",
    ),
    pytest.param(
        {**server(available_extensions=()), "migration": spec(replication__plugin="pglogical")},
        {("error", "pglogical_not_available")}, id="pglogical-asked-for-and-not-there",
    ),
    pytest.param(server(available_extensions=()), set(), id="auto-does-without-pglogical"),
    pytest.param(server(admin_roles=("pg_monitor",)), {("error", "admin_not_rds_superuser")}, id="weak-admin"),
    pytest.param(server(**SLOTS, slots=(slot("a"),)), set(), id="one-slot-left"),
    pytest.param(server(**SLOTS, slots=(slot("a"), slot("b"))), {("error", "no_free_slot")}, id="no-slot-left"),
    pytest.param(
        {**server(**SLOTS, slots=(slot("a"), slot("b"))), "own_slots": frozenset({"b"})},
        set(), id="our-own-slot-counts-not",
    ),
    pytest.param(
        {**server(**SLOTS, slots=(slot("a"), slot("b"))), "changes": (change(wanted="3"),)},
        set(), id="the-plan-makes-room",
    ),
    pytest.param(
        server(**SLOTS, slots=(replace(slot("a"), active=False), slot("b"))),
        {("error", "no_free_slot")}, id="an-idle-slot-counts",
    ),
    pytest.param(server(wal_senders_used=9), set(), id="one-sender-left"),
    pytest.param(server(wal_senders_used=10), {("error", "no_free_sender")}, id="no-sender-left"),
    pytest.param(
        {**server(wal_senders_used=10, slots=(slot("b"),)), "own_slots": frozenset({"b"})}, set(), id="our-own-sender"
    ),
    pytest.param(
        server(settings={"max_wal_senders": "10"}), {("unknown", "limit_unknown")}, id="a-limit-that-cannot-be-read"
    ),
    pytest.param(
        {**server(wal_senders_used=10), "migration": spec(replication__migration_type="full-load")},
        set(), id="a-full-load-needs-no-sender",
    ),
    pytest.param(prepared(59), {("warning", "long_transaction")}, id="prepared-a-moment-ago"),
    pytest.param(prepared(60), {("error", "prepared_transaction")}, id="prepared-and-forgotten"),
    pytest.param(long(599), set(), id="an-open-transaction"),
    pytest.param(long(600), {("warning", "long_transaction")}, id="a-long-open-transaction"),
    pytest.param(
        server(settings={**SERVER.settings, "synchronous_commit": "off"}),
        {("warning", "synchronous_commit_off")}, id="aurora-commits-asynchronously",
    ),
    pytest.param(
        server(settings={**SERVER.settings, "statement_timeout": "30s"}),
        {("note", "session_timeout")}, id="short-timeouts",
    ),
    pytest.param(tables(NO_KEY), {("warning", "table_without_key")}, id="no-key"),
    pytest.param(
        tables(replace(NO_KEY, identity="f")), {("warning", "table_without_key")}, id="identity-full-under-pglogical"
    ),
    pytest.param(tables(replace(NO_KEY, identity="f"), **TEST_DECODING), set(), id="identity-full-under-test-decoding"),
    pytest.param(
        tables(replace(NO_KEY, identity="i"), **TEST_DECODING),
        {("warning", "table_without_key")}, id="identity-by-index-is-no-key",
    ),
    pytest.param(
        tables(NO_KEY, replication__migration_type="full-load"), set(), id="no-key-does-not-matter-to-a-full-load"
    ),
    pytest.param(tables(replace(NO_KEY, schema="other")), set(), id="no-key-outside-the-selection"),
    pytest.param(
        tables(Table(schema="shop", name="cache", persistence="u")), {("warning", "unlogged_table")}, id="unlogged"
    ),
    pytest.param(
        tables(PARENT, LEAF, tables__rules=[*ALL, {"schema": "shop", "table": "orders", "action": "exclude"}]),
        set(), id="leaves-without-their-parent",
    ),
    pytest.param(tables(PARENT, LEAF), {("error", "partitions_twice")}, id="leaves-and-parent"),
    pytest.param(
        tables(PARENT, LEAF, tables__rules=[{"schema": "shop", "table": "orders"}]),
        {("error", "partitions_not_selected")}, id="parent-alone",
    ),
    pytest.param(
        {"migration": spec(tables__rules=[{"schema": "nowhere", "table": "%"}])},
        {("error", "no_table_matches")}, id="no-table-matches",
    ),
    pytest.param(
        {"migration": spec(tables__rules=[*ALL, {"schema": "old", "table": "%"}])},
        {("warning", "rule_matches_nothing")}, id="one-rule-matches-nothing",
    ),
    pytest.param(
        tables(
            Table(schema="shop", name="order_items"), Table(schema="shop", name="orderXitems"),
            tables__rules=[{"schema": "shop", "table": "order_items"}],
        ),
        {("warning", "underscore_is_wildcard")}, id="underscore-catches-a-stranger",
    ),
    pytest.param(
        tables(Table(schema="shop", name="order_items"), tables__rules=[{"schema": "shop", "table": "order_items"}]),
        set(), id="underscore-that-does-not-matter",
    ),
    pytest.param(
        {
            "changes": (change(overridden_by=("members",)),),
            "groups": (
                CLUSTER_GROUP,
                replace(
                    INSTANCE_GROUP,
                    parameters={
                        "max_replication_slots": Parameter(
                            name="max_replication_slots", value="5", source="user", apply_type="static"
                        )
                    },
                ),
            ),
        },
        {("error", "overridden_at_instance_group")}, id="overridden-at-the-instance-group",
    ),
    pytest.param(
        {"changes": (change(),), "migration": spec(safety__allow_reboot=False)},
        {("error", "reboot_not_allowed")}, id="a-reboot-that-is-not-allowed",
    ),
    pytest.param(
        {"changes": (change(needs_reboot=False),), "migration": spec(safety__allow_reboot=False)},
        set(), id="a-dynamic-change-needs-no-reboot",
    ),
    pytest.param(
        {
            **database(members=(replace(WRITER, apply_status="pending-reboot"),)),
            "migration": spec(safety__allow_reboot=False),
        },
        {("error", "reboot_not_allowed")}, id="a-reboot-that-was-pending-before-us",
    ),
    pytest.param(
        {"changes": (change(),), "groups": (replace(CLUSTER_GROUP, name="default.aurora-postgresql15"), INSTANCE_GROUP),
         **database(cluster_parameter_group="default.aurora-postgresql15")},
        {("note", "default_parameter_group")}, id="a-default-group",
    ),
    pytest.param(
        {"changes": (change(),), "groups": (replace(CLUSTER_GROUP, users=("shop", "billing")), INSTANCE_GROUP)},
        {("note", "shared_parameter_group")}, id="a-shared-group",
    ),
    pytest.param(
        {
            "changes": (change(),), "groups": (replace(CLUSTER_GROUP, users=("shop", "billing")), INSTANCE_GROUP),
            "migration": spec(safety__allow_shared_parameter_group=True),
        },
        {("warning", "shared_parameter_group")}, id="a-shared-group-with-consent",
    ),
    pytest.param({"target_server": SERVER}, {("error", "target_equals_source")}, id="the-source-under-another-name"),
    pytest.param(
        {"target_server": replace(SERVER, postmaster_started="2026-02-02 00:00:00+00")}, set(), id="a-restored-copy"
    ),
    pytest.param(
        {"target_server": replace(SERVER, system_identifier="")},
        {("error", "target_equals_source")}, id="the-source-seen-by-a-user-without-rights",
    ),
    pytest.param(
        {"target_server": SERVER, "migration": spec(target__database="copy")}, set(), id="another-database-there"
    ),
    pytest.param({"target_server": replace(TARGET, in_recovery=True)}, {("error", "target_in_recovery")}, id="standby"),
    pytest.param(
        {"target_database": replace(SOURCE, status="stopped")}, {("error", "target_not_available")}, id="target-stopped"
    ),
    pytest.param({"target_database": None}, set(), id="a-target-that-is-not-on-rds"),
    pytest.param(
        {"migration": spec(replication__migration_type="cdc")}, {("note", "changes_only")}, id="changes-only"
    ),
]  # fmt: skip


ALWAYS = {("note", "not_seen_by_looking"), ("note", "tables_and_keys_only")}
"""Said of every migration; test_preflight_unseen.py says when they are not."""


@pytest.mark.parametrize(("wrong", "expected"), CASES)
def test_preflight_says(wrong, expected):
    findings = preflight(replace(FINE, **wrong))

    assert {(finding.severity, finding.code) for finding in findings} - ALWAYS == expected


@pytest.mark.parametrize(("wrong", "expected"), CASES)
def test_every_finding_says_what_was_found_what_was_expected_and_the_cure(wrong, expected):
    for finding in preflight(replace(FINE, **wrong)):
        assert finding.subject and finding.found and finding.cure
        assert finding.expected or finding.severity == "note"


@pytest.mark.parametrize(
    ("version", "reason"),
    [
        pytest.param("13.12", "before PostgreSQL 16 (and DMS 3.6.1)", id="no-standby-decodes"),
        pytest.param("15.4", "before PostgreSQL 16 (and DMS 3.6.1)", id="the-last-that-cannot"),
        pytest.param("16.3", "also where DMS reads from a replica", id="it-can-be-read-from"),
    ],
)
def test_a_replica_as_the_source_is_refused_with_the_reason_of_its_version(version, reason):
    wrong = {**plain_rds(version), **database(version=version, replica_of="primary")}

    (finding,) = [one for one in preflight(replace(FINE, **wrong)) if one.code == "replica_as_source"]

    assert reason in finding.expected
    assert ("shop as source.read_from" in finding.cure) == (version == "16.3")
    assert "put primary as source.identifier" in finding.cure


def test_all_that_is_wrong_is_said_at_once_the_gravest_first():
    wrong = replace(FINE, server=replace(SERVER, in_recovery=True, admin_roles=()), tables=(*TABLES, NO_KEY))

    assert [finding.severity for finding in preflight(wrong)] == ["error", "error", "warning", "note", "note"]


def test_what_could_not_be_checked_stops_the_run_and_a_note_does_not():
    findings = preflight(replace(FINE, server=replace(SERVER, settings={})))

    assert {finding.code for finding in blocking(findings)} == {"limit_unknown"}
    assert not blocking([note("n", "s", found="f", cure="c")])


def test_the_cure_for_a_table_without_a_key_depends_on_the_plugin():
    under_pglogical = preflight(replace(FINE, **tables(NO_KEY)))[0]
    under_test_decoding = preflight(replace(FINE, **tables(NO_KEY, **TEST_DECODING)))[0]

    assert "does not help" in under_pglogical.found
    assert "REPLICA IDENTITY FULL" in under_test_decoding.cure
    assert "shop.clicks" in under_pglogical.subject


def test_the_underscore_finding_names_the_stranger_and_not_the_table_that_was_meant():
    meant, stranger = Table(schema="shop", name="order_items"), Table(schema="shop", name="orderXitems")
    rules = {"tables__rules": [{"schema": "shop", "table": "order_items"}]}

    finding, *_ = preflight(replace(FINE, **tables(meant, stranger, **rules)))

    assert "orderXitems" in finding.found
    assert "shop.order_items" not in finding.found


def test_a_long_list_of_names_is_cut_and_counted():
    assert named([f"t{n}" for n in range(20)]).endswith("t19")
    assert named([f"t{n}" for n in range(23)]).endswith("t19 and 3 more")


def test_findings_of_one_severity_keep_their_order():
    findings = [note(code, "s", found="f", cure="c") for code in "abc"]

    assert [finding.code for finding in gravest_first(findings)] == ["a", "b", "c"]


NOT_OURS = NotOurs(found="no tag", expected="our tag", next="rename")
DIFFERS = Differs(found="a", expected="b", next="c")
DIFFERENCE = Difference(key="ssl_mode", found="none", wanted="require")


@pytest.mark.parametrize(
    ("decision", "codes", "changes"),
    [
        pytest.param(Create(), [], ["make endpoint e"], id="nothing-there"),
        pytest.param(Nothing(), [], [], id="as-it-should-be"),
        pytest.param(Nothing(adopt=True), [], ["tag endpoint e as ours"], id="adopted"),
        pytest.param(
            Modify(differences=(DIFFERENCE,)), [], [f"modify endpoint e: {DIFFERENCE}"], id="repaired",
        ),
        pytest.param(Refuse(failure=NOT_OURS), ["not_ours"], [], id="not-ours"),
        pytest.param(Refuse(failure=DIFFERS), ["dms_differs"], [], id="differs"),
    ],
)  # fmt: skip
def test_what_dms_has_becomes_findings_and_changes(decision, codes, changes):
    outlook = [("endpoint e", decision)]

    assert [finding.code for finding in dms_findings(outlook)] == codes
    assert list(dms_changes(outlook)) == changes


def test_ten_thousand_tables_take_under_half_a_second():
    many = tuple(Table(schema="shop", name=f"table_{n}", has_primary_key=n % 2 == 0) for n in range(10_000))
    situation = replace(FINE, tables=many)

    def seconds() -> float:
        started = time.process_time()
        preflight(situation)
        return time.process_time() - started

    assert min(seconds() for _ in range(3)) < 0.5

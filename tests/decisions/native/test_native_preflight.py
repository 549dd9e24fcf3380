"""What stops native replication before its first change, and what is only said: the table is the specification."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pg_cdc.decisions.native.names import comment
from pg_cdc.decisions.native.plan import make_native_plan
from pg_cdc.decisions.native.preflight import native_preflight
from pg_cdc.decisions.native.world import Publication, Subscription
from pg_cdc.decisions.preflight.engine_advice import EngineKind, advise_engine
from pg_cdc.decisions.preflight.findings import blocking
from pg_cdc.decisions.world import Table
from tests.decisions.native.native_facts import RULES, situation, slot
from tests.decisions.parameters.parameter_world import aurora, rds, server

OTHERS = Publication(all_tables=False, comment="by hand", tables=frozenset())
OURS = replace(OTHERS, comment=comment(situation().migration))
SUBSCRIPTION = Subscription(
    oid=1, enabled=True, slot_name="s", publications=("p",), comment=None, tables=1, tables_not_ready=0
)
KEYLESS = Table(schema="shop", name="clicks", has_primary_key=False)
FULL = {"native": {"keyless_tables": "identity-full"}}
ELSEWHERE = replace(server(), system_identifier="8", postmaster_started="2026-02-02T00:00:00+00:00")


def codes(found) -> set[str]:
    return {finding.code for finding in blocking(native_preflight(found))}


@pytest.mark.parametrize(
    ("found", "code"),
    [
        pytest.param(
            situation(server=replace(server(), version_num=120009)), "version_too_old_for_native", id="old-source"
        ),
        pytest.param(
            situation(target_server=replace(server(), version_num=120009)),
            "version_too_old_for_native",
            id="old-target",
        ),
        pytest.param(
            situation(spec={"source": {"read_from": "shop-r1"}}),
            "read_from_is_for_dms",
            id="a-read-replica-to-read-from",
        ),
        pytest.param(
            situation(spec={"replication": {"migration_type": "cdc"}}), "only_full_load_and_cdc", id="changes-only"
        ),
        pytest.param(
            situation(target_server=replace(ELSEWHERE, admin_roles=("rds_replication",))),
            "target_may_not_subscribe",
            id="the-target-s-login-may-not-subscribe",
        ),
        pytest.param(
            situation(target_server=replace(server(max_logical_replication_workers="0"), postmaster_started="x")),
            "target_without_workers",
            id="no-apply-worker",
        ),
        pytest.param(situation(publication=OTHERS), "publication_taken", id="a-publication-of-that-name"),
        pytest.param(situation(subscription=SUBSCRIPTION), "subscription_taken", id="a-subscription-of-that-name"),
        pytest.param(situation(slot=slot()), "slot_taken", id="a-slot-of-that-name-that-the-ledger-does-not-know"),
        pytest.param(
            situation(target_tables=frozenset({("shop", "orders")})), "tables_on_target", id="a-table-on-the-target"
        ),
        pytest.param(
            situation(Table(schema="shop", name="log", persistence="u")), "unlogged_tables", id="an-unlogged-table"
        ),
        pytest.param(situation(Table(schema="other", name="log")), "nothing_selected", id="no-table"),
        pytest.param(situation(KEYLESS), "keyless_tables", id="no-key"),
        pytest.param(
            situation(KEYLESS, spec=FULL, uncomparable=(("shop", "clicks"),)),
            "keyless_and_uncomparable",
            id="no-key-and-a-json-column",
        ),
        pytest.param(
            situation(spec={"native": {"ssl_mode": "verify-full"}}),
            "no_root_certificate",
            id="verified-tls-without-a-certificate",
        ),
    ],
)
def test_stops_the_run(found, code):
    assert code in codes(found)


@pytest.mark.parametrize(
    "found",
    [
        pytest.param(situation(target_server=ELSEWHERE), id="nothing-in-the-way"),
        pytest.param(situation(target_server=ELSEWHERE, publication=OURS), id="our-own-publication"),
        pytest.param(situation(target_server=ELSEWHERE, slot=slot(), slot_is_ours=True), id="our-own-slot"),
        pytest.param(
            situation(
                target_server=ELSEWHERE,
                target_tables=frozenset({("shop", "orders")}),
                made=frozenset({("shop", "orders")}),
            ),
            id="tables-that-this-migration-made",
        ),
        pytest.param(situation(KEYLESS, target_server=ELSEWHERE, spec=FULL), id="no-key-and-identity-full"),
        pytest.param(
            situation(replace(KEYLESS, identity="i"), target_server=ELSEWHERE), id="no-key-and-an-index-as-identity"
        ),
    ],
)
def test_does_not_stop_the_run(found):
    assert codes(found) == set()


def test_another_database_of_one_server_is_a_note_since_it_does_not_hang():
    found = situation(spec={"target": {"database": "copy"}})

    (note,) = (finding for finding in native_preflight(found) if finding.code == "same_server")

    assert note.severity == "note" and not blocking([note])


@pytest.mark.parametrize(
    ("value", "target", "told"),
    [
        pytest.param("pglz", rds(), True, id="the-default-of-rds"),
        pytest.param("on", rds(), True, id="as-14-and-before-show-it"),
        pytest.param("on", None, True, id="a-server-of-ones-own"),
        pytest.param("lz4", rds(), False, id="a-fast-one"),
        pytest.param("off", rds(), False, id="off"),
        pytest.param("pglz", aurora(), False, id="aurora-writes-no-page-images"),
    ],
)
def test_what_compressing_costs_the_index_builds_is_a_note(value, target, told):
    found = situation(target_server=server(wal_compression=value), target_database=target)

    notes = [finding for finding in native_preflight(found) if finding.code == "target_compresses_wal"]

    assert [note.severity for note in notes] == (["note"] if told else [])


@pytest.mark.parametrize(
    ("found", "engine", "reason"),
    [
        pytest.param(situation(), EngineKind.NATIVE, "every type arrives as it is", id="nothing-against-it"),
        pytest.param(
            situation(lossy_columns=("shop.orders.note",)), EngineKind.NATIVE, "shop.orders.note", id="dms-would-cut"
        ),
        pytest.param(
            situation(Table(schema="shop", name="q1", partition_of="shop.orders")),
            EngineKind.NATIVE,
            "1 partition",
            id="partitions",
        ),
        pytest.param(
            situation(server=replace(server(), version_num=120009)), EngineKind.DMS, "PostgreSQL 12", id="too-old"
        ),
        pytest.param(
            situation(
                spec={
                    "tables": {
                        "rules": [
                            {
                                "schema": "shop",
                                "table": "orders",
                                "filters": [{"column": "id", "operator": "eq", "value": 1}],
                            }
                        ]
                    }
                }
            ),
            EngineKind.DMS,
            "rules have filters",
            id="filters",
        ),
        pytest.param(
            situation(spec={"replication": {"migration_type": "full-load"}}),
            EngineKind.DMS,
            "full-load is asked for",
            id="a-copy-alone",
        ),
        pytest.param(
            situation(KEYLESS, spec=FULL, uncomparable=(("shop", "clicks"),)),
            EngineKind.DMS,
            "without equality",
            id="rows-that-cannot-be-found",
        ),
    ],
)
def test_the_engine_is_advised_by_what_was_found(found, engine, reason):
    advice = advise_engine(found)

    assert advice.engine is engine
    assert reason in advice.told()


def test_the_plan_names_everything_that_is_made_and_nothing_that_is_there():
    fresh = make_native_plan(situation(KEYLESS, spec=FULL))
    again = make_native_plan(
        situation(
            publication=OURS,
            subscription=replace(SUBSCRIPTION, comment=OURS.comment),
            made=frozenset({("shop", "orders"), ("shop", "customers")}),
            roles=frozenset({"app_dms"}),
        )
    )

    told = " ".join(fresh.changes)
    for word in (
        "publication pg_cdc_orders",
        "subscription pg_cdc_orders",
        "replica identity full",
        "slot pg_cdc_orders_",
    ):
        assert word in told
    assert not any(word in " ".join(again.changes) for word in ("publication ", "subscription ", "make the role"))
    assert RULES

"""What others need stays, whoever they are: strangers, users, other migrations here and elsewhere."""

from __future__ import annotations

import pytest
from airflow.sdk.exceptions import AirflowFailException

from pg_cdc.decisions.teardown.residue import Fate, is_clean
from pg_cdc.failures import NotYet
from pg_cdc.operators.teardown.sql import (
    DropDmsRoleOperator,
    RemoveControlSchemaOperator,
    RemoveDdlAuditOperator,
    RemovePglogicalOperator,
)
from tests.fix_bootstrap import DMS_PASSWORD
from tests.shell.teardown_sql.conftest import SOURCE_STEPS


class TestTheDmsRole:
    def test_that_owns_a_users_table_is_left_with_the_command_and_the_table_stays(self, whole):
        whole.source.make_schema("mine", whole.source.dms)
        with whole.source.login(whole.source.dms, DMS_PASSWORD) as conn:
            conn.execute("CREATE TABLE mine.diary (id integer)")
            conn.execute("INSERT INTO mine.diary VALUES (7)")

        whole.run_all()

        line = whole.line("role")
        assert line.fate is Fate.LEFT
        assert line.why == "it owns schema mine, table mine.diary"
        assert f"REASSIGN OWNED BY {whole.source.dms} TO" in line.command
        assert whole.sql("SELECT id FROM mine.diary") == [(7,)]
        assert [one.kind for one in whole.residue() if one.fate is Fate.LEFT] == ["role"]

    def test_is_left_with_a_warning_and_without_a_change_each_time(self, whole):
        whole.source.make_schema("mine", whole.source.dms)

        for _ in range(2):
            told = whole.run(DropDmsRoleOperator)
            assert told["changes"] == []
            assert "is left: it owns schema mine" in told["warnings"][0]

    def test_that_was_there_before_is_not_ours(self, scene):
        scene.source.make_role(scene.source.dms)
        scene.bootstrap()

        scene.run_all()

        assert scene.line("role").fate is Fate.FOREIGN
        assert scene.sql("SELECT count(*) FROM pg_roles WHERE rolname = %s", scene.source.dms) == [(1,)]

    @pytest.mark.exhaustive
    def test_that_owns_what_stays_as_asked_stays_too(self, whole):
        whole.run_all(["ddl_audit"])

        line = whole.line("role", ["ddl_audit"])
        assert line.fate is Fate.KEPT
        assert "it owns function dms_replication.awsdms_intercept_ddl()" in line.why

    def test_that_a_strangers_endpoint_logs_in_with_stays(self, whole, strangers_endpoint):
        strangers_endpoint(whole, username=whole.source.dms, database="other")

        whole.run_all()

        assert whole.line("role").why == "needed by DMS endpoint strangers"
        assert whole.line("event trigger").fate is Fate.GONE

    @pytest.mark.exhaustive
    def test_of_an_endpoint_with_another_role_goes(self, whole, strangers_endpoint):
        strangers_endpoint(whole, username="somebody", database="other")

        whole.run_all()

        assert is_clean(whole.residue())
        assert whole.line("role").fate is Fate.GONE


class TestTheAudit:
    def test_stays_for_a_strangers_endpoint_of_the_same_database(self, whole, strangers_endpoint):
        strangers_endpoint(whole, username="somebody", database=whole.source.name)

        assert whole.run(RemoveDdlAuditOperator)["changes"] == []
        assert whole.line("event trigger").why == "needed by DMS endpoint strangers"

    def test_an_event_trigger_of_its_name_with_another_function_is_not_ours(self, scene):
        with scene.admin() as conn:
            conn.execute("CREATE FUNCTION public.mine() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'")
            conn.execute("CREATE EVENT TRIGGER awsdms_intercept_ddl ON ddl_command_end EXECUTE FUNCTION public.mine()")

        assert scene.run(RemoveDdlAuditOperator)["changes"] == []

        line = scene.line("event trigger")
        assert line.fate is Fate.FOREIGN
        assert line.why == "it calls public.mine on ddl_command_end, which is not our text"
        assert scene.sql("SELECT evtname FROM pg_event_trigger") == [("awsdms_intercept_ddl",)]

    def test_a_function_of_its_name_with_another_text_is_not_ours_nor_is_its_table(self, whole):
        whole.sql(
            "CREATE OR REPLACE FUNCTION dms_replication.awsdms_intercept_ddl() RETURNS event_trigger"
            " LANGUAGE plpgsql AS 'BEGIN PERFORM 1; END'"
        )

        assert whole.run(RemoveDdlAuditOperator)["changes"] == ["dropped table dms_replication.awsdms_heartbeat"]

        assert whole.line("function").fate is Fate.FOREIGN
        assert whole.line("table", name="dms_replication.awsdms_ddl").fate is Fate.FOREIGN
        assert whole.line("schema", name="dms").why.startswith("it holds function dms_replication.awsdms_intercept_ddl")
        assert whole.line("role").fate is Fate.LEFT

    def test_a_function_that_a_users_event_trigger_calls_is_left(self, whole):
        whole.sql(
            "CREATE EVENT TRIGGER users_own ON ddl_command_end EXECUTE FUNCTION dms_replication.awsdms_intercept_ddl()"
        )

        told = whole.run(RemoveDdlAuditOperator)

        assert "dropped event trigger awsdms_intercept_ddl" in told["changes"]
        assert "function dms_replication.awsdms_intercept_ddl() is left: event trigger users_own" in told["warnings"][0]
        assert "table dms_replication.awsdms_ddl_audit is left: event trigger users_own" in told["warnings"][1]
        whole.sql("CREATE TABLE public.ddl_still_works (id integer)")

    def test_a_schema_with_a_strangers_table_is_left_and_the_table_too(self, whole):
        whole.sql("CREATE TABLE dms_replication.strangers (id integer)")

        whole.run_all()

        assert whole.line("schema", name="dms_replication").why == "it holds table dms_replication.strangers"
        assert whole.line("schema", name="dms_replication").command == "DROP SCHEMA dms_replication"
        assert whole.line("role").why == f"it owns schema dms_replication of {whole.source.name}"
        assert whole.sql("SELECT count(*) FROM dms_replication.strangers") == [(0,)]

    def test_a_view_on_the_audit_table_stops_the_step_and_nothing_of_it_is_lost(self, whole):
        whole.sql("CREATE VIEW public.watching AS SELECT c_tag FROM dms_replication.awsdms_ddl_audit")

        with pytest.raises(AirflowFailException, match=r"view .*watching depends on table"):
            whole.run(RemoveDdlAuditOperator)

        assert whole.line("event trigger").fate is Fate.LEFT
        assert whole.sql("SELECT count(*) FROM public.watching") == [(0,)]

    def test_a_schema_that_was_there_before_is_not_ours(self, scene):
        scene.sql("CREATE SCHEMA dms_replication")
        scene.bootstrap()

        scene.run_all()

        assert scene.line("schema", name="dms_replication").fate is Fate.FOREIGN
        assert scene.line("function").fate is Fate.GONE
        assert is_clean(scene.residue())


class TestPglogical:
    def test_that_was_there_before_stays_but_for_the_sets_of_our_slots(self, scene):
        scene.sql("CREATE EXTENSION pglogical")
        scene.bootstrap()
        slot = scene.slot(f"s_{scene.source.name}")
        scene.sql("SELECT pglogical.create_node('before', 'dbname=x')")
        for name in (slot, f"i{slot}", "users"):
            scene.sql("SELECT pglogical.create_replication_set(%s)", name)

        assert scene.run(RemovePglogicalOperator)["changes"] == [
            f"dropped replication set i{slot}",
            f"dropped replication set {slot}",
        ]

        assert scene.run(RemovePglogicalOperator)["changes"] == []
        fates = scene.fates()
        assert fates[f"extension pglogical of {scene.source.name}"] is Fate.FOREIGN
        assert fates["replication set users"] is Fate.FOREIGN
        assert fates["pglogical node before"] is Fate.FOREIGN

    def test_of_ours_goes_with_the_node_and_the_sets_that_dms_made(self, whole):
        slot = f"s_{whole.source.name}"
        whole.sql("SELECT pglogical.create_node('awsdms_node', 'dbname=x')")
        whole.sql("SELECT pglogical.create_replication_set(%s)", slot)
        whole.sql("SELECT pglogical.replication_set_add_table(%s, 'shop.orders')", slot)

        whole.run_all()

        assert whole.line("extension").fate is Fate.GONE
        assert is_clean(whole.residue())

    @pytest.mark.parametrize("plugin", ["pglogical_output", "pglogical"])
    def test_of_ours_stays_for_a_strangers_slot(self, whole, plugin):
        slot = whole.slot(f"x_{whole.source.name}", plugin=plugin, recorded=False)

        assert whole.run(RemovePglogicalOperator)["changes"] == []
        assert whole.line("extension").why == f"needed by slot {slot}"

    def test_of_ours_stays_for_a_strangers_replication_set(self, whole):
        whole.sql("SELECT pglogical.create_node('node', 'dbname=x')")
        whole.sql("SELECT pglogical.create_replication_set('users')")

        assert whole.run(RemovePglogicalOperator)["changes"] == []
        assert whole.line("extension").why == "needed by replication set users"

    def test_a_schema_without_its_extension_goes_too(self, whole):
        whole.sql("DROP EXTENSION pglogical")

        assert whole.run(RemovePglogicalOperator)["changes"] != []
        assert whole.line("extension").fate is Fate.GONE


class TestAnotherMigrationOfTheSameDatabase:
    def test_keeps_what_it_shares_and_nothing_of_its_own_goes(self, whole):
        whole.begin("second")

        changes = whole.run_all()

        assert is_clean(whole.residue())
        for kind in ("event trigger", "function", "extension", "role"):
            assert whole.line(kind).why == "needed by migration second"
        assert whole.line("schema", name="pgcdc of postgres").fate is Fate.KEPT
        assert whole.line("schema", name="pgcdc of shop").why == "it holds rows of second"
        assert "deleted the rows of shop in pgcdc.marker" in changes
        assert whole.sql("SELECT migration FROM pgcdc.marker") == [("second",)]
        assert whole.sql("SELECT migration FROM pgcdc.reboot") == [("second",)]

    @pytest.mark.exhaustive
    def test_of_the_two_the_last_one_takes_all_with_it(self, whole):
        other = whole.begin("second")
        whole.run_all()

        other.run_all()

        assert is_clean(other.residue())
        assert {line.fate for line in whole.residue()} == {Fate.GONE, Fate.KEPT}
        assert whole.sql("SELECT count(*) FROM pg_roles WHERE rolname = %s", whole.source.dms) == [(0,)]

    def test_a_slot_that_the_ledger_gives_to_it_is_not_ours(self, whole):
        slot = whole.slot(f"o_{whole.source.name}", migration="second")

        whole.run_all()

        line = whole.line("replication slot", name=slot)
        assert line.fate is Fate.FOREIGN
        assert line.why.endswith("the ledger gives it to migration second")

    def test_whose_endpoint_logs_in_with_another_role_does_not_keep_ours(self, whole, strangers_endpoint):
        whole.begin("second")
        strangers_endpoint(whole, username="other_dms", database="elsewhere", identifier="pg-cdc-second-source")

        assert whole.run(RemoveDdlAuditOperator)["changes"] == []
        assert whole.line("event trigger").why == "needed by migration second"
        assert "migration second" not in whole.line("role").why


class TestAMigrationOfAnotherDatabase:
    def test_keeps_the_role_and_the_books_and_all_else_goes(self, whole):
        other = whole.elsewhere()
        other.bootstrap(pglogical=False)
        other.books()

        whole.run_all()

        assert is_clean(whole.residue())
        assert whole.line("role").why.startswith(f"needed by database {other.source.name}")
        assert whole.line("schema", name="pgcdc of postgres").why == (
            f"needed by migration second of database {other.source.name}"
        )
        for kind in ("event trigger", "function", "extension"):
            assert whole.line(kind).fate is Fate.GONE
        query = "SELECT has_table_privilege(%s, 'shop.orders', 'SELECT')"
        assert whole.sql(query, whole.source.dms) == [(False,)]
        assert whole.run(DropDmsRoleOperator)["changes"] == []
        with other.source.login(other.source.dms, DMS_PASSWORD) as conn:
            conn.execute("SELECT 1")
        assert other.line("event trigger").fate is Fate.LEFT

    @pytest.mark.exhaustive
    def test_goes_with_the_role_and_the_books(self, whole):
        other = whole.elsewhere()
        other.bootstrap(pglogical=False)
        other.books()
        whole.run_all()

        for step in SOURCE_STEPS:
            if step is RemoveControlSchemaOperator:
                other.parameters_are_back()
            other.run(step)

        assert whole.line("role").fate is Fate.GONE
        assert whole.line("schema", name="pgcdc of postgres").fate is Fate.GONE
        assert {one.fate for one in other.residue() if one.place == "source"} == {Fate.GONE}


class TestTheControlSchema:
    def test_with_a_strangers_table_is_left_whole(self, whole):
        whole.sql("CREATE TABLE pgcdc.strangers (id integer)")

        whole.run_all()

        line = whole.line("schema", name="pgcdc of shop")
        assert (line.fate, line.why) == (Fate.LEFT, "it holds table pgcdc.strangers")
        assert whole.sql("SELECT count(*) FROM pgcdc.marker") == [(0,)]
        assert whole.line("schema", name="pgcdc of postgres").fate is Fate.GONE

    @pytest.mark.exhaustive
    def test_that_a_users_view_looks_into_stops_the_step(self, whole):
        whole.sql("CREATE VIEW public.watching AS SELECT migration FROM pgcdc.marker")

        with pytest.raises(AirflowFailException, match="watching"):
            whole.run_all()

        assert whole.sql("SELECT * FROM public.watching") == [("shop",)]

    @pytest.mark.exhaustive
    def test_with_old_parameter_values_waits_for_the_parameters(self, whole):
        for step in SOURCE_STEPS[:-1]:
            whole.run(step)

        told = whole.run(RemoveControlSchemaOperator)

        assert "the parameters are not back" in told["warnings"][0]
        assert whole.sql("SELECT migration FROM pgcdc.parameter_before") == [("shop",)]
        assert whole.line("rows", name="of shop in pgcdc.parameter_before").fate is Fate.LEFT
        assert whole.line("schema", name="pgcdc of shop").fate is Fate.LEFT

    def test_of_postgres_stays_while_another_run_has_the_lease(self, whole):
        lease(whole, "other / run")

        with pytest.raises(NotYet, match="held by other / run"):
            whole.run(RemoveDdlAuditOperator)

        assert whole.line("event trigger").fate is Fate.LEFT
        assert whole.line("schema", name="pgcdc of postgres").why == "other / run has the lease"

    @pytest.mark.exhaustive
    def test_of_postgres_goes_with_the_lease_of_this_very_run(self, whole):
        lease(whole, "shop / teardown")

        whole.run_all()

        assert whole.line("schema", name="pgcdc of postgres").fate is Fate.GONE

    @pytest.mark.exhaustive
    def test_of_postgres_stays_for_the_watch_over_a_strangers_slot(self, whole):
        slot = whole.slot(f"x_{whole.source.name}", recorded=False)
        whole.sql("CREATE TABLE pgcdc.slot_watch (slot text)", dbname="postgres")

        whole.run_all()

        assert whole.line("schema", name="pgcdc of postgres").why == f"slot hygiene watches {slot}"
        assert whole.line("replication slot", name=slot).fate is Fate.FOREIGN
        assert is_clean(whole.residue())

    @pytest.mark.exhaustive
    def test_of_postgres_goes_with_the_books_of_hygiene_when_nothing_is_watched(self, whole):
        for table in ("slot_watch", "slot_observation"):
            whole.sql(f"CREATE TABLE pgcdc.{table} (slot text)", dbname="postgres")

        whole.run_all()

        assert whole.line("schema", name="pgcdc of postgres").fate is Fate.GONE


def test_where_the_source_is_database_postgres_one_schema_holds_it_all(scene):
    scene.source.make_role(scene.source.dms)
    scene.source.name = scene.source.migration["source"]["database"] = "postgres"
    scene.books()

    told = scene.line("schema", name="pgcdc of postgres")
    assert told.fate is Fate.LEFT
    for table in ("lease", "marker", "slot_owner"):
        assert table in told.why

    scene.parameters_are_back()
    assert "dropped schema pgcdc of database postgres" in scene.run(RemoveControlSchemaOperator)["changes"]
    assert scene.run(RemoveControlSchemaOperator)["changes"] == []


def lease(scene, owner: str) -> None:
    from pg_cdc.hooks.lease import LeaseBook

    with scene.admin("postgres") as conn:
        book = LeaseBook(conn, "teardown-sql")
        book.ensure_table()
        assert book.take(owner, 60)

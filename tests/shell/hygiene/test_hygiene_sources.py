"""Each server is looked at once, however many specs name it, and a broken spec hides no other."""

from __future__ import annotations

import pytest
from airflow.sdk.exceptions import AirflowFailException

from pg_cdc.config.hygiene import hygiene_from_params
from pg_cdc.operators.hygiene.step import ListSourcesOperator, list_servers, migrations_on

SPEC = """
name: {name}
aws: {{conn_id: {aws}}}
source: {{identifier: {identifier}, database: {database}}}
target: {{identifier: elsewhere, database: x}}
tables: {{rules: [{{schema: public, table: "%"}}]}}
"""


@pytest.fixture
def specs(tmp_path, monkeypatch):
    monkeypatch.setattr("pg_cdc.spec.migrations_directory", lambda: tmp_path)

    def write(file: str, *, identifier: str = "shop", database: str = "shop", aws: str = "aws_default") -> None:
        text = SPEC.format(name=file.split(".")[0], identifier=identifier, database=database, aws=aws)
        (tmp_path / file).write_text(text)

    write.directory = tmp_path
    return write


def listed(**params):
    return list_servers(hygiene_from_params(params))


def test_two_migrations_of_one_server_make_one_look_that_knows_both(specs):
    specs("a.yaml")
    specs("b.yaml", database="books")
    specs("c.yaml", identifier="other")

    shop, other = listed()

    assert (shop["label"], shop["spec_files"]) == ("shop", ["a.yaml", "b.yaml"])
    assert [migration.source.database for migration in migrations_on(shop)] == ["shop", "books"]
    assert (other["label"], other["spec_files"]) == ("other", ["c.yaml"])


def test_a_server_of_the_list_joins_its_specs(specs):
    specs("a.yaml")

    (server,) = listed(sources=[{"identifier": "shop", "database": "books", "admin_conn_id": "dba"}])

    assert [migration.source.admin_conn_id for migration in migrations_on(server)] == ["pg_cdc_source", "dba"]


@pytest.mark.parametrize(("database", "other"), [("shop", "postgres"), ("postgres", "template1")])
def test_a_server_of_the_list_stands_at_both_ends(specs, database, other):
    (server,) = listed(sources=[{"identifier": "shop", "database": database}])

    (migration,) = migrations_on(server)
    assert (migration.target.identifier, migration.target.database) == ("shop", other)
    assert migration.target.conn_id == migration.source.admin_conn_id


def test_servers_of_one_name_in_two_accounts_are_told_apart(specs):
    specs("a.yaml")
    specs("b.yaml", aws="aws_production")

    assert [server["label"] for server in listed()] == ["shop (aws_default)", "shop (aws_production)"]


def test_only_the_named_files_are_read(specs):
    specs("a.yaml")
    specs("b.yaml", identifier="other")

    assert [server["label"] for server in listed(spec_files=["b.yaml"])] == ["other"]


def test_a_broken_or_missing_spec_is_a_server_that_cannot_be_checked_and_hides_no_other(specs):
    specs("a.yaml")
    (specs.directory / "broken.yaml").write_text("name: [")

    shop, broken, missing = listed(spec_files=["a.yaml", "broken.yaml", "missing.yaml"])

    assert (shop["label"], shop["error"]) == ("shop", "")
    assert "broken YAML" in broken["error"]
    assert "missing.yaml" in missing["error"]


def test_a_run_that_would_look_at_nothing_fails(specs):
    with pytest.raises(AirflowFailException, match="no server to look at"):
        ListSourcesOperator(task_id="list_sources", hygiene={}).execute({"params": {}})


def test_what_the_step_returns_is_what_is_mapped_over(specs):
    specs("a.yaml")

    done = ListSourcesOperator(task_id="list_sources", hygiene={}).execute({"params": {}})

    assert [server["label"] for server in done] == ["shop"]

"""The spec: defaults that work, all problems named at once, and files that say which databases they mean."""

from __future__ import annotations

from pathlib import Path

import pytest

from pg_cdc import spec as spec_module
from pg_cdc.config import Migration
from pg_cdc.failures import SpecInvalid
from pg_cdc.spec import (
    load_migration,
    migration_from_mapping,
    migration_from_params,
    migrations_directory,
    spec_file_names,
)

SPECS = migrations_directory()
SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop/dms-a1B2c3"
ROLE = "arn:aws:iam::123456789012:role/dms-secrets"
CERTIFICATE = "arn:aws:dms:eu-west-1:123456789012:cert:ABC"


def problems(given) -> SpecInvalid:
    with pytest.raises(SpecInvalid) as refused:
        migration_from_mapping(given)
    return refused.value


def test_the_defaults_are_a_migration():
    migration = Migration()

    assert (migration.source.identifier, migration.target.identifier) == ("shop", "shop-replica")
    assert [rule.get("action", "include") for rule in migration.tables.rules] == ["include", "exclude"]


def test_a_spec_is_frozen():
    with pytest.raises(ValueError, match="frozen"):
        Migration().name = "other"


@pytest.mark.parametrize(
    ("given", "where"),
    [
        pytest.param({"name": "Shop"}, "name", id="name-in-upper-case"),
        pytest.param({"name": "shop_1"}, "name", id="name-with-underscore"),
        pytest.param({"name": "1shop"}, "name", id="name-that-starts-with-a-digit"),
        pytest.param({"name": "a--b"}, "name", id="name-with-two-hyphens"),
        pytest.param({"name": "shop-"}, "name", id="name-that-ends-in-a-hyphen"),
        pytest.param({"name": "a" * 31}, "name", id="name-too-long"),
        pytest.param({"name": ""}, "name", id="name-empty"),
        pytest.param({"name": "shop'; drop table x"}, "name", id="name-with-sql"),
        pytest.param({"source": {"identifier": "Shop"}}, "source.identifier", id="identifier-in-upper-case"),
        pytest.param({"source": {"identifier": "a" * 64}}, "source.identifier", id="identifier-too-long"),
        pytest.param({"source": {"database": ""}}, "source.database", id="no-database"),
        pytest.param({"source": {"admin_conn_id": None}}, "source.admin_conn_id", id="no-admin-connection"),
        pytest.param({"source": {"admin_conn_id": "a b"}}, "source.admin_conn_id", id="connection-with-a-space"),
        pytest.param({"aws": {"region": "Frankfurt"}}, "aws.region", id="not-a-region"),
        pytest.param({"dms_role": {"name": "App"}}, "dms_role.name", id="role-in-upper-case"),
        pytest.param({"dms_role": {"secret_arn": "shop/dms"}}, "dms_role.secret_arn", id="secret-name-for-an-arn"),
        pytest.param({"dms_role": {"secret_arn": SECRET}}, "dms_role.secret_access_role_arn", id="secret-without-role"),
        pytest.param({"dms_role": {"conn_id": None}}, "dms_role.conn_id", id="no-password-of-the-role"),
        pytest.param({"target": {"conn_id": None}}, "target.conn_id", id="no-password-of-the-target"),
        pytest.param({"target": {"identifier": "a", "host": "b"}}, "target.identifier", id="identifier-and-host"),
        pytest.param({"target": {"identifier": None}}, "target.identifier", id="neither-identifier-nor-host"),
        pytest.param({"target": {"host": "h;x"}}, "target.host", id="not-a-host"),
        pytest.param({"target": {"port": 0}}, "target.port", id="port-0"),
        pytest.param({"target": {"identifier": "shop"}}, "target", id="target-equal-to-source"),
        pytest.param({"tables": {"rules": []}}, "tables.rules", id="no-rules"),
        pytest.param({"tables": {"rules": "shop.%"}}, "tables.rules", id="rules-not-a-list"),
        pytest.param({"tables": {"rules": [{"schema": "shop"}]}}, "tables.rules[0].table", id="rule-without-table"),
        pytest.param(
            {"replication": {"ssl_mode": "verify-full"}}, "replication.certificate_arn", id="verify-full-uncertified"
        ),
        pytest.param({"replication": {"ssl_mode": "verify-ca"}}, "replication.certificate_arn", id="verify-ca"),
        pytest.param({"replication": {"ssl_mode": "prefer"}}, "replication.ssl_mode", id="unknown-ssl-mode"),
        pytest.param({"replication": {"migration_type": "cdc-only"}}, "replication.migration_type", id="unknown-type"),
        pytest.param(
            {"replication": {"instance_class": "t3.medium"}}, "replication.instance_class", id="instance-class"
        ),
        pytest.param({"replication": {"allocated_storage_gb": 4}}, "replication.allocated_storage_gb", id="storage"),
        pytest.param(
            {"replication": {"task_settings": {"Loging": {}}}}, "replication.task_settings.Loging", id="task-settings"
        ),
        pytest.param({"timeouts": {"poll_seconds": 0}}, "timeouts.poll_seconds", id="poll-without-pause"),
        pytest.param({"safety": {"dry_run": "perhaps"}}, "safety.dry_run", id="neither-true-nor-false"),
        pytest.param({"sources": {}}, "sources", id="unknown-section"),
        pytest.param({"source": {"identifer": "x"}}, "source.identifer", id="misspelt-key"),
    ],
)
def test_a_wrong_value_is_named_with_its_place(given, where):
    refused = problems(given)

    assert f"{where}: " in refused.found
    assert f"{where}: " in refused.expected
    assert refused.next


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"name": "a"}, id="shortest-name"),
        pytest.param({"name": "a" * 30}, id="longest-name"),
        pytest.param({"dms_role": {"secret_arn": SECRET, "secret_access_role_arn": ROLE}}, id="secret-with-role"),
        pytest.param(
            {"replication": {"ssl_mode": "verify-full", "certificate_arn": CERTIFICATE}}, id="verify-full-certified"
        ),
        pytest.param({"target": {"identifier": "shop", "database": "copy"}}, id="another-database-of-the-same-cluster"),
        pytest.param({"target": {"identifier": None, "host": "db.example.org"}}, id="host-for-identifier"),
        pytest.param({"target": {"identifier": None, "host": "::1"}}, id="an-address"),
        pytest.param({"source": {"database": "Größe 1"}}, id="a-database-of-any-name"),
    ],
)
def test_a_right_value_is_taken(given):
    assert migration_from_mapping(given)


def test_a_host_without_an_identifier_replaces_the_default_identifier():
    assert migration_from_mapping({"target": {"host": "db.example.org"}}).target.identifier is None


def test_all_problems_are_named_at_once():
    refused = problems(
        {"name": "X", "source": {"identifier": "Y"}, "target": {"conn_id": None}, "tables": {"rules": []}}
    )

    for place in ("name", "source.identifier", "target.conn_id", "tables.rules"):
        assert f"\n  {place}: " in refused.found


def test_a_password_put_where_none_belongs_is_not_repeated():
    assert "s3cret" not in str(problems({"source": {"password": "s3cret"}}))


def test_an_empty_field_of_the_form_means_none():
    migration = migration_from_params({"target_identifier": "", "target_host": "db.example.org", "aws_region": ""})

    assert (migration.target.identifier, migration.aws.region) == (None, None)


def test_a_param_that_no_field_has_is_refused():
    with pytest.raises(SpecInvalid) as refused:
        migration_from_params({"nome": "shop"})

    assert "nome" in refused.value.found


def test_a_problem_of_the_form_is_named_by_its_place():
    with pytest.raises(SpecInvalid) as refused:
        migration_from_params({"name": "shop", "source_identifier": "Shop"})

    assert "source.identifier" in refused.value.found
    assert "form" in refused.value.next


@pytest.mark.parametrize("file", sorted(migrations_directory().rglob("*.yaml")), ids=lambda file: file.stem)
def test_an_example_is_a_migration(file: Path):
    assert load_migration(file.read_text())


def test_the_shop_example_says_what_the_form_says_by_default():
    assert migration_from_params({"spec_file": "shop.yaml"}) == Migration()


def test_a_spec_file_wins_over_the_form():
    migration = migration_from_params({"spec_file": "shop.yaml", "name": "ignored"})

    assert migration.name == "shop"


def test_an_example_is_no_spec_file_until_it_is_copied_beside_the_others():
    assert spec_file_names() == ("shop.yaml",)


def test_a_dry_run_of_a_spec_file_may_be_asked_for_in_the_form():
    given = {"spec_file": "shop.yaml", "safety_dry_run": True}

    assert migration_from_params(given).safety.dry_run
    assert not migration_from_params({**given, "safety_dry_run": False}).safety.dry_run


@pytest.mark.parametrize(
    "name",
    ["../secrets.yaml", "/etc/passwd", "..", "a/b.yaml", "nowhere.yaml", "shop.txt", ".hidden.yaml", "shop.yaml\n"],
)
def test_a_spec_file_outside_the_directory_is_refused(name):
    with pytest.raises(SpecInvalid) as refused:
        migration_from_params({"spec_file": name})

    assert "shop.yaml" in refused.value.expected


def test_a_link_out_of_the_directory_is_refused(tmp_path, monkeypatch):
    (tmp_path / "outside.yaml").write_text("name: outside")
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "link.yaml").symlink_to(tmp_path / "outside.yaml")
    monkeypatch.setattr(spec_module, "migrations_directory", lambda: tmp_path / "specs")

    with pytest.raises(SpecInvalid):
        migration_from_params({"spec_file": "link.yaml"})


def test_the_directory_of_the_spec_files_may_be_named(tmp_path, monkeypatch):
    monkeypatch.setenv("PG_CDC_MIGRATIONS", str(tmp_path))
    (tmp_path / "orders.yaml").write_text((SPECS / "shop.yaml").read_text())

    assert spec_file_names() == ("orders.yaml",)
    assert migration_from_params({"spec_file": "orders.yaml"}).name == "shop"
    with pytest.raises(SpecInvalid) as refused:
        migration_from_params({"spec_file": "shop.yaml"})
    assert f"a file in {tmp_path}; there: orders.yaml" in refused.value.expected


def test_a_directory_that_is_named_and_is_not_there_has_no_files(tmp_path, monkeypatch):
    monkeypatch.setenv("PG_CDC_MIGRATIONS", str(tmp_path / "nowhere"))

    assert spec_file_names() == ()


@pytest.mark.parametrize("left_out", ["name", "source", "target", "tables"])
def test_a_file_says_itself_which_databases_it_means(left_out):
    import yaml

    given = yaml.safe_load((migrations_directory() / "shop.yaml").read_text())
    del given[left_out]

    with pytest.raises(SpecInvalid) as refused:
        load_migration(yaml.safe_dump(given))

    assert left_out in refused.value.found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("name: [", "broken YAML at line", id="broken"),
        pytest.param("- shop", "no mapping", id="a-list"),
        pytest.param("", "no mapping", id="empty"),
        pytest.param("name: !!python/object/apply:os.system ['true']", "broken YAML", id="with-code-in-it"),
    ],
)
def test_a_file_that_is_no_mapping_is_refused(text, found):
    with pytest.raises(SpecInvalid) as refused:
        load_migration(text)

    assert found in refused.value.found

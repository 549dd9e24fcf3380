"""An endpoint's settings are put right while nobody uses it; which database it means is never changed."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from pg_cdc.config import Migration, Plugin
from pg_cdc.decisions.dms.endpoints import (
    IDENTITY,
    Address,
    Endpoint,
    compare_endpoint,
    create_request,
    modify_request,
    password_request,
    plugin_name,
    says_wrong_password,
    wanted_source,
    wanted_target,
)
from pg_cdc.decisions.dms.resources import Create, Modify, Nothing, Refuse
from pg_cdc.decisions.world import Server
from pg_cdc.failures import Differs, NotOurs
from tests.decisions.dms.test_dms_resources import ADOPTING, MIGRATION, OURS, SOURCE, spec

SERVER = Server(
    version_num=150004,
    in_recovery=False,
    current_user="postgres",
    admin_roles=("rds_superuser",),
    postmaster_started="2026-11-20",
    system_identifier="1",
    settings={"shared_preload_libraries": "pg_stat_statements, pglogical"},
    slots=(),
    wal_senders_used=0,
    available_extensions=("pglogical",),
    installed_extensions=("plpgsql", "pglogical"),
)
SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:dms-AbCdEf"
BY_SECRET = Migration.model_validate(
    {"name": "shop", "dms_role": {"secret_arn": SECRET, "secret_access_role_arn": "arn:aws:iam::123456789012:role/x"}}
)
WANTED = wanted_source(MIGRATION, SOURCE, SERVER)
FOUND = replace(WANTED, arn="arn:ep", status="active", tags=OURS)


def without(plugin: str) -> Server:
    return replace(SERVER, installed_extensions=("plpgsql",)) if plugin == "created" else replace(SERVER, settings={})


@pytest.mark.parametrize(
    ("plugin", "server", "name"),
    [
        pytest.param(Plugin.AUTO, SERVER, "pglogical", id="auto-with-pglogical-ready"),
        pytest.param(Plugin.AUTO, without("created"), "test-decoding", id="auto-preloaded-but-not-created"),
        pytest.param(Plugin.AUTO, without("preloaded"), "test-decoding", id="auto-created-but-not-preloaded"),
        pytest.param(Plugin.TEST_DECODING, SERVER, "test-decoding", id="the-api-spells-it-with-a-hyphen"),
        pytest.param(Plugin.PGLOGICAL, without("created"), "pglogical", id="what-the-spec-says-is-said"),
    ],
)
def test_plugin_name(plugin, server, name):
    assert plugin_name(plugin, server) == name


def test_a_source_goes_to_the_writer_with_its_artifacts_and_a_heartbeat():
    assert (WANTED.server, WANTED.port, WANTED.database) == ("shop.cluster.example", 5432, "shop")
    assert WANTED.engine == "aurora-postgresql"
    assert WANTED.settings == {
        "PluginName": "pglogical",
        "CaptureDdls": True,
        "DdlArtifactsSchema": "dms_replication",
        "HeartbeatEnable": True,
        "HeartbeatSchema": "dms_replication",
        "HeartbeatFrequency": 5,
        "MapBooleanAsBoolean": True,
    }


def test_booleans_stay_booleans_on_both_ends():
    target = wanted_target(MIGRATION, Address(host="t", port=5432, user="app"))

    assert target.settings["MapBooleanAsBoolean"] is WANTED.settings["MapBooleanAsBoolean"] is True


def test_with_a_secret_neither_login_nor_address_is_given():
    request = create_request(BY_SECRET, wanted_source(BY_SECRET, SOURCE, SERVER), None)

    assert not request.keys() & {"Username", "Password", "ServerName", "Port"}
    assert request["PostgreSQLSettings"]["SecretsManagerSecretId"] == SECRET
    assert request["DatabaseName"] == "shop"


def test_without_a_secret_the_login_is_given():
    request = create_request(MIGRATION, WANTED, "s3cret")

    assert (request["Username"], request["Password"]) == ("app_dms", "s3cret")
    assert "SecretsManagerSecretId" not in request["PostgreSQLSettings"]


def test_no_endpoint_fact_can_hold_a_password():
    assert not [f.name for f in fields(Endpoint) if "password" in f.name]


@pytest.mark.parametrize(
    ("change", "running", "kind"),
    [
        pytest.param(None, (), Create, id="missing"),
        pytest.param({}, (), Nothing, id="equal"),
        pytest.param({}, ("pg-cdc-shop",), Nothing, id="equal-and-in-use"),
        pytest.param({"ssl_mode": "none"}, (), Modify, id="ssl-mode"),
        pytest.param({"username": "postgres"}, (), Modify, id="another-login"),
        pytest.param({"secret_arn": SECRET}, (), Modify, id="a-secret-where-a-login-is-wanted"),
        pytest.param({"settings": {}}, (), Modify, id="settings-missing"),
        pytest.param({"settings": {**WANTED.settings, "HeartbeatEnable": False}}, (), Modify, id="heartbeat-off"),
        pytest.param({"settings": {**WANTED.settings, "MaxFileSize": 1}}, (), Nothing, id="a-setting-we-do-not-set"),
        pytest.param({"ssl_mode": "none"}, ("pg-cdc-shop",), Refuse, id="ssl-mode-under-a-running-task"),
        pytest.param({"server": "elsewhere"}, (), Refuse, id="another-server"),
        pytest.param({"port": 5433}, (), Refuse, id="another-port"),
        pytest.param({"database": "billing"}, (), Refuse, id="another-database"),
        pytest.param({"engine": "mysql"}, (), Refuse, id="another-engine"),
        pytest.param({"end": "target"}, (), Refuse, id="the-other-end"),
        pytest.param({"tags": {}}, (), Refuse, id="not-ours"),
    ],
)
def test_an_endpoint_is(change, running, kind):
    found = None if change is None else replace(FOUND, **change)

    assert isinstance(compare_endpoint(MIGRATION, WANTED, found, running), kind)


def test_a_refusal_shows_both_values():
    failure = compare_endpoint(MIGRATION, WANTED, replace(FOUND, server="elsewhere", port=9)).failure

    assert isinstance(failure, Differs)
    assert "'elsewhere'" in failure.found
    assert "port is 9" in failure.found
    assert "'shop.cluster.example'" in failure.expected


def test_a_foreign_endpoint_is_refused_as_such_even_if_it_differs():
    failure = compare_endpoint(MIGRATION, WANTED, replace(FOUND, server="elsewhere", tags={})).failure

    assert isinstance(failure, NotOurs)


def test_an_adopted_endpoint_that_differs_is_tagged_and_put_right():
    decision = compare_endpoint(ADOPTING, WANTED, replace(FOUND, ssl_mode="none", tags={}))

    assert decision.adopt
    assert decision.keys == {"ssl_mode"}


def test_a_default_left_out_of_the_description_is_not_a_difference():
    settings = {
        key: value for key, value in WANTED.settings.items() if key not in ("CaptureDdls", "HeartbeatFrequency")
    }

    assert isinstance(compare_endpoint(MIGRATION, WANTED, replace(FOUND, settings=settings)), Nothing)


def test_auto_keeps_the_plugin_of_a_running_task():
    found = replace(FOUND, settings={**WANTED.settings, "PluginName": "test-decoding"})

    assert isinstance(compare_endpoint(MIGRATION, WANTED, found, ("pg-cdc-shop",)), Nothing)
    assert compare_endpoint(MIGRATION, WANTED, found).keys == {"PluginName"}
    assert isinstance(compare_endpoint(spec(plugin="pglogical"), WANTED, found, ("pg-cdc-shop",)), Refuse)


def test_behind_a_secret_the_address_is_not_compared():
    wanted = wanted_source(BY_SECRET, SOURCE, SERVER)
    found = replace(wanted, server="told-by-the-secret", port=1, username="u", tags=OURS)

    assert isinstance(compare_endpoint(BY_SECRET, wanted, found), Nothing)


def test_a_repair_of_settings_sends_only_those_and_never_the_password():
    request = modify_request(WANTED, "arn:ep", frozenset({"HeartbeatEnable", "ssl_mode"}), "s3cret")

    assert request == {"EndpointArn": "arn:ep", "SslMode": "require", "PostgreSQLSettings": {"HeartbeatEnable": True}}


def test_a_repair_of_the_login_sends_all_of_it():
    request = modify_request(WANTED, "arn:ep", frozenset({"username"}), "s3cret")

    assert (request["Username"], request["Password"]) == ("app_dms", "s3cret")


def test_a_repair_of_the_password_sends_nothing_else():
    request = password_request(WANTED, "arn:ep", "s3cret")

    assert request == {"EndpointArn": "arn:ep", "Username": "app_dms", "Password": "s3cret"}


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        pytest.param('FATAL:  password authentication failed for user "app_dms"', True, id="by-text"),
        pytest.param("Test Endpoint failed: SQLSTATE 28P01", True, id="by-sqlstate"),
        pytest.param("could not connect to server: Connection timed out", False, id="network"),
        pytest.param("", False, id="nothing-said"),
    ],
)
def test_a_wrong_password_is_told_from_other_failures(text, wrong):
    assert says_wrong_password(text) is wrong


def test_identity_is_what_says_which_database_or_bucket():
    assert {"end", "engine", "server", "port", "database", "BucketName", "BucketFolder"} == IDENTITY

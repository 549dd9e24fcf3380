"""Logins come from where the spec says, what is wrong with them is told by SQLSTATE, and nobody sees a password."""

from __future__ import annotations

import json
import logging
import traceback

import pytest

from pg_cdc.config import Migration
from pg_cdc.failures import NotYet, PreflightFailed
from pg_cdc.hooks.postgres import (
    Credentials,
    connect_source,
    connect_target,
    dms_role_credentials,
    source_credentials,
    target_credentials,
)
from pg_cdc.hooks.secrets import Secret, dms_role_password, read_secret
from tests.fix_bootstrap import DMS_PASSWORD

ROLE_ARN = "arn:aws:iam::123456789012:role/dms-secrets"


@pytest.fixture
def migration(source) -> Migration:
    return Migration.model_validate(source.migration)


@pytest.fixture
def database(migration):
    from pg_cdc.facts.ends import read_source

    return read_source(migration)


@pytest.fixture
def tls(sandbox) -> dict[str, str]:
    return {"sslmode": "verify-full", "sslrootcert": str(sandbox.ca_file)}


@pytest.fixture
def make_secret(sandbox, source):
    """``make_secret(**keys)``: the ARN of a secret; a key that is None is left out."""

    def make(text: str | None = None, **keys: object) -> str:
        whole = {"username": source.dms, "password": DMS_PASSWORD, "host": "localhost", "port": source.server.port}
        document = {key: value for key, value in {**whole, **keys}.items() if value is not None}
        answer = sandbox.client("secretsmanager").create_secret(
            Name=f"{source.name}-{len(text or '')}-{len(keys)}", SecretString=text or json.dumps(document)
        )
        return answer["ARN"]

    return make


def test_host_and_port_are_what_rds_tells_and_names_are_looked_up_in_pg_catalog_only(migration, database, source):
    with connect_source(migration, database) as conn:
        assert (conn.info.host, conn.info.port, conn.info.dbname) == ("localhost", source.server.port, source.name)
        assert conn.autocommit
        assert conn.execute("SHOW search_path").fetchone() == ("pg_catalog, pg_temp",)
        assert conn.execute("SHOW application_name").fetchone() == ("pg_cdc",)
        assert conn.execute("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").fetchone() == (True,)


def test_a_function_in_public_is_never_called_with_the_admins_rights(migration, database, source):
    with source.admin() as conn:
        conn.execute("CREATE FUNCTION public.lower(name) RETURNS text LANGUAGE sql AS $$SELECT 'trap'$$")
        assert conn.execute("SELECT lower(current_user)").fetchone() == ("trap",)

    with connect_source(migration, database) as conn:
        assert conn.execute("SELECT lower(current_user)").fetchone() == ("postgres",)


def test_a_host_in_the_connection_goes_first(migration, database, source):
    source.set_connection("pg_cdc_source", login="postgres", password="x", host="tunnel.example", port=6432)

    found = source_credentials(migration, database, "other")

    assert (found.host, found.port, found.dbname) == ("tunnel.example", 6432, "other")


@pytest.mark.parametrize(
    ("change", "dbname", "found"),
    [
        pytest.param({"password": "a-wrong-one"}, None, "wrong password, or no such role (28P01)", id="wrong-password"),
        pytest.param({"login": "nobody"}, None, "wrong password, or no such role (28P01)", id="no-such-role"),
        pytest.param({}, "nowhere", "no database nowhere (3D000)", id="no-such-database"),
        pytest.param({"extra": {"sslmode": "disable"}}, None, "login refused (28000)", id="tls-is-forced"),
        pytest.param(
            {"extra": {"sslrootcert": "/etc/ssl/certs/ca-certificates.crt"}},
            None,
            "is not trusted",
            id="another-authority",
        ),
        pytest.param({"extra": {"sslrootcert": "/nowhere.pem"}}, None, "no file /nowhere.pem", id="no-authorities"),
        pytest.param(
            {"extra": {"sslroot": "/a.pem"}}, None, 'invalid connection option "sslroot"', id="misspelt-extra"
        ),
        pytest.param({"login": ""}, None, "without a login", id="no-login"),
        pytest.param({"password": ""}, None, "without a password", id="no-password"),
        pytest.param({"conn_type": "mysql"}, None, "of type mysql", id="another-type"),
    ],
)
def test_a_login_that_a_retry_cannot_cure_is_refused(migration, database, source, tls, change, dbname, found):
    whole = {"login": source.server.user, "password": source.server.password, "extra": tls}
    extra = {**tls, **change.get("extra", {})}
    source.set_connection("pg_cdc_source", **{**whole, **change, "extra": extra})

    with pytest.raises(PreflightFailed) as failure:
        connect_source(migration, database, dbname=dbname)

    assert found in failure.value.found
    assert failure.value.expected and failure.value.next


def test_a_database_one_may_not_connect_to_names_the_grant(migration, database, source, tls):
    with source.admin() as conn:
        conn.execute(f"REVOKE CONNECT ON DATABASE {source.name} FROM PUBLIC")
    source.set_connection("pg_cdc_source", login=source.app, password="an-app-Passw0rd", extra=tls)

    with pytest.raises(PreflightFailed, match="42501") as failure:
        connect_source(migration, database)

    assert f'GRANT CONNECT ON DATABASE "{source.name}"' in failure.value.next


def test_a_missing_connection_is_named(migration, database, monkeypatch):
    monkeypatch.delenv("AIRFLOW_CONN_PG_CDC_SOURCE")

    with pytest.raises(PreflightFailed, match="no Airflow connection pg_cdc_source"):
        connect_source(migration, database)


def test_a_server_that_is_away_is_left_to_retries(migration, database, source, tls):
    source.set_connection("pg_cdc_source", login="postgres", password="x", port=1, extra=tls)

    with pytest.raises(NotYet, match="no answer"):
        connect_source(migration, database)


def test_no_password_is_in_a_repr_a_message_a_traceback_or_a_log(migration, database, source, tls, caplog):
    secret = "the-secret-Passw0rd"
    source.set_connection("pg_cdc_source", login="postgres", password=secret, extra=tls)
    caplog.set_level(logging.DEBUG)

    with pytest.raises(PreflightFailed) as failure:
        connect_source(migration, database)

    told = [repr(source_credentials(migration, database)), str(failure.value), caplog.text]
    told += traceback.format_exception(failure.value)
    told += [repr(Secret(username="a", password=secret)), repr(failure.value)]
    assert not [text for text in told if secret in text]


def test_iam_gives_a_token_for_the_real_host_in_place_of_a_password(migration, database, source, tls):
    source.set_connection("pg_cdc_source", login="postgres", extra={**tls, "iam": True})

    found = source_credentials(migration, database)

    assert f"localhost:{source.server.port}" in found.password
    assert "Action=connect" in found.password and "X-Amz-Signature" in found.password
    assert found.options == tls


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        pytest.param({"password": None}, "no password in its JSON", id="no-password"),
        pytest.param({"host": None, "port": None}, "no host and no port in its JSON", id="neither-host-nor-port"),
        pytest.param({"username": ""}, "no username in its JSON", id="an-empty-username"),
        pytest.param({"port": "five"}, "a port that is no number", id="port"),
        pytest.param({"text": "not json: hunter2"}, "a value that is not JSON", id="not-json"),
        pytest.param({"text": '["hunter2"]'}, "a JSON value that is no object", id="no-object"),
    ],
)
def test_a_secret_that_dms_could_not_use_is_refused_without_a_word_of_its_value(migration, make_secret, keys, found):
    with pytest.raises(PreflightFailed) as failure:
        read_secret(migration, make_secret(**keys))

    assert found in failure.value.found
    text = "".join(traceback.format_exception(failure.value))
    assert DMS_PASSWORD not in text and "hunter2" not in text


def test_a_secret_that_does_not_exist_is_refused(migration):
    with pytest.raises(PreflightFailed, match="no such secret"):
        read_secret(migration, "arn:aws:secretsmanager:eu-west-1:123456789012:secret:nowhere-a1B2c3")


def test_the_dms_role_logs_in_with_its_secret(source, database, make_secret):
    arn = make_secret()
    role = {"secret_arn": arn, "secret_access_role_arn": ROLE_ARN}
    migration = Migration.model_validate(source.spec(dms_role=role))

    assert dms_role_password(migration).password == DMS_PASSWORD
    assert dms_role_credentials(migration, database).place == f"secret {arn}"


def test_the_target_is_read_from_its_secret_with_the_tls_of_its_connection(source, make_secret, tls):
    source.set_connection("pg_cdc_target", extra=tls)
    arn = make_secret(username=source.server.user, password=source.server.password)
    target = {"secret_arn": arn, "secret_access_role_arn": ROLE_ARN, "database": "postgres"}

    with connect_target(Migration.model_validate(source.spec(target=target))) as conn:
        assert conn.info.dbname == "postgres"


def test_a_target_that_is_on_rds_is_found_by_its_identifier(source, admin_conn):
    admin_conn(source.server, "pg_cdc_target")
    target = {"identifier": "bootstrap", "database": "postgres"}

    with connect_target(Migration.model_validate(source.spec(target=target))) as conn:
        assert conn.info.port == source.server.port


def test_a_target_elsewhere_is_where_the_spec_says(source):
    source.set_connection("pg_cdc_target", login="postgres", password="x")
    migration = Migration.model_validate(source.spec(target={"host": "db.example", "port": 6000}))

    found = target_credentials(migration)

    assert (found.host, found.port, found.dbname) == ("db.example", 6000, "shop")


def test_a_login_is_asked_for_its_refusal_only(source, tls):
    def login(**change: object) -> Credentials:
        whole = {"user": source.app, "password": "an-app-Passw0rd", "host": "localhost", "dbname": source.name}
        return Credentials(**{**whole, "port": source.server.port, "options": tls, **change})

    assert login().refusal() is None
    assert login(password="x").refusal() == "28P01"
    with pytest.raises(NotYet):
        login(port=1).refusal()

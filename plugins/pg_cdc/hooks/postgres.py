"""Connect to source and target with psycopg itself: the provider's ``run`` logs statements with their values."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
from airflow.sdk.log import mask_secret

from pg_cdc.failures import PreflightFailed
from pg_cdc.hooks.postgres_errors import connection_failure, refusal_code
from pg_cdc.hooks.secrets import Secret, dms_role_password, postgres_connection, read_secret

if TYPE_CHECKING:
    from airflow.sdk import Connection

    from pg_cdc.config import Migration
    from pg_cdc.decisions.world import Database
    from pg_cdc.hooks.rds import CdcRdsHook

CONNECT_SECONDS = 10
NOT_LIBPQ = frozenset(
    {"iam", "aws_conn_id", "cursor", "sqlalchemy_scheme", "sqlalchemy_query", "enable_log_db_messages"}
)
"""Keys of a connection's extra that are Airflow's; all others go to libpq."""

DEFAULTS: Mapping[str, Any] = {
    "sslmode": "verify-full",
    "connect_timeout": CONNECT_SECONDS,
    "application_name": "pg_cdc",
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
}
"""A server that vanished is noticed after a minute; the kernel's own default is two hours."""


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """Everything a connection needs. ``options``: libpq's, such as sslmode. ``place``: where the password came from."""

    user: str
    password: str = field(repr=False)
    host: str
    port: int
    dbname: str
    place: str = ""
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def connect(self, *, autocommit: bool = True) -> psycopg.Connection:
        """Return a connection that looks names up in pg_catalog only: all others are written with their schema.

        :raises PreflightFailed: the server refuses this login, and would refuse it again.
        :raises NotYet: the server cannot be reached, or takes no connection now.
        """
        options = {**DEFAULTS, **self.options}
        _check_root_certificate(self, options)
        try:
            connection = self._open(options)
        except psycopg.ProgrammingError as err:
            raise PreflightFailed(
                found=f"{self.place}: {err}",
                expected="extras that libpq knows, such as sslmode and sslrootcert",
                next="correct the extra of the connection",
            ) from err
        except psycopg.OperationalError as err:
            raise connection_failure(self, options, err, refusal_code(self, options)) from err
        # What an application's role has put into public must not run with the admin's rights (CVE-2018-1058).
        connection.execute("SELECT pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', false)")
        connection.autocommit = autocommit
        return connection

    def refusal(self) -> str | None:
        """Return the SQLSTATE with which the server refuses this login, None when it takes it.

        :raises NotYet: the server cannot be reached.
        """
        options = {**DEFAULTS, **self.options}
        try:
            self._open(options).close()
        except psycopg.OperationalError as err:
            if (code := refusal_code(self, options)) is None:
                raise connection_failure(self, options, err, None) from err
            return code
        return None

    def _open(self, options: Mapping[str, Any]) -> psycopg.Connection:
        arguments = {"user": self.user, "host": self.host, "port": self.port, "dbname": self.dbname}
        return psycopg.connect(**{**options, **arguments, "password": self.password}, autocommit=True)


def connect_source(migration: Migration, database: Database, *, dbname: str | None = None) -> psycopg.Connection:
    """Connect to the source as the admin, with autocommit. ``dbname`` None: the migration's database."""
    return source_credentials(migration, database, dbname).connect()


def connect_target(
    migration: Migration, hook: CdcRdsHook | None = None, *, dbname: str | None = None
) -> psycopg.Connection:
    """Connect to the target, with autocommit. ``dbname`` None: the migration's database there."""
    return target_credentials(migration, hook, dbname).connect()


def source_credentials(migration: Migration, database: Database, dbname: str | None = None) -> Credentials:
    """Return the admin's credentials; a host in the Airflow connection goes before what AWS tells (a tunnel)."""
    return admin_credentials(migration, host=database.host, port=database.port, dbname=dbname)


def admin_credentials(migration: Migration, *, host: str, port: int, dbname: str | None = None) -> Credentials:
    """Return the admin's credentials, for a source whose address is known."""
    connection = postgres_connection(migration.source.admin_conn_id)
    return _from_connection(
        connection,
        migration,
        host=connection.host or host,
        port=connection.port or port,
        dbname=dbname or migration.source.database,
    )


def dms_role_credentials(migration: Migration, database: Database) -> Credentials:
    """Return the DMS role's own login to the source, by the way that the admin takes."""
    login = dms_role_password(migration)
    role = migration.dms_role
    place = f"secret {role.secret_arn}" if role.secret_arn else f"connection {role.conn_id}"
    admin = source_credentials(migration, database)
    return replace(admin, user=role.name, password=login.password, place=place)


def target_credentials(migration: Migration, hook: CdcRdsHook | None = None, dbname: str | None = None) -> Credentials:
    """Return the target's credentials: from its secret if there is one, else from its connection.

    ``hook`` describes a target on RDS whose connection says no host; None: one is made.
    """
    target = migration.target
    if migration.lake.bucket:
        raise PreflightFailed(
            found=f"bucket {migration.lake.bucket} as the target of {migration.name}",
            expected="a database to log in to",
            next="use a DAG that copies to a bucket (pg_cdc_migrate), or leave lake.bucket empty",
        )
    dbname = dbname or target.database
    if target.secret_arn:
        login = read_secret(migration, target.secret_arn)
        return _from_secret(login, target.conn_id, dbname=dbname, place=f"secret {target.secret_arn}")
    connection = postgres_connection(str(target.conn_id))
    host = connection.host or target.host
    port = connection.port or target.port
    if not host:
        described = _describe(migration, hook)
        host, port = described.host, port or described.port
    return _from_connection(connection, migration, host=host, port=port or 5432, dbname=dbname)


def _from_connection(connection: Connection, migration: Migration, *, host: str, port: int, dbname: str) -> Credentials:
    place = f"connection {connection.conn_id}"
    extra = connection.extra_dejson
    iam = extra.get("iam") in (True, "true", "True")
    if not connection.login or not (iam or connection.password):
        raise PreflightFailed(
            found=f"{place} without {'a password' if connection.login else 'a login'}",
            expected='login and password, or {"iam": true} in the extra',
            next=f"complete the {place}",
        )
    token = _iam_token(migration, extra, host=host, port=port, user=connection.login) if iam else connection.password
    return Credentials(
        user=connection.login,
        password=str(token),
        host=host,
        port=port,
        dbname=dbname,
        place=place,
        options=_options(connection),
    )


def _from_secret(login: Secret, conn_id: str | None, *, dbname: str, place: str) -> Credentials:
    """A secret says nothing about TLS: the connection's extra does, when there is such a connection."""
    try:
        options = _options(postgres_connection(conn_id)) if conn_id else {}
    except PreflightFailed:
        options = {}
    return Credentials(
        user=login.username,
        password=login.password,
        host=str(login.host),
        port=int(login.port or 5432),
        dbname=dbname,
        place=place,
        options=options,
    )


def _options(connection: Connection) -> dict[str, Any]:
    return {key: value for key, value in connection.extra_dejson.items() if key not in NOT_LIBPQ}


def _iam_token(migration: Migration, extra: Mapping[str, Any], *, host: str, port: int, user: str) -> str:
    hook: Any = AwsBaseHook(
        aws_conn_id=extra.get("aws_conn_id", migration.aws.conn_id),
        region_name=migration.aws.region,
        client_type="rds",
    )
    token = str(hook.conn.generate_db_auth_token(DBHostname=host, Port=port, DBUsername=user))
    mask_secret(token)
    return token


def _describe(migration: Migration, hook: CdcRdsHook | None) -> Database:
    from pg_cdc.facts.rds import read_database
    from pg_cdc.hooks.rds import CdcRdsHook

    hook = hook or CdcRdsHook.of(migration)
    return read_database(hook, str(migration.target.identifier))


def _check_root_certificate(credentials: Credentials, options: Mapping[str, Any]) -> None:
    """Say which file is missing: libpq's own words for it carry no code to tell them from a network error."""
    if options["sslmode"] not in ("verify-ca", "verify-full"):
        return
    default = Path("~/.postgresql/root.crt").expanduser()
    path = options.get("sslrootcert") or os.environ.get("PGSSLROOTCERT") or str(default)
    if path != "system" and not Path(path).is_file():
        raise PreflightFailed(
            found=f"{credentials.place}: no file {path} of trusted authorities, and sslmode {options['sslmode']}",
            expected="the RDS certificate bundle in that file, or its place as sslrootcert in the connection's extra",
            next="download the bundle of your region; docs/aws.md section 2 says where it goes",
        )

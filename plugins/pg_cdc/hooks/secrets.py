"""Read passwords: from Secrets Manager, or from an Airflow connection. Never logged, never in a repr."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
from airflow.sdk import BaseHook, Connection
from airflow.sdk.exceptions import AirflowNotFoundException
from airflow.sdk.log import mask_secret
from botocore.exceptions import ClientError

from pg_cdc.config import Migration
from pg_cdc.failures import PreflightFailed

KEYS = ("username", "password", "host", "port")

REFUSALS = {
    "ResourceNotFoundException": "no such secret in that account and region",
    "InvalidRequestException": "a secret that is being deleted",
    "AccessDeniedException": "access denied",
    "DecryptionFailure": "access to its KMS key denied",
}


@dataclass(frozen=True, kw_only=True)
class Secret:
    """A login. ``host`` and ``port`` None: not said."""

    username: str
    password: str = field(repr=False)
    host: str | None = None
    port: int | None = None


def read_secret(migration: Migration, arn: str) -> Secret:
    """Return the login in a secret that DMS can use: JSON with all of ``KEYS``.

    :raises PreflightFailed: no such secret, no access, or a key is missing.
    """
    # The secret's own region: the migration's may be empty, and a call to another one would not find it.
    hook: Any = AwsBaseHook(
        aws_conn_id=migration.aws.conn_id, region_name=arn.split(":")[3], client_type="secretsmanager"
    )
    try:
        answer = hook.conn.get_secret_value(SecretId=arn)
    except ClientError as err:
        code = err.response["Error"]["Code"]
        if code not in REFUSALS:
            raise
        raise _unusable(arn, REFUSALS[code]) from err
    return _login(arn, _document(arn, answer.get("SecretString")))


def dms_role_password(migration: Migration) -> Secret:
    """Return the login of the DMS role: from its secret if there is one, else from its Airflow connection."""
    role = migration.dms_role
    if role.secret_arn:
        place, login = f"secret {role.secret_arn}", read_secret(migration, role.secret_arn)
    else:
        place, login = f"connection {role.conn_id}", read_login(str(role.conn_id))
    if login.username not in ("", role.name):
        raise PreflightFailed(
            found=f"login {login.username} in {place}",
            expected=f"{role.name}, the role that dms_role.name gives",
            next="correct the one or the other: DMS logs in with both",
        )
    return login


def read_login(conn_id: str) -> Secret:
    """Return login and password of an Airflow connection. :raises PreflightFailed: it has no password."""
    connection = postgres_connection(conn_id)
    if not connection.password:
        raise PreflightFailed(
            found=f"connection {conn_id} without a password",
            expected="a password",
            next=f"put it into the connection {conn_id}, or name a secret in the spec",
        )
    return Secret(
        username=connection.login or "",
        password=connection.password,
        host=connection.host or None,
        port=connection.port,
    )


def postgres_connection(conn_id: str) -> Connection:
    """Return an Airflow connection. :raises PreflightFailed: there is none, or it is of another type."""
    try:
        connection = BaseHook.get_connection(conn_id)
    except AirflowNotFoundException as err:
        raise PreflightFailed(
            found=f"no Airflow connection {conn_id}",
            expected="one of type postgres with login and password",
            next=f"make the connection {conn_id}, or name another one in the spec",
        ) from err
    if connection.conn_type not in ("postgres", "postgresql"):
        raise PreflightFailed(
            found=f"connection {conn_id} of type {connection.conn_type}",
            expected="type postgres",
            next=f"correct the type of the connection {conn_id}",
        )
    return connection


def _document(arn: str, text: str | None) -> Mapping[str, Any]:
    try:
        document = json.loads(text or "")
    except ValueError:
        # Without the cause: a JSON error carries the document.
        raise _unusable(arn, "a value that is not JSON") from None
    if not isinstance(document, dict):
        raise _unusable(arn, "a JSON value that is no object")
    return document


def _login(arn: str, document: Mapping[str, Any]) -> Secret:
    if missing := [key for key in KEYS if document.get(key) in (None, "")]:
        raise _unusable(arn, f"no {' and no '.join(missing)} in its JSON")
    if not str(document["port"]).isdecimal():
        raise _unusable(arn, "a port that is no number")
    password = str(document["password"])
    mask_secret(password)
    return Secret(
        username=str(document["username"]),
        password=password,
        host=str(document["host"]),
        port=int(document["port"]),
    )


def _unusable(arn: str, found: str) -> PreflightFailed:
    return PreflightFailed(
        found=f"secret {arn}: {found}",
        expected=f"a readable secret of JSON with the keys {', '.join(KEYS)}",
        next="correct the ARN, the secret or the permission (secretsmanager:GetSecretValue), then clear this task",
    )

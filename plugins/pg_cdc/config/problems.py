"""What is wrong with a spec although each of its fields is right."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pg_cdc.config.fields import SslMode, epoch
from pg_cdc.decisions.problem import Problem

if TYPE_CHECKING:
    from pg_cdc.config.ends import DmsRole, Target
    from pg_cdc.config.migration import Migration
    from pg_cdc.config.replication import Replication


PLACE = "either identifier (on RDS) or host (elsewhere); set the other to empty"


def two_places_problems(target: Target) -> Iterable[Problem]:
    """Yield if a target is in two places."""
    if target.identifier and target.host:
        yield Problem(where="identifier", found=f"both {target.identifier} and host {target.host}", expected=PLACE)


def nowhere_problems(migration: Migration) -> Iterable[Problem]:
    """Yield if a target is neither a database nor a bucket."""
    target = migration.target
    if not (target.identifier or target.host or migration.lake.bucket):
        found = "neither identifier nor host, and no lake.bucket"
        yield Problem(where="target.identifier", found=found, expected=PLACE)


def same_place_problems(migration: Migration) -> Iterable[Problem]:
    """Yield if a target is the source itself."""
    there = (migration.target.identifier, migration.target.database)
    if there == (migration.source.identifier, migration.source.database):
        same = f"database {there[1]} of {there[0]}, which is the source itself"
        yield Problem(where="target", found=same, expected="another database, or the same on another server")


def password_problems(end: DmsRole | Target) -> Iterable[Problem]:
    """Yield if there is no place to read a password from."""
    if not end.secret_arn and not end.conn_id:
        yield Problem(
            where="conn_id", found="neither secret_arn nor conn_id", expected="a place to read a password from"
        )


def secret_role_problems(end: DmsRole | Target) -> Iterable[Problem]:
    """Yield if DMS could not read the secret."""
    if end.secret_arn and not end.secret_access_role_arn:
        expected = "the IAM role by which DMS reads the secret; it trusts dms.<region>.amazonaws.com"
        yield Problem(where="secret_access_role_arn", found="nothing beside secret_arn", expected=expected)


def certificate_problems(replication: Replication) -> Iterable[Problem]:
    """Yield if there is nothing to verify a server's certificate with."""
    verifies = replication.ssl_mode in (SslMode.VERIFY_CA, SslMode.VERIFY_FULL)
    if verifies and not replication.certificate_arn:
        expected = f"the ARN of a DMS certificate: ssl_mode {replication.ssl_mode} checks against it"
        yield Problem(where="certificate_arn", found="nothing", expected=expected)


def expiry_problems(text: str | None) -> Iterable[Problem]:
    """Yield what is wrong with an ``expires_at`` that looks like one, such as a 31st of June."""
    try:
        epoch(text or "2000-01-01")
    except ValueError as err:
        yield Problem(where="expires_at", found=f"{text}: {err}", expected="a date, or a time with its zone")

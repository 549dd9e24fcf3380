"""Make and change the subscription. Its password goes to the server in the session's start, and is seen nowhere.

include/sql/native/set_subscription.sql says why that is so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import errors, sql
from psycopg.conninfo import make_conninfo

from pg_cdc.config import SslMode
from pg_cdc.decisions.native import names as native_names
from pg_cdc.failures import NotYet, PreflightFailed
from pg_cdc.hooks.native.schema_copy import comment_on
from pg_cdc.sql_files import read_sql

if TYPE_CHECKING:
    from psycopg import Connection

    from pg_cdc.config import Migration
    from pg_cdc.decisions.world import Database
    from pg_cdc.hooks.postgres import Credentials

SSL_MODES = {
    SslMode.NONE: "disable",
    SslMode.REQUIRE: "require",
    SslMode.VERIFY_CA: "verify-ca",
    SslMode.VERIFY_FULL: "verify-full",
}
UNREACHED = "08"
"""Class of the SQLSTATEs with which a subscriber says that it did not get through to the publisher."""


def subscription_conninfo(migration: Migration, database: Database, login: Credentials) -> str:
    """Return how the target's server reaches the source: by its own address, not by a tunnel of ours."""
    certificate = migration.native.root_certificate
    return make_conninfo(
        "",
        host=database.host,
        port=database.port,
        dbname=migration.source.database,
        user=login.user,
        password=login.password,
        sslmode=SSL_MODES[migration.native.ssl_mode],
        connect_timeout=10,
        keepalives_idle=30,
        **({"sslrootcert": certificate} if certificate else {}),
    )


def create_subscription(target: Credentials, migration: Migration, conninfo: str) -> tuple[str, ...]:
    """Make the disabled subscription and put our comment on it.

    :raises PreflightFailed: the target does not reach the source with that login, or may not subscribe.
    """
    name = native_names.subscription(migration)
    settings = {
        "pgcdc.connection": conninfo.encode().hex(),
        "pgcdc.subscription": name,
        "pgcdc.publication": native_names.publication(migration),
        "pgcdc.slot": native_names.slot(migration),
    }
    try:
        with with_settings(target, settings).connect() as conn, conn.transaction():
            conn.execute(read_sql("native/set_subscription.sql"))
            conn.execute(comment_on("SUBSCRIPTION", name, native_names.comment(migration)))
    except errors.InsufficientPrivilege as err:
        raise PreflightFailed(
            found=f"{target.user} may not make a subscription on the target ({err.sqlstate})",
            expected="a member of rds_superuser, or from PostgreSQL 16 on of pg_create_subscription",
            next="use such a login for the target, then clear this task",
        ) from None
    except (errors.DuplicateObject, errors.UniqueViolation) as err:
        raise NotYet(f"subscription {name} was made by somebody else just now ({err.sqlstate})") from None
    except psycopg.Error as err:
        raise _unmade(err, migration) from None
    return (f"created subscription {name}, disabled: the target reaches the source",)


def with_settings(credentials: Credentials, settings: Mapping[str, str]) -> Credentials:
    """Return credentials whose sessions start with these settings: what is given so is in no log and no statistics."""
    options = " ".join(f"-c {key}={value}" for key, value in settings.items())
    given = f"{credentials.options.get('options', '')} {options}".strip()
    return replace(credentials, options={**credentials.options, "options": given})


def enable_subscription(conn: Connection[Any], migration: Migration) -> tuple[str, ...]:
    """Let the subscription read its slot."""
    name = native_names.subscription(migration)
    conn.execute(sql.SQL("ALTER SUBSCRIPTION {} ENABLE").format(sql.Identifier(name)))
    return (f"enabled subscription {name}",)


def drop_subscription(conn: Connection[Any], migration: Migration) -> tuple[str, ...]:
    """Drop the subscription; its slot stays."""
    name = native_names.subscription(migration)
    with conn.transaction():
        conn.execute(sql.SQL(read_sql("native/drop_subscription.sql")).format(subscription=sql.Identifier(name)))
    return (f"dropped subscription {name}",)


REACH = (
    "open the source's security group to the target's, check the role's password and that native.root_certificate is a"
    " file on the target's server, then clear this task"
)


def _unmade(err: psycopg.Error, migration: Migration) -> Exception:
    """Return what to raise. Without the cause: nothing that was near the password goes on."""
    if not (err.sqlstate or "").startswith(UNREACHED):
        return PreflightFailed(
            found=f"the target refused the subscription ({err.sqlstate})",
            expected="a subscription of the source's publication, with every published table on the target",
            next="clear copy_schema if a table is missing there; the code is explained in PostgreSQL's appendix A",
        )
    return PreflightFailed(
        found=f"the target does not reach the source: {err.diag.message_primary}",
        expected=f"a way from the target's server to {migration.source.identifier}, and the replication role's login",
        next=REACH,
    )

"""Change the source without standing in anybody's way: short waits for locks, and one of our runs at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors

from pg_cdc.failures import NotYet, PreflightFailed

LOCK_SECONDS = 5
"""Whoever waits for a lock makes all later ones wait behind him: an application's DDL waits this long at most."""

STATEMENT_SECONDS = 60
ADVISORY_KEY = 0x70675F636463
"""The bytes of ``pg_cdc``: runs on one database change it one after the other."""

BUSY = (
    errors.LockNotAvailable,
    errors.QueryCanceled,
    errors.DeadlockDetected,
    errors.SerializationFailure,
    errors.UniqueViolation,
    errors.DuplicateObject,
    errors.DuplicateSchema,
    errors.DuplicateTable,
    errors.DuplicateFunction,
    errors.InternalError_,
)
"""Somebody holds a lock, or has just made or changed the same: a retry finds it done. InternalError_ is the class of
XX000, with which PostgreSQL says "tuple concurrently updated"."""


@contextmanager
def changing(conn: psycopg.Connection) -> Iterator[None]:
    """Run a block in one transaction, with short waits.

    :raises NotYet: something is in the way now.
    :raises PreflightFailed: the admin may not do it.
    """
    try:
        with conn.transaction():
            limit_waits(conn)
            conn.execute("SELECT pg_catalog.pg_advisory_xact_lock(%s)", (ADVISORY_KEY,))
            yield
    except BUSY as err:
        raise NotYet(f"in the way on the source ({err.sqlstate}): {err.diag.message_primary}") from err
    except errors.InsufficientPrivilege as err:
        raise PreflightFailed(
            found=f"the admin may not do it ({err.sqlstate}): {err.diag.message_primary}",
            expected="a member of rds_superuser with the rights of docs/privileges.md",
            next="grant it what the message names, or use another admin connection; then clear this task",
        ) from err


def limit_waits(conn: psycopg.Connection) -> None:
    """Limit what the statements of this transaction wait for."""
    conn.execute(
        "SELECT pg_catalog.set_config('lock_timeout', %s, true), pg_catalog.set_config('statement_timeout', %s, true)",
        (f"{LOCK_SECONDS}s", f"{STATEMENT_SECONDS}s"),
    )

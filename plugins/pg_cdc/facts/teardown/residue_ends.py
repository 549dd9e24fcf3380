"""Connect to an end of a migration that is taken down: it may be gone, and that is no error but a fact."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pg_cdc.decisions.teardown.control import BOOKS_DATABASE
from pg_cdc.facts.ends import read_source
from pg_cdc.failures import CdcFailure, NotYet, PreflightFailed
from pg_cdc.hooks.postgres import connect_source, source_credentials, target_credentials

if TYPE_CHECKING:
    from psycopg import Connection

    from pg_cdc.config import Migration
    from pg_cdc.decisions.world import Database
    from pg_cdc.hooks.postgres import Credentials

NO_SUCH_DATABASE = "3D000"


@dataclass(frozen=True, kw_only=True)
class SourceEnd:
    """The source. ``why``: why it could not be reached, and then the rest is None.

    ``books``: database postgres. ``conn``: the migration's database; None: the server has it no more.
    """

    why: str = ""
    database: Database | None = None
    books: Connection | None = None
    conn: Connection | None = None


@dataclass(frozen=True, kw_only=True)
class TargetEnd:
    """The target. ``why``: why it could not be reached. ``conn`` None: there is no such database, or it is a bucket."""

    why: str = ""
    conn: Connection | None = None
    place: tuple[str, int] = ("", 0)


@contextmanager
def open_source(migration: Migration) -> Iterator[SourceEnd]:
    """Connect to the source as far as it is there."""
    with ExitStack() as stack:
        yield _reach_source(migration, stack)


@contextmanager
def open_target(migration: Migration) -> Iterator[TargetEnd]:
    """Connect to the target as far as it is there."""
    with ExitStack() as stack:
        yield _reach_target(migration, stack)


def _reach_source(migration: Migration, stack: ExitStack) -> SourceEnd:
    try:
        database = read_source(migration)
        books = stack.enter_context(connect_source(migration, database, dbname=BOOKS_DATABASE))
        conn = _connect_unless_gone(source_credentials(migration, database), stack)
    except (PreflightFailed, NotYet) as err:
        return SourceEnd(why=_told(err))
    return SourceEnd(database=database, books=books, conn=conn)


def _reach_target(migration: Migration, stack: ExitStack) -> TargetEnd:
    if migration.lake.bucket:
        return TargetEnd()
    try:
        login = target_credentials(migration)
        return TargetEnd(conn=_connect_unless_gone(login, stack), place=(login.host, login.port))
    except (PreflightFailed, NotYet) as err:
        return TargetEnd(why=_told(err))


def _connect_unless_gone(login: Credentials, stack: ExitStack) -> Connection | None:
    try:
        return stack.enter_context(login.connect())
    except PreflightFailed:
        if login.refusal() != NO_SUCH_DATABASE:
            raise
    return None


def _told(err: CdcFailure | NotYet) -> str:
    return err.found if isinstance(err, CdcFailure) else str(err).strip()

"""Make indexes, constraints and the like on the target, by the source's own definitions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from psycopg import sql

from pg_cdc.decisions.native.indexes import Index, LateConstraint, LateObject
from pg_cdc.hooks.native.unhurried import flush, hurry_not

if TYPE_CHECKING:
    from psycopg import Connection

    from pg_cdc.hooks.postgres import Credentials

KINDS = {"p": "PRIMARY KEY", "u": "UNIQUE"}
TRIGGER_STATES = {"D": "DISABLE TRIGGER", "R": "ENABLE REPLICA TRIGGER", "A": "ENABLE ALWAYS TRIGGER"}
SORT_MEMORY = """
SELECT set_config('maintenance_work_mem', greatest(
    pg_size_bytes(current_setting('maintenance_work_mem')),
    least(pg_size_bytes(current_setting('shared_buffers')) / (4 * %s), 1073741824)
) / 1024 || 'kB', false)
"""
"""RDS gives a quarter of the memory to shared_buffers, Aurora three: a quarter of that, for all jobs together."""


class Sessions:
    """Sessions on the target that are used one after the other: a login takes longer than many of these statements."""

    def __init__(self, target: Credentials, *, jobs: int, workers: int | None) -> None:
        self.target, self.jobs, self.workers = target, jobs, workers
        self._free: list[Connection[Any]] = []

    @contextmanager
    def taken(self) -> Iterator[Connection[Any]]:
        """Yield a session that nobody else uses; one in which something failed is not used again."""
        try:
            conn = self._free.pop()
        except IndexError:
            conn = self.target.connect()
        try:
            prepare_session(conn, self.jobs, self.workers)
            yield conn
        except BaseException:
            conn.close()
            raise
        self._free.append(conn)

    def close(self) -> None:
        """Close all that are free, once all that was done without waiting for the disk is on it."""
        while self._free:
            with self._free.pop() as conn:
                flush(conn)


def prepare_session(conn: Connection[Any], jobs: int, workers: int | None) -> None:
    """Let a session build indexes for as long as it takes, with the memory that ``jobs`` of them can share.

    ``workers``: how many processes may help with each; None: as many as the server is set to.
    """
    hurry_not(conn)
    conn.execute(SORT_MEMORY, (jobs,))
    if workers is not None:
        conn.execute("SELECT set_config('max_parallel_maintenance_workers', %s, false)", (str(workers),))


def build(conn: Connection[Any], index: Index) -> str:
    """Make an index."""
    conn.execute(index.definition.encode())
    return f"built index {index.name} of {_written(index.table)}"


def constrain(conn: Connection[Any], index: Index) -> str:
    """Make the constraint that stands on an index, from the index that is built, or with it."""
    table, name = sql.Identifier(*index.table), sql.Identifier(str(index.constraint_name))
    if index.built_alone:
        words = [KINDS[str(index.constraint_type)]]
        definition = sql.SQL("{} USING INDEX {}{}").format(
            sql.SQL(words[0]), sql.Identifier(index.name), sql.SQL(_deferral(index))
        )
    else:
        definition = sql.Composed([sql.SQL(str(index.constraint_definition))])
    only = sql.SQL("ONLY " if index.partitioned else "")
    conn.execute(sql.SQL("ALTER TABLE {}{} ADD CONSTRAINT {} {}").format(only, table, name, definition))
    return f"made constraint {index.constraint_name} of {_written(index.table)}"


def attach(conn: Connection[Any], index: Index) -> str:
    """Attach an index of a partition to that of its parent."""
    parent = sql.Identifier(*index.parent) if index.parent else sql.SQL("")
    conn.execute(sql.SQL("ALTER INDEX {} ATTACH PARTITION {}").format(parent, sql.Identifier(*index.key)))
    return f"attached index {index.name}"


def identify(conn: Connection[Any], index: Index) -> str:
    """Make an index the identity of its rows, as it is on the source."""
    command = sql.SQL("ALTER TABLE {} REPLICA IDENTITY USING INDEX {}")
    conn.execute(command.format(sql.Identifier(*index.table), sql.Identifier(index.name)))
    return f"made {index.name} the replica identity of {_written(index.table)}"


def add_key(conn: Connection[Any], one: LateConstraint) -> str:
    """Add a foreign key or check; the rows of an ordinary table are checked afterwards, beside others."""
    late = one.validated and not one.partitioned
    command = sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {}{}").format(
        sql.Identifier(*one.table),
        sql.Identifier(one.name),
        sql.SQL(one.definition),
        sql.SQL(" NOT VALID" if late else ""),
    )
    conn.execute(command)
    return f"made constraint {one.name} of {_written(one.table)}"


def validate(conn: Connection[Any], one: LateConstraint) -> str:
    """Check the rows of a table against its constraint."""
    command = sql.SQL("ALTER TABLE {} VALIDATE CONSTRAINT {}")
    conn.execute(command.format(sql.Identifier(*one.table), sql.Identifier(one.name)))
    return f"validated {one.name} of {_written(one.table)}"


def make_object(conn: Connection[Any], one: LateObject) -> str:
    """Make a trigger, rule or statistics object, enabled as on the source."""
    with conn.transaction():
        conn.execute(one.definition.encode())
        if one.kind == "trigger" and one.enabled in TRIGGER_STATES:
            state = sql.SQL(TRIGGER_STATES[one.enabled])
            command = sql.SQL("ALTER TABLE {} {} {}")
            conn.execute(command.format(sql.Identifier(*one.table), state, sql.Identifier(one.name)))
    return f"made {one.kind} {one.name} of {_written(one.table)}"


def analyze(conn: Connection[Any], table: tuple[str, str]) -> str:
    """Gather the statistics of a table: without them the first queries are planned blindly."""
    conn.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(*table)))
    return f"analyzed {_written(table)}"


def _deferral(index: Index) -> str:
    if not index.deferrable:
        return ""
    return " DEFERRABLE INITIALLY DEFERRED" if index.deferred else " DEFERRABLE"


def _written(table: tuple[str, str]) -> str:
    return ".".join(table)

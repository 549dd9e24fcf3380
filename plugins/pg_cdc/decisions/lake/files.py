"""Where a migration's files are in its bucket, whose a folder is, and what the files say of the marker. Pure.

Source: https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Target.S3.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pg_cdc.config import Migration
from pg_cdc.decisions import names
from pg_cdc.decisions.dms.task import TableStatistics
from pg_cdc.failures import NotOurs

OWNER_FILE = "_pg_cdc_migration.json"
"""Says whose a folder is. Readers of data lakes pass over names that begin with an underscore."""

OPERATION = "Op"
DELETED = "D"
LOAD = "LOAD"
MARKER_COLUMNS = ("migration", "token", "stream", "written_at", "seen_seconds")

Row = Mapping[str, object]


@dataclass(frozen=True, kw_only=True)
class LakeObject:
    """An object of the bucket. ``modified``: epoch seconds; S3 tells whole ones."""

    key: str
    size: int = 0
    modified: float = 0.0


@dataclass(frozen=True, kw_only=True)
class FolderState:
    """What is in the migration's folder. ``owner``: the migration that its own file names; None: no such file.

    ``nested``: folders below it that are another migration's.
    """

    owner: str | None = None
    files: tuple[LakeObject, ...] = ()
    nested: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Return the bytes of all files."""
        return sum(file.size for file in self.files)


def folder(migration: Migration) -> str:
    """Return the folder that is this migration's alone, without a slash at its end."""
    return migration.lake.folder or migration.name


def prefix(migration: Migration) -> str:
    """Return how the keys of all its objects begin."""
    return f"{folder(migration)}/"


def place(migration: Migration) -> str:
    """Return the folder as people and tools write it."""
    return f"s3://{migration.lake.bucket}/{prefix(migration)}"


def owner_key(migration: Migration) -> str:
    """Return the key of the object that says whose the folder is."""
    return prefix(migration) + OWNER_FILE


def marker_prefix(migration: Migration) -> str:
    """Return how the keys of the files begin in which the marker row arrives."""
    lake = migration.lake
    inside = lake.cdc_path if lake.preserve_transactions else f"{names.CONTROL_SCHEMA}/{names.MARKER_TABLE}"
    return f"{prefix(migration)}{inside}/"


def folder_state(migration: Migration, objects: Iterable[LakeObject], owner: str | None) -> FolderState:
    """Sort the objects below the folder: another migration's folder in it is no part of it."""
    found = [one for one in objects if one.key != owner_key(migration)]
    nested = {one.key.removesuffix(OWNER_FILE) for one in found if one.key.endswith(f"/{OWNER_FILE}")}
    files = tuple(one for one in found if not any(one.key.startswith(inner) for inner in nested))
    return FolderState(owner=owner, files=files, nested=tuple(sorted(nested)))


def may_claim(migration: Migration, state: FolderState) -> bool:
    """Tell whether the folder is to be marked as ours; False: it is.

    :raises NotOurs: it is another's, or files are in it and nothing says whose.
    """
    if state.owner == migration.name:
        return False
    expected = f"an empty folder, or one whose {OWNER_FILE} names {migration.name}"
    if state.owner is not None:
        raise NotOurs(
            found=f"{place(migration)} is the folder of migration {state.owner}",
            expected=expected,
            next="give lake.folder: two tasks that write the same table's files overwrite each other's",
        )
    if state.files and not migration.safety.adopt_existing:
        raise NotOurs(
            found=f"{len(state.files)} objects in {place(migration)}, such as {state.files[0].key}",
            expected=expected,
            next="give lake.folder another, remove what is there, or set safety.adopt_existing to take it as ours:"
            " a load then removes the files of its tables",
        )
    return True


def newest_first(objects: Iterable[LakeObject]) -> list[LakeObject]:
    """Return data files in the order in which to look for what was written last.

    Within one of S3's seconds, what was captured is newer than what was loaded, and names of captured files grow.
    """

    def order(one: LakeObject) -> tuple[float, bool, str]:
        name = one.key.rpartition("/")[2]
        return one.modified, not name.startswith(LOAD), name

    return sorted((one for one in objects if _is_data(one)), key=order, reverse=True)


def _is_data(one: LakeObject) -> bool:
    name = one.key.rpartition("/")[2]
    return one.size > 0 and not name.startswith("_")


def newest_token(rows: Sequence[Row], migration: str, *, timestamp_column: str) -> str | None:
    """Return the token that the rows of one file leave for ``migration``; None: none of them is its own."""
    own = [row for row in rows if row.get("migration") == migration]
    if not own:
        return None
    last = max(enumerate(own), key=lambda numbered: (str(numbered[1].get(timestamp_column)), numbered[0]))[1]
    return None if last.get(OPERATION) == DELETED else str(last["token"])


def transaction_rows(records: Iterable[Sequence[str]]) -> list[Row]:
    """Return the marker's rows of a file in the order of transactions: operation, table, schema, then the values.

    Whether the commit time stands before the values is not documented: they are found by the table's columns, at
    the end of the record.
    """
    wanted = [names.MARKER_TABLE, names.CONTROL_SCHEMA]
    width = len(MARKER_COLUMNS)
    return [
        dict(zip((OPERATION, *MARKER_COLUMNS), (record[0], *record[-width:]), strict=True))
        for record in records
        if list(record[1:3]) == wanted and len(record) >= 3 + width
    ]


def written_rows(statistics: Iterable[TableStatistics]) -> Mapping[tuple[str, str], int]:
    """Return how many rows each table has by what DMS says it has written: loaded, and then inserted or deleted."""
    return {(table.schema, table.table): table.load_rows + table.inserts - table.deletes for table in statistics}

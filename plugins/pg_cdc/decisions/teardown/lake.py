"""Decide what becomes of a migration's files in a bucket: they stay, unless a human asks for their removal. Pure."""

from __future__ import annotations

from pg_cdc.config import Migration
from pg_cdc.config.teardown import Keep, Teardown
from pg_cdc.decisions.lake.files import OWNER_FILE, FolderState, folder, place
from pg_cdc.decisions.teardown.residue import Trace
from pg_cdc.decisions.teardown.sql import TARGET, Item, on_target

STAYS = "the copy is what the migration was for: only teardown_delete_lake_files removes it"
KIND = "files"
ACTION = "lake_files"


def lake_item(migration: Migration, state: FolderState, teardown: Teardown) -> Item:
    """Return the folder with all its files as one thing. What nothing marks as this migration's is never removed."""
    ours = state.owner == migration.name
    trace = on_target(
        KIND,
        place(migration),
        exists=bool(state.files) or ours,
        ours=ours,
        keep=_keep(teardown),
        command=_command(migration, state),
        detail=_detail(state, ours=ours),
    )
    return Item(part=TARGET, action=ACTION, trace=trace)


def no_bucket(migration: Migration) -> Item:
    """Return the item of a bucket that is not there."""
    trace = on_target(KIND, place(migration), exists=False, detail=f"no bucket {migration.lake.bucket}")
    return Item(part=TARGET, trace=trace)


def unread(migration: Migration, why: str) -> Trace:
    """Return the trace of a bucket that could not be looked into."""
    return on_target(KIND, place(migration), exists=None, detail=why)


def _keep(teardown: Teardown) -> str:
    return teardown.keeps(Keep.TARGET) or ("" if teardown.delete_lake_files else STAYS)


def _command(migration: Migration, state: FolderState) -> str:
    inside = [inner.removeprefix(f"{folder(migration)}/") for inner in state.nested]
    spared = "".join(f" --exclude '{inner}*'" for inner in inside)
    return f"aws s3 rm --recursive {place(migration)}{spared}"


def _detail(state: FolderState, *, ours: bool) -> str:
    if ours:
        return f"{len(state.files)} files, {state.size} bytes"
    if state.owner is not None:
        return f"the folder of migration {state.owner}"
    return f"no {OWNER_FILE} says whose they are" if state.files else ""

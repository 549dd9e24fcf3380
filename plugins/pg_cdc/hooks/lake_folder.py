"""Mark a folder of a bucket as a migration's, and take its files away again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pg_cdc.decisions.lake.files import may_claim, owner_key, place
from pg_cdc.facts.lake.bucket import read_folder, read_owner
from pg_cdc.failures import NotOurs, NotProved
from pg_cdc.hooks.s3 import CdcS3Hook

if TYPE_CHECKING:
    from pg_cdc.config import Migration


def claim_folder(migration: Migration) -> tuple[str, ...]:
    """Write down whose the folder is, where nobody has, and say so. :raises NotOurs: it is not ours to take."""
    if read_owner(migration) == migration.name or not may_claim(migration, read_folder(migration)):
        return ()
    content = json.dumps({"migration": migration.name, "made by": "airflow-pg-cdc"}).encode() + b"\n"
    CdcS3Hook.of(migration).put_new(str(migration.lake.bucket), owner_key(migration), content)
    if (owner := read_owner(migration)) != migration.name:
        raise NotProved(
            found=f"{place(migration)} is the folder of {owner or 'nobody'}",
            expected=f"that of {migration.name}, after its file was written",
            next="see who else writes there; then clear this task",
        )
    return (f"marked {place(migration)} as ours",)


def remove_files(migration: Migration) -> tuple[str, ...]:
    """Delete every file of the migration's own folder, its mark last, and say so.

    :raises NotOurs: nothing says that the folder is ours.
    """
    state = read_folder(migration)
    if state.owner != migration.name:
        raise NotOurs(
            found=f"{place(migration)} is the folder of {state.owner or 'nobody'}",
            expected=f"that of {migration.name}",
            next="remove by hand what is not needed",
        )
    hook, bucket = CdcS3Hook.of(migration), str(migration.lake.bucket)
    hook.delete(bucket, [file.key for file in state.files])
    hook.delete(bucket, [owner_key(migration)])
    return (f"deleted {len(state.files)} files of {place(migration)}",)

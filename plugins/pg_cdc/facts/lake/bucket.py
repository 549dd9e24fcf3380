"""Read a migration's bucket: what it is, what is in its folder, and how far the marker has come. Changes nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pg_cdc.decisions.lake.files import (
    FolderState,
    folder_state,
    marker_prefix,
    newest_first,
    newest_token,
    owner_key,
    prefix,
)
from pg_cdc.facts.lake.files import marker_rows
from pg_cdc.hooks.s3 import CdcS3Hook

if TYPE_CHECKING:
    from pg_cdc.config import Migration


def read_folder(migration: Migration) -> FolderState:
    """Return what is in the folder and whose it is; the bucket is there."""
    hook, bucket = CdcS3Hook.of(migration), str(migration.lake.bucket)
    return folder_state(migration, hook.objects(bucket, prefix(migration)), read_owner(migration))


def read_owner(migration: Migration) -> str | None:
    """Return the migration that the folder's own file names; None: there is no such file."""
    content = CdcS3Hook.of(migration).content(str(migration.lake.bucket), owner_key(migration))
    if content is None:
        return None
    try:
        return str(json.loads(content)["migration"])
    except (ValueError, LookupError, TypeError):
        return "unknown: its file cannot be read"


def read_lake_token(migration: Migration) -> str | None:
    """Return the marker's token that was written last; None: no file has one yet."""
    hook, lake = CdcS3Hook.of(migration), migration.lake
    bucket = str(lake.bucket)
    for file in newest_first(hook.objects(bucket, marker_prefix(migration))):
        content = hook.content(bucket, file.key)
        rows = marker_rows(content, file.key, lake) if content else []
        if token := newest_token(rows, migration.name, timestamp_column=lake.timestamp_column):
            return token
    return None

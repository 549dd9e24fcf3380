"""Read what a migration has left in its bucket. Changes nothing; what cannot be read is a line that says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pg_cdc.decisions.teardown.lake import lake_item, no_bucket, unread
from pg_cdc.facts.lake.bucket import read_folder
from pg_cdc.failures import CdcFailure
from pg_cdc.hooks.s3 import CdcS3Hook

if TYPE_CHECKING:
    from pg_cdc.config import Migration
    from pg_cdc.config.teardown import Teardown
    from pg_cdc.decisions.teardown.residue import Trace
    from pg_cdc.decisions.teardown.sql import Item


def lake_traces(migration: Migration, teardown: Teardown) -> tuple[Trace, ...]:
    """Return the one trace of the migration's folder."""
    try:
        return (read_lake_item(migration, teardown).trace,)
    except Exception as err:
        why = err.found if isinstance(err, CdcFailure) else f"{type(err).__name__}: {err}"
        return (unread(migration, why),)


def read_lake_item(migration: Migration, teardown: Teardown) -> Item:
    """Return the folder, as something to remove or to keep."""
    if CdcS3Hook.of(migration).bucket_region(str(migration.lake.bucket)) is None:
        return no_bucket(migration)
    return lake_item(migration, read_folder(migration), teardown)

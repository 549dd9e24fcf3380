"""Read everything that a migration has left anywhere. Changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pg_cdc.decisions.teardown.plan import excused
from pg_cdc.decisions.teardown.residue import Residue, judge_all
from pg_cdc.facts.native.remains import native_traces
from pg_cdc.facts.teardown.residue_aws import aws_traces
from pg_cdc.facts.teardown.residue_sql import source_traces, target_traces
from pg_cdc.facts.teardown.source_reach import find_source

if TYPE_CHECKING:
    from pg_cdc.config import Migration
    from pg_cdc.config.teardown import Teardown


def read_residue(migration: Migration, teardown: Teardown, *, run: str = "") -> tuple[Residue, ...]:
    """Return a line for each thing, what needs a human first. ``run``: this run's name in the lease."""
    traces = (
        *aws_traces(migration, teardown),
        *source_traces(migration, teardown, run=run),
        *target_traces(migration, teardown),
        *native_traces(migration, teardown),
    )
    return judge_all(excused(traces, teardown, source_deleted=_is_deleted(migration)))


def _is_deleted(migration: Migration) -> bool:
    try:
        return find_source(migration) is None
    except Exception:  # whatever it is, the traces say so
        return False

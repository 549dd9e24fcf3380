"""Tell what a native migration came to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pg_cdc.operators.native.step import NativeSpec
from pg_cdc.operators.report import ReportOperator

if TYPE_CHECKING:
    from pg_cdc.config import Migration
    from pg_cdc.facts.result import Result


class NativeReportOperator(NativeSpec, ReportOperator):
    """Write the report of this run, with slot, origin and lag; then fail, if any step did."""

    proofs = ("load_tables", "build_indexes", "wait_streaming")

    def result(self, migration: Migration) -> Result:
        """Return what the migration has come to."""
        from pg_cdc.facts.native.result import read_native_result

        return read_native_result(migration)

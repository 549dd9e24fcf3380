"""Preflight of what versions decide: which output plugin the source lets be loaded, and which DMS knows the ends. Pure.

Source: https://www.postgresql.org/docs/current/runtime-config-replication.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pg_cdc.config import Migration, MigrationType
from pg_cdc.decisions.output_plugins import ALLOWED, may_decode_with
from pg_cdc.decisions.preflight.findings import error
from pg_cdc.decisions.versions import DMS_READS_REPLICAS, dms_engine_for, dotted, major_of, numbers
from pg_cdc.decisions.world import Finding, Server


def output_plugin_findings(
    migration: Migration, libraries: tuple[str, ...], planned: Mapping[str, str]
) -> Iterator[Finding]:
    """Yield an error if no slot of ``libraries`` can be made. ``planned``: the source's settings after the plan."""
    if migration.replication.migration_type is MigrationType.FULL_LOAD:
        return
    if not may_decode_with(libraries, planned):
        yield error(
            "output_plugin_not_allowed",
            migration.source.identifier,
            found=f"{ALLOWED} {planned[ALLOWED] or 'empty'}: PostgreSQL loads no other output plugin",
            expected=f"{libraries[0]} in it",
            cure=f"add {libraries[0]} to {ALLOWED} in the parameter group, or put a replication.plugin that is listed",
        )


def dms_engine_findings(
    identifier: str, engine: str, ends: Mapping[str, Server], *, replica: bool = False
) -> Iterator[Finding]:
    """Yield an error if the replication instance is older than an end. ``ends``: source and target.

    ``replica``: changes are read from a read replica.
    """
    wanted = dms_engine_for(server.version_num for server in ends.values())
    wanted = max(wanted, DMS_READS_REPLICAS) if replica else wanted
    if engine and numbers(engine) < wanted:
        told = ", ".join(f"{end} PostgreSQL {major_of(server.version_num)}" for end, server in ends.items())
        yield error(
            "dms_version_too_old",
            identifier,
            found=f"DMS {engine}, and {told}",
            expected=f"DMS {dotted(wanted)} or later",
            cure="upgrade the replication instance, or leave replication.instance_identifier empty and one is made",
        )

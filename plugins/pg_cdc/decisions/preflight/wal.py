"""Preflight of the source's WAL settings: what can cost a slot its WAL, or its time. Pure.

Source: https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Tasks.AssessmentReport.PG.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from pg_cdc.config import Migration, MigrationType
from pg_cdc.decisions.preflight.findings import counted, note, warning
from pg_cdc.decisions.preflight.table_facts import Shapes
from pg_cdc.decisions.world import Finding

DECODING_KILOBYTES = 64 * 1024
"""PostgreSQL's default of logical_decoding_work_mem: less than this was made less by someone."""

UNITS = {"": 1, "kB": 1, "MB": 1024, "GB": 1 << 20, "TB": 1 << 30}
AUDIT_TRIGGER = "awsdms_intercept_ddl"
ALWAYS = "A"


def wal_findings(migration: Migration, planned: Mapping[str, str], shapes: Shapes) -> Iterator[Finding]:
    """Yield the findings. ``planned``: the source's settings after the plan."""
    if migration.replication.migration_type is MigrationType.FULL_LOAD:
        return
    yield from _slot_limit(planned.get("max_slot_wal_keep_size", "-1"))
    yield from _decoding_memory(planned.get("logical_decoding_work_mem", ""))
    yield from _subscriber(shapes)


def _slot_limit(limit: str) -> Iterator[Finding]:
    if limit not in ("-1", ""):
        yield warning(
            "slot_wal_limited",
            "max_slot_wal_keep_size",
            found=f"{limit}: a slot that holds back more WAL is lost, and its task has to load anew",
            expected="-1, or more than the WAL of the longest time that the task may stand still",
            cure="put max_slot_wal_keep_size -1 in the parameter group, and watch the slots (pg_cdc_slot_hygiene)",
        )


def _decoding_memory(value: str) -> Iterator[Finding]:
    found = re.fullmatch(r"(\d+)(kB|MB|GB|TB)?", value)
    if found and int(found[1]) * UNITS[found[2] or ""] < DECODING_KILOBYTES:
        yield note(
            "decoding_spills_early",
            "logical_decoding_work_mem",
            found=f"{value}: a transaction with more changes than that is decoded by way of the disk",
            cure="put logical_decoding_work_mem 65536 (64 MB) or more in the parameter group, if latency grows",
        )


def _subscriber(shapes: Shapes) -> Iterator[Finding]:
    """Warn where replicated DDL does not fire the audit trigger."""
    if shapes.subscriptions and shapes.audit_trigger_mode != ALWAYS:
        yield warning(
            "source_is_subscriber",
            AUDIT_TRIGGER,
            found=f"{counted(shapes.subscriptions, 'subscription')} on the source: DDL that comes by one does not fire"
            " the event trigger, and DMS does not learn of it",
            expected="the event trigger enabled always",
            cure=f"once the trigger is there: ALTER EVENT TRIGGER {AUDIT_TRIGGER} ENABLE ALWAYS;",
        )

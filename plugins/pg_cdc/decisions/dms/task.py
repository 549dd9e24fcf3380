"""Decide what to do with a replication task: make, leave, modify or refuse it; start, resume or reload it. Pure.

Source: https://docs.aws.amazon.com/dms/latest/APIReference/API_StartReplicationTask.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pg_cdc.config import Migration, MigrationType
from pg_cdc.decisions import names
from pg_cdc.decisions.dms.resources import Create, Decision, Difference, compare, decide, differs
from pg_cdc.decisions.dms.tags import tag_list
from pg_cdc.failures import CdcFailure

MODIFIABLE = frozenset({"ready", "stopped", "failed"})
STARTABLE = frozenset({"ready", "stopped", "failed", "failed-move"})
FIXED = frozenset({"migration_type", "source_endpoint", "target_endpoint", "replication_instance"})


class StopReason(StrEnum):
    """The words after ``Stop Reason``. https://docs.aws.amazon.com/dms/latest/APIReference/API_ReplicationTask.html"""

    NORMAL = "NORMAL"
    RECOVERABLE_ERROR = "RECOVERABLE_ERROR"
    FATAL_ERROR = "FATAL_ERROR"
    FULL_LOAD_ONLY_FINISHED = "FULL_LOAD_ONLY_FINISHED"
    STOPPED_AFTER_FULL_LOAD = "STOPPED_AFTER_FULL_LOAD"
    STOPPED_AFTER_CACHED_EVENTS = "STOPPED_AFTER_CACHED_EVENTS"


FATAL = (StopReason.FATAL_ERROR,)


def reads(text: str, *reasons: StopReason) -> bool:
    """Tell whether ``text`` names one of ``reasons``: DMS embeds the word in longer sentences."""
    return any(f"Stop Reason {reason.value}" in text for reason in reasons)


@dataclass(frozen=True, kw_only=True)
class LoadStats:
    """ReplicationTaskStats; times as ISO texts. ``fresh_start``: last start from nothing or by reload, None: never."""

    progress: int = 0
    loaded: int = 0
    loading: int = 0
    queued: int = 0
    errored: int = 0
    fresh_start: str | None = None
    started: str | None = None
    stopped: str | None = None
    load_finished: str | None = None

    @property
    def ever_started(self) -> bool:
        """Tell whether the task was started at all."""
        return self.fresh_start is not None or self.started is not None


@dataclass(frozen=True, kw_only=True)
class Task:
    """A replication task. ``settings``: all of them, DMS's defaults too; empty when they were not asked for."""

    identifier: str
    arn: str
    status: str
    migration_type: str = MigrationType.FULL_LOAD_AND_CDC.value
    source_endpoint_arn: str = ""
    target_endpoint_arn: str = ""
    instance_arn: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    mappings: Mapping[str, Any] = field(default_factory=dict)
    stop_reason: str = ""
    last_failure: str = ""
    stats: LoadStats = LoadStats()
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def trouble(self) -> str:
        """Return what DMS says of a failure."""
        return self.last_failure or self.stop_reason


@dataclass(frozen=True, kw_only=True)
class TableStatistics:
    """One row of DescribeTableStatistics, as far as a load is judged by it."""

    schema: str
    table: str
    state: str
    load_rows: int = 0
    load_error_rows: int = 0
    inserts: int = 0
    updates: int = 0
    deletes: int = 0

    @property
    def name(self) -> str:
        """Return the qualified name, for people."""
        return f"{self.schema}.{self.table}"


@dataclass(frozen=True, kw_only=True)
class WantedTask:
    """The task of the spec. ``settings``: only the user's keys."""

    migration_type: str
    source_endpoint_arn: str
    target_endpoint_arn: str
    instance_arn: str
    mappings: Mapping[str, Any]
    settings: Mapping[str, Any]


def compare_task(
    migration: Migration, wanted: WantedTask, found: Task | None, differing_settings: tuple[Difference, ...] = ()
) -> Decision:
    """Decide on the task. ``differing_settings``: of the user's own keys."""
    if found is None:
        return Create()
    what = f"replication task {found.identifier}"
    pairs: dict[str, tuple[object, object]] = {
        "migration_type": (found.migration_type, wanted.migration_type),
        "source_endpoint": (found.source_endpoint_arn, wanted.source_endpoint_arn),
        "target_endpoint": (found.target_endpoint_arn, wanted.target_endpoint_arn),
        "replication_instance": (found.instance_arn, wanted.instance_arn),
        "table_mappings": (canonical(found.mappings), canonical(wanted.mappings)),
    }
    differences = compare(pairs) + differing_settings
    return decide(what, found.tags, migration, differences, _refusal(what, found, differences))


def setting_differences(
    wanted: Mapping[str, Any], found: Mapping[str, Any], keys: Iterable[str]
) -> tuple[Difference, ...]:
    """Return both values of each dotted key of task settings that differs."""
    return tuple(Difference(key=key, found=_at(found, key), wanted=_at(wanted, key)) for key in keys)


def _at(settings: Any, key: str) -> Any:
    for part in key.split("."):
        settings = settings.get(part) if isinstance(settings, Mapping) else None
    return settings


def canonical(mappings: Mapping[str, Any]) -> str:
    """Return ``mappings`` in one spelling: DMS takes a rule-id as number or text, and rules in any order."""
    rules = [{**rule, "rule-id": str(rule.get("rule-id"))} for rule in mappings.get("rules", ())]
    return json.dumps(sorted(rules, key=lambda rule: rule["rule-id"]), sort_keys=True)


def _refusal(what: str, found: Task, differences: tuple[Difference, ...]) -> CdcFailure | None:
    fixed = tuple(d for d in differences if d.key in FIXED)
    if fixed:
        return differs(
            what, fixed, why="DMS cannot change it", next="delete the task, or give the migration a new name"
        )
    if differences and found.status not in MODIFIABLE:
        why = f"a task that is {found.status} cannot be modified"
        return differs(what, differences, why=why, next="stop the task, or put the found values in the spec")
    return None


def create_request(migration: Migration, wanted: WantedTask) -> dict[str, Any]:
    """Return the parameters of CreateReplicationTask."""
    request = {
        "ReplicationTaskIdentifier": names.resource(migration.name),
        "SourceEndpointArn": wanted.source_endpoint_arn,
        "TargetEndpointArn": wanted.target_endpoint_arn,
        "ReplicationInstanceArn": wanted.instance_arn,
        "MigrationType": wanted.migration_type,
        "TableMappings": json.dumps(wanted.mappings),
        "Tags": tag_list(migration),
    }
    return request | _settings(wanted)


def modify_request(wanted: WantedTask, arn: str, keys: frozenset[str]) -> dict[str, Any]:
    """Return the parameters of ModifyReplicationTask: mappings if they differ, the user's settings if any does."""
    request: dict[str, Any] = {"ReplicationTaskArn": arn}
    if "table_mappings" in keys:
        request["TableMappings"] = json.dumps(wanted.mappings)
    return request | (_settings(wanted) if keys - {"table_mappings"} else {})


def _settings(wanted: WantedTask) -> dict[str, str]:
    return {"ReplicationTaskSettings": json.dumps(wanted.settings)} if wanted.settings else {}

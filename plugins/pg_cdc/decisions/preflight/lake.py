"""Preflight of a bucket as the target: can DMS write there, and would a reader see what the source has. Pure.

Source: https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Target.S3.html#CHAP_Target.S3.Prerequisites
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pg_cdc.config import Migration, MigrationType, Plugin
from pg_cdc.config.lake import DataFormat
from pg_cdc.decisions.lake.files import FolderState, may_claim, place
from pg_cdc.decisions.preflight.column_types import is_lob
from pg_cdc.decisions.preflight.findings import counted, error, named, unknown, warning
from pg_cdc.decisions.preflight.lob_modes import LobHandling, table_lob_modes, task_lob_mode
from pg_cdc.decisions.preflight.table_facts import Column
from pg_cdc.decisions.world import Finding, Table
from pg_cdc.failures import NotOurs

DMS = "dms.amazonaws.com"
FULL = "f"
"""pg_class.relreplident of a table that logs whole rows."""


@dataclass(frozen=True, kw_only=True)
class LakeFacts:
    """What AWS says of the bucket and the role. ``bucket_region`` None: there is no such bucket.

    ``trust``: who may take on the role; None: there is no such role. ``folder`` None: there is no bucket to look into.
    ``unchecked``: what AWS did not let us see, to why. ``parquet_readable``: by the Python of this worker.
    """

    region: str
    bucket_region: str | None = None
    versioning: str = ""
    trust: Mapping[str, Any] | None = None
    folder: FolderState | None = None
    unchecked: Mapping[str, str] | None = None
    parquet_readable: bool = True


def lake_findings(
    migration: Migration,
    facts: LakeFacts,
    chosen: Sequence[Table],
    columns: Sequence[Column],
    *,
    plugin: Plugin,
    loaded: bool,
) -> Iterator[Finding]:
    """Yield the findings on the bucket. ``loaded``: the task has a slot, so it will not load again."""
    for what, why in (facts.unchecked or {}).items():
        cure = "give the role of the AWS connection the actions of docs/iam-policy.json"
        yield unknown("lake_not_checked", what, found=why, cure=cure)
    yield from _bucket(migration, facts)
    yield from _role(migration, facts)
    yield from _settings(migration)
    if facts.folder is not None:
        yield from _folder(migration, facts.folder, loaded=loaded)
    yield from _format(migration, facts, chosen, columns, plugin)


def trusts_dms(policy: Mapping[str, Any], region: str) -> bool:
    """Tell whether a trust policy lets DMS take on its role."""
    wanted = {DMS, f"dms.{region}.amazonaws.com"}
    return any(
        statement.get("Effect") == "Allow"
        and wanted & set(_listed((statement.get("Principal") or {}), "Service"))
        and {"sts:AssumeRole", "sts:*", "*"} & set(_listed(statement, "Action"))
        for statement in _listed(policy, "Statement")
    )


def _listed(holder: Any, key: str) -> list[Any]:
    value = holder.get(key, []) if isinstance(holder, Mapping) else []
    return list(value) if isinstance(value, list | tuple) else [value]


def _bucket(migration: Migration, facts: LakeFacts) -> Iterator[Finding]:
    bucket = str(migration.lake.bucket)
    if "bucket" in (facts.unchecked or {}):
        return
    if facts.bucket_region is None:
        yield error(
            "lake_bucket_missing",
            bucket,
            found="no such bucket",
            expected=f"a bucket in {facts.region}",
            cure="make it, without versioning, or correct lake.bucket",
        )
    elif facts.bucket_region != facts.region:
        yield error(
            "lake_bucket_elsewhere",
            bucket,
            found=f"a bucket in {facts.bucket_region}",
            expected=f"one in {facts.region}, where DMS is",
            cure="give a bucket of that region",
        )
    if facts.versioning == "Enabled":
        yield error(
            "lake_bucket_versioned",
            bucket,
            found="versioning Enabled",
            expected="a bucket without versioning: DMS replaces and deletes files, and every old one would stay",
            cure=f"aws s3api put-bucket-versioning --bucket {bucket} --versioning-configuration Status=Suspended,"
            " or give another bucket",
        )


def _role(migration: Migration, facts: LakeFacts) -> Iterator[Finding]:
    role = str(migration.lake.role_arn)
    if "role" in (facts.unchecked or {}):
        return
    if facts.trust is None:
        yield error(
            "lake_role_missing",
            role,
            found="no such role",
            expected="the role by which DMS writes to the bucket",
            cure="make it (docs/lake.md), or correct lake.role_arn",
        )
    elif not trusts_dms(facts.trust, facts.region):
        yield error(
            "lake_role_untrusted",
            role,
            found=f"a trust policy that does not name {DMS}",
            expected=f"sts:AssumeRole allowed to the service {DMS}",
            cure="correct the role's trust policy (docs/lake.md)",
        )


def _settings(migration: Migration) -> Iterator[Finding]:
    target = migration.replication.task_settings.get("TargetMetadata", {})
    if target.get("BatchApplyEnabled") is True:
        yield error(
            "lake_batch_apply",
            "replication.task_settings",
            found="TargetMetadata.BatchApplyEnabled true",
            expected="false: DMS may lose changes on the way to a bucket with it",
            cure="leave it out",
        )
    own, default = table_lob_modes(migration), task_lob_mode(migration)
    full = [f"{schema}.{table}" for (schema, table), mode in own.items() if mode.handling is LobHandling.FULL]
    if default.handling is LobHandling.FULL or full:
        yield error(
            "lake_full_lob",
            named(full) or "replication.task_settings",
            found="full LOB mode",
            expected="limited LOB mode: DMS does not write whole LOBs to a bucket",
            cure="put TargetMetadata.LimitedSizeLobMode true, and LobMaxSize above the longest value",
        )


def _folder(migration: Migration, state: FolderState, *, loaded: bool) -> Iterator[Finding]:
    try:
        may_claim(migration, state)
    except NotOurs as failure:
        yield error(
            "lake_folder_not_ours",
            place(migration),
            found=failure.found,
            expected=failure.expected,
            cure=failure.next,
        )
        return
    prepare = migration.replication.task_settings.get("FullLoadSettings", {}).get("TargetTablePrepMode")
    loads = migration.replication.migration_type is not MigrationType.CDC and not loaded
    if state.files and loads and prepare == "DO_NOTHING":
        yield error(
            "lake_files_stay",
            place(migration),
            found=f"{counted(len(state.files), 'file')} of an earlier load, and TargetTablePrepMode DO_NOTHING",
            expected="a load into an empty folder: a reader would take the old rows for rows of now",
            cure="remove the files, or put FullLoadSettings.TargetTablePrepMode DROP_AND_CREATE",
        )


def _format(
    migration: Migration, facts: LakeFacts, chosen: Sequence[Table], columns: Sequence[Column], plugin: Plugin
) -> Iterator[Finding]:
    if migration.lake.data_format is not DataFormat.PARQUET:
        return
    if migration.replication.migration_type is MigrationType.FULL_LOAD:
        return
    if not facts.parquet_readable:
        yield error(
            "lake_parquet_unreadable",
            "this worker",
            found="no pyarrow in its Python",
            expected="pyarrow: the marker row is read from the files",
            cure="install airflow-pg-cdc[parquet] on the workers and the triggerer, or put lake.data_format csv",
        )
    whole = {(t.schema, t.name) for t in chosen if t.identity == FULL and plugin is Plugin.TEST_DECODING}
    if lost := [str(column) for column in columns if is_lob(column) and column.table_name not in whole]:
        yield warning(
            "lake_unchanged_is_null",
            named(lost),
            found=f"{counted(len(lost), 'column')} of long values: one that an update leaves as it is, is not in the"
            " WAL, and Parquet has NULL for it",
            expected="CSV, which has lake.csv_unchanged_value for it",
            cure="put lake.data_format csv, or test_decoding and REPLICA IDENTITY FULL on these tables",
        )

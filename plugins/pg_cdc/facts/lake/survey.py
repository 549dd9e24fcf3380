"""Ask AWS what preflight wants to know of a bucket as the target. Changes nothing; being denied is an answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from botocore.exceptions import ClientError

from pg_cdc.decisions.preflight.lake import LakeFacts
from pg_cdc.facts.lake.bucket import read_folder
from pg_cdc.facts.lake.files import can_read_parquet
from pg_cdc.hooks.aws_errors import error_code
from pg_cdc.hooks.iam import CdcIamHook
from pg_cdc.hooks.s3 import CdcS3Hook

if TYPE_CHECKING:
    from pg_cdc.config import Migration

DENIED = frozenset({"AccessDenied", "AccessDeniedException", "403", "UnauthorizedOperation"})

Read = TypeVar("Read")


def read_lake_facts(migration: Migration) -> LakeFacts:
    """Return what AWS says of the bucket, its folder and the role."""
    hook, bucket = CdcS3Hook.of(migration), str(migration.lake.bucket)
    unchecked: dict[str, str] = {}

    def ask(what: str, read: Callable[[], Read]) -> Read | None:
        try:
            return read()
        except ClientError as err:
            if error_code(err) not in DENIED:
                raise
            unchecked[what] = f"{error_code(err)} for {err.operation_name}"
            return None

    region = ask("bucket", lambda: hook.bucket_region(bucket))
    there = region is not None
    return LakeFacts(
        region=hook.region,
        bucket_region=region,
        versioning=(ask("versioning of the bucket", lambda: hook.versioning(bucket)) or "") if there else "",
        folder=ask("folder of the bucket", lambda: read_folder(migration)) if region == hook.region else None,
        trust=ask("role", lambda: CdcIamHook.of(migration).trust_policy(str(migration.lake.role_arn))),
        unchecked=unchecked,
        parquet_readable=can_read_parquet(),
    )

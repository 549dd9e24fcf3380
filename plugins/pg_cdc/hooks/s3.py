"""S3 calls on a data lake's bucket: one method is one call, or one read of all pages. A missing thing is None."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
from botocore.exceptions import ClientError

from pg_cdc.decisions.lake.files import LakeObject
from pg_cdc.hooks.aws_errors import error_code
from pg_cdc.hooks.memo import shared_hook

if TYPE_CHECKING:
    from pg_cdc.config import Migration

NO_BUCKET = frozenset({"NoSuchBucket", "404"})
NO_KEY = frozenset({"NoSuchKey", "404"})
TAKEN = frozenset({"PreconditionFailed", "ConditionalRequestConflict"})
KEYS_A_CALL = 1000
OLD_NAMES = {"": "us-east-1", "EU": "eu-west-1"}
"""What GetBucketLocation calls two regions."""


class CdcS3Hook(AwsBaseHook):
    """The bucket of one migration."""

    @classmethod
    def of(cls, migration: Migration) -> CdcS3Hook:
        """Return the hook for the AWS account of ``migration``."""
        conn_id, region = migration.aws.conn_id, migration.aws.region
        return shared_hook(lambda: cls(aws_conn_id=conn_id, region_name=region, client_type="s3"), cls, conn_id, region)

    @property
    def _client(self) -> Any:
        return self.conn

    @property
    def region(self) -> str:
        """Return the region that calls are made to."""
        return str(self._client.meta.region_name)

    def bucket_region(self, bucket: str) -> str | None:
        """Return where the bucket is."""
        try:
            told = self._client.get_bucket_location(Bucket=bucket).get("LocationConstraint") or ""
        except ClientError as error:
            if error_code(error) in NO_BUCKET:
                return None
            raise
        return OLD_NAMES.get(told, told)

    def versioning(self, bucket: str) -> str:
        """Return ``Enabled``, ``Suspended``, or nothing for a bucket that never had versions."""
        return str(self._client.get_bucket_versioning(Bucket=bucket).get("Status") or "")

    def objects(self, bucket: str, prefix: str) -> Iterator[LakeObject]:
        """Yield every object whose key begins with ``prefix``."""
        for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for row in page.get("Contents", ()):
                yield LakeObject(key=row["Key"], size=row["Size"], modified=row["LastModified"].timestamp())

    def content(self, bucket: str, key: str) -> bytes | None:
        """Return an object's content."""
        try:
            return bytes(self._client.get_object(Bucket=bucket, Key=key)["Body"].read())
        except ClientError as error:
            if error_code(error) in NO_KEY:
                return None
            raise

    def put_new(self, bucket: str, key: str, content: bytes) -> None:
        """Write an object where none is; of two who do so at once, one does."""
        try:
            self._client.put_object(
                Bucket=bucket, Key=key, Body=content, ContentType="application/json", IfNoneMatch="*"
            )
        except ClientError as error:
            if error_code(error) not in TAKEN:
                raise

    def delete(self, bucket: str, keys: Sequence[str]) -> None:
        """Delete objects; one that is gone already is no error to S3. :raises ClientError: the first refusal."""
        for start in range(0, len(keys), KEYS_A_CALL):
            some = [{"Key": key} for key in keys[start : start + KEYS_A_CALL]]
            answer = self._client.delete_objects(Bucket=bucket, Delete={"Objects": some, "Quiet": True})
            for refused in answer.get("Errors", ()):
                raise ClientError({"Error": refused}, "DeleteObjects")

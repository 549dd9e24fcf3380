"""The sandbox's S3 as DMS sees it: inside the process, so that what DMS writes is not logged as somebody's call."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import unquote

from moto.core.exceptions import ServiceException
from moto.iam.models import iam_backends
from moto.s3.models import s3_backends

DMS = "dms.amazonaws.com"


class BucketTrouble(Exception):
    """S3 or IAM refuse; the text says what."""


class Buckets(Protocol):
    """What DMS does with a bucket."""

    def put(self, bucket: str, key: str, content: bytes) -> None:
        """Write an object."""

    def remove(self, bucket: str, prefix: str) -> None:
        """Delete all objects whose key begins with ``prefix``."""

    def role_trouble(self, role_arn: str) -> str | None:
        """Return why DMS cannot act as the role; None: it can."""

    def bucket_trouble(self, bucket: str) -> str | None:
        """Return why DMS cannot write to the bucket; None: it can."""


class MotoBuckets:
    """Moto's buckets of one account, seen from one region."""

    def __init__(self, account: str, region: str) -> None:
        self._account = account
        self._region = region

    def put(self, bucket: str, key: str, content: bytes) -> None:
        """Write an object. :raises BucketTrouble: no such bucket."""
        self._bucket(bucket)
        s3_backends[self._account]["aws"].put_object(bucket, key, content)

    def remove(self, bucket: str, prefix: str) -> None:
        """Delete all objects whose key begins with ``prefix``. :raises BucketTrouble: no such bucket."""
        backend = s3_backends[self._account]["aws"]
        for key in [name for name in list(self._bucket(bucket).keys.keys()) if name.startswith(prefix)]:
            backend.delete_object(bucket, key)

    def role_trouble(self, role_arn: str) -> str | None:
        """Return what is wrong with the role. What its policies allow is not looked at."""
        try:
            role = iam_backends[self._account]["aws"].get_role(role_arn.rpartition("/")[2])
        except ServiceException:
            return f"the role {role_arn} cannot be assumed: no such role"
        if role.arn != role_arn or not _trusts_dms(role.assume_role_policy_document):
            return f"the role {role_arn} cannot be assumed: it does not trust {DMS}"
        return None

    def bucket_trouble(self, bucket: str) -> str | None:
        """Return what is wrong with the bucket."""
        try:
            region = self._bucket(bucket).region_name
        except BucketTrouble as trouble:
            return str(trouble)
        return None if region == self._region else f"the bucket {bucket} is in {region}, not in {self._region}"

    def _bucket(self, name: str) -> Any:
        try:
            return s3_backends[self._account]["aws"].get_bucket(name)
        except ServiceException:
            raise BucketTrouble(f"the bucket {name} does not exist") from None


def _trusts_dms(document: Any) -> bool:
    policy: Mapping[str, Any] = json.loads(unquote(document)) if isinstance(document, str) else document
    statements = policy.get("Statement", [])
    for statement in statements if isinstance(statements, list) else [statements]:
        services = statement.get("Principal", {}).get("Service", [])
        if statement.get("Effect") == "Allow" and DMS in ([services] if isinstance(services, str) else services):
            return True
    return False

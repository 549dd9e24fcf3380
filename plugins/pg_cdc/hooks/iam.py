"""IAM calls: who may take on a role."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
from botocore.exceptions import ClientError

from pg_cdc.hooks.aws_errors import error_code
from pg_cdc.hooks.memo import shared_hook

if TYPE_CHECKING:
    from pg_cdc.config import Migration


class CdcIamHook(AwsBaseHook):
    """IAM, for one question."""

    @classmethod
    def of(cls, migration: Migration) -> CdcIamHook:
        """Return the hook for the AWS account of ``migration``."""
        conn_id, region = migration.aws.conn_id, migration.aws.region
        return shared_hook(
            lambda: cls(aws_conn_id=conn_id, region_name=region, client_type="iam"), cls, conn_id, region
        )

    def trust_policy(self, role_arn: str) -> Mapping[str, Any] | None:
        """Return the document that says who may take on the role; None: there is no such role."""
        client: Any = self.conn
        try:
            role = client.get_role(RoleName=role_arn.rpartition("/")[2])["Role"]
        except ClientError as error:
            if error_code(error) == "NoSuchEntity":
                return None
            raise
        found: Mapping[str, Any] = role["AssumeRolePolicyDocument"]
        return found if role["Arn"] == role_arn else None

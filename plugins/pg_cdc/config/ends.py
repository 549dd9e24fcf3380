"""Where a migration is from and where it is to: AWS, the source, the role that DMS logs in as, the target."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from pg_cdc.config.fields import (
    HOST,
    ConnId,
    Database,
    Identifier,
    Parameters,
    Role,
    RoleArn,
    SecretArn,
    Section,
    refuse,
)
from pg_cdc.config.problems import password_problems, secret_role_problems, two_places_problems


class Aws(Section):
    """AWS"""

    conn_id: ConnId = Field(default="aws_default", description="Airflow connection to AWS.")
    region: Annotated[str, Field(pattern=r"^[a-z]{2}(?:-[a-z]+)+-[0-9]$")] | None = Field(
        default=None, description="Region, such as `eu-west-1`; empty: the connection's."
    )


class Source(Section):
    """Source"""

    identifier: Identifier = Field(default="shop", description="Aurora DB cluster or RDS DB instance identifier.")
    database: Database = Field(default="shop", description="Database to replicate.")
    admin_conn_id: ConnId = Field(
        default="pg_cdc_source",
        description="Airflow connection of a member of `rds_superuser`. Host and port may be left out: AWS tells them.",
    )
    read_from: Identifier | None = Field(
        default=None,
        description=(
            "Read replica of an RDS source, PostgreSQL 16 or later, that DMS reads from to spare the source; empty: the"
            " source itself."
        ),
    )
    parameters: Parameters = Field(
        default_factory=dict,
        description=(
            "Parameters to set beside those of change capture, such as `{work_mem: 65536}`: names and values as the"
            " parameter group has them. Proved by SQL, and put back by the teardown. Those that Aurora manages itself"
            " are refused."
        ),
    )


class DmsRole(Section):
    """DMS role"""

    name: Role = Field(default="app_dms", description="Database role that DMS logs in as; made when missing.")
    secret_arn: SecretArn | None = Field(
        default=None,
        description="Secrets Manager ARN with the role's password (keys `username`, `password`, `host`, `port`).",
    )
    secret_access_role_arn: RoleArn | None = Field(default=None, description="IAM role by which DMS reads the secret.")
    conn_id: ConnId | None = Field(
        default="pg_cdc_dms_role", description="Airflow connection with the role's password, when there is no secret."
    )
    artifacts_schema: Role = Field(default="dms_replication", description="Schema of the DDL audit objects.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        refuse((*password_problems(self), *secret_role_problems(self)))
        return self


class Target(Section):
    """Target"""

    identifier: Identifier | None = Field(
        default="shop-replica", description="Aurora cluster or RDS instance; empty: see host."
    )
    host: Annotated[str, Field(pattern=HOST, max_length=255)] | None = Field(
        default=None, description="Host of a target that is not on RDS; then the identifier is left empty."
    )
    port: int | None = Field(default=None, ge=1, le=65535, description="Port; empty: what AWS tells, or 5432.")
    database: Database = Field(default="shop", description="Database that receives the tables.")
    conn_id: ConnId | None = Field(default="pg_cdc_target", description="Airflow connection with login and password.")
    secret_arn: SecretArn | None = Field(
        default=None,
        description="Secrets Manager ARN (keys `username`, `password`, `host`, `port`), before the connection.",
    )
    secret_access_role_arn: RoleArn | None = Field(default=None, description="IAM role by which DMS reads the secret.")

    @model_validator(mode="before")
    @classmethod
    def _host_means_no_identifier(cls, given: Any) -> Any:
        if isinstance(given, dict) and given.get("host") and "identifier" not in given:
            return {**given, "identifier": None}
        return given

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        refuse((*two_places_problems(self), *password_problems(self), *secret_role_problems(self)))
        return self

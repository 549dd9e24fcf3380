"""What one migration is: the only place where names, defaults and limits of the spec live.

The trigger form, the YAML files of ``include/migrations/`` and the reference page are made from these classes.
"""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from pg_cdc.config_assessment import Assessment
from pg_cdc.config_fields import (
    CERTIFICATE_ARN,
    HOST,
    NAME,
    ConnId,
    Database,
    Identifier,
    KeylessTables,
    MigrationType,
    Moment,
    NativeEngine,
    Parameters,
    Plugin,
    Role,
    RoleArn,
    SecretArn,
    Section,
    SslMode,
    refuse,
)
from pg_cdc.config_lake import Lake
from pg_cdc.config_problems import (
    certificate_problems,
    expiry_problems,
    nowhere_problems,
    password_problems,
    same_place_problems,
    secret_role_problems,
    two_places_problems,
)

__all__ = [
    "Assessment",
    "ConnId",
    "Database",
    "Identifier",
    "KeylessTables",
    "Lake",
    "Migration",
    "MigrationType",
    "NativeEngine",
    "Plugin",
    "Section",
    "SslMode",
    "refuse",
]


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


class Tables(Section):
    """Tables"""

    rules: list[dict[str, Any]] = Field(
        min_length=1,
        default_factory=lambda: [
            {"schema": "shop", "table": "%"},
            {"schema": "shop", "table": "orders", "action": "exclude"},
        ],
        description=(
            "Selection rules `{schema, table, action: include|exclude|explicit, type: table|view|all, filters}`, or DMS"
            " rules as they are. `%` and `_` are wildcards: write `[_]` for an underscore. Of a partitioned table,"
            " select the leaves and exclude the parent. A filter is `{column, operator, value}`."
        ),
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        from pg_cdc.decisions.dms.rule_grammar import rule_problems

        refuse(problem.under("rules") for problem in rule_problems(self.rules))
        return self


class Replication(Section):
    """Replication"""

    migration_type: MigrationType = Field(
        default=MigrationType.FULL_LOAD_AND_CDC, description="Copy, copy and follow, or follow only."
    )
    plugin: Plugin = Field(
        default=Plugin.AUTO,
        description="Decoding plugin; auto: pglogical where the source can have it, else test_decoding.",
    )
    ssl_mode: SslMode = Field(default=SslMode.REQUIRE, description="How DMS connects to both ends.")
    certificate_arn: Annotated[str, Field(pattern=CERTIFICATE_ARN)] | None = Field(
        default=None, description="DMS certificate; needed by verify-ca and verify-full."
    )
    instance_identifier: Identifier | None = Field(default=None, description="An existing replication instance to use.")
    instance_class: str = Field(
        default="dms.t3.medium",
        pattern=r"^dms\.[a-z0-9]+\.[a-z0-9]+$",
        description="Class of a replication instance we make.",
    )
    allocated_storage_gb: int = Field(default=50, ge=5, le=6144, description="Its storage, in GB.")
    multi_az: bool = Field(default=False, description="Whether it has a standby in another zone.")
    subnet_ids: list[str] = Field(default_factory=list, description="Empty: those of the source's DB subnet group.")
    security_group_ids: list[str] = Field(default_factory=list, description="Empty: those of the source.")
    task_settings: dict[str, Any] = Field(
        default_factory=lambda: {"TargetMetadata": {"LobMaxSize": 1024}},
        description=(
            "DMS task settings; only the keys given here are sent and compared. `LobMaxSize` is in KB: longer texts,"
            " JSON and the like are cut, and DMS's own default is 32."
        ),
    )
    measure_lobs: bool = Field(
        default=False,
        description=(
            "Let preflight read the selected tables that have text, JSON, bytea or arrays, and refuse values that"
            " `LobMaxSize` would cut. Takes as long as reading these tables once."
        ),
    )
    measure_dates: bool = Field(
        default=False,
        description=(
            "Let preflight read the selected tables that have dates or timestamps, and tell of infinite ones, which DMS"
            " does not move as they are. Takes as long as reading these tables once."
        ),
    )
    heartbeat_minutes: int = Field(default=5, ge=1, le=60, description="WAL heartbeat of the source endpoint.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        from pg_cdc.decisions.dms.task_settings import settings_problems

        settings = (problem.under("task_settings.") for problem in settings_problems(self.task_settings))
        refuse((*certificate_problems(self), *settings))
        return self


class Native(Section):
    """Native replication"""

    engine: NativeEngine = Field(
        default=NativeEngine.PGOUTPUT,
        description=(
            "What replicates: PostgreSQL's own publication and subscription, or pglogical where both servers have it"
            " preloaded."
        ),
    )
    streams: int | None = Field(
        default=None, ge=1, le=64, description="Tables copied at once; empty: half the cores of the smaller end."
    )
    index_jobs: int | None = Field(
        default=None, ge=1, le=64, description="Indexes built at once; empty: the cores of the target."
    )
    keyless_tables: KeylessTables = Field(
        default=KeylessTables.REFUSE,
        description=(
            "Tables without a key, whose updates and deletes PostgreSQL refuses once they are published: refuse them,"
            " or give them replica identity full."
        ),
    )
    root_certificate: str | None = Field(
        default=None,
        pattern=r"^/[^']+$",
        description="File on the target's server by which it verifies the source's certificate; verify-* needs it.",
    )


class Safety(Section):
    """Safety"""

    dry_run: bool = Field(default=False, description="Stop after the plan, having changed nothing.")
    require_approval: bool = Field(default=False, description="Wait for a human after the plan.")
    allow_reboot: bool = Field(
        default=True, description="Reboot members that are pending-reboot. Clients are cut for seconds."
    )
    allow_shared_parameter_group: bool = Field(
        default=False, description="Change a parameter group that other databases use; otherwise an own one is made."
    )
    adopt_existing: bool = Field(
        default=False, description="Use DMS resources of our names that lack our tag, and tag them."
    )
    expires_at: Moment | None = Field(
        default=None,
        description=(
            "When `pg_cdc_teardown_sweep` takes the migration down, such as `2026-12-31` (its first moment in UTC) or"
            " `2026-12-31T18:00:00+01:00`; empty: never. Kept as a tag of the DMS resources."
        ),
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        refuse(expiry_problems(self.expires_at))
        return self


class Timeouts(Section):
    """Timeouts"""

    approval_minutes: int = Field(default=1440, ge=1, description="For a human's answer.")
    reboot_minutes: int = Field(default=30, ge=1, description="For the reboot of one instance.")
    instance_minutes: int = Field(default=60, ge=1, description="For a replication instance to become available.")
    connection_minutes: int = Field(default=10, ge=1, description="For one connection test.")
    full_load_minutes: int = Field(default=2880, ge=1, description="For the copy of all tables.")
    assessment_minutes: int = Field(default=60, ge=1, description="For a premigration assessment.")
    streaming_minutes: int = Field(default=15, ge=1, description="For the marker row to arrive.")
    lease_minutes: int = Field(default=240, ge=1, description="How long to wait for another run on the same cluster.")
    poll_seconds: int = Field(default=15, ge=1, le=300, description="Between two looks at AWS while waiting.")


def _section(given: Any, name: str) -> dict[str, Any]:
    """Return a section as it was given; empty where it is no mapping, which is another validator's matter."""
    found = given.get(name) if isinstance(given, dict) else None
    return found if isinstance(found, dict) else {}


class Migration(Section):
    """One migration. ``name`` is in the name of everything that is made for it."""

    name: str = Field(
        default="shop",
        pattern=NAME,
        max_length=30,
        description="Lower case, digits, single hyphens; starts with a letter.",
    )
    aws: Aws = Field(default_factory=Aws)
    source: Source = Field(default_factory=Source)
    dms_role: DmsRole = Field(default_factory=DmsRole)
    target: Target = Field(default_factory=Target)
    lake: Lake = Field(default_factory=Lake)
    tables: Tables = Field(default_factory=Tables)
    replication: Replication = Field(default_factory=Replication)
    assessment: Assessment = Field(default_factory=Assessment)
    native: Native = Field(default_factory=Native)
    safety: Safety = Field(default_factory=Safety)
    timeouts: Timeouts = Field(default_factory=Timeouts)

    @model_validator(mode="before")
    @classmethod
    def _bucket_means_no_target(cls, given: Any) -> Any:
        """Leave no database to write to by mistake where a bucket is the target."""
        lake = given.get("lake") if isinstance(given, dict) else None
        bucket = lake.get("bucket") if isinstance(lake, dict) else getattr(lake, "bucket", None)
        return {**given, "target": {"identifier": None}} if bucket else given

    @model_validator(mode="before")
    @classmethod
    def _replica_means_test_decoding(cls, given: Any) -> Any:
        """Take, for a slot that is made on a read replica, the plugin that needs nothing preloaded on the primary."""
        source, replication = _section(given, "source"), _section(given, "replication")
        if not source.get("read_from") or replication.get("plugin", Plugin.AUTO) != Plugin.AUTO:
            return given
        return {**given, "replication": {**replication, "plugin": Plugin.TEST_DECODING}}

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        refuse((*nowhere_problems(self), *same_place_problems(self)))
        return self

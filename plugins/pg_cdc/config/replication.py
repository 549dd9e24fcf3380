"""What is replicated, and by what: the tables, DMS, or PostgreSQL itself."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from pg_cdc.config.fields import (
    CERTIFICATE_ARN,
    Identifier,
    KeylessTables,
    MigrationType,
    NativeEngine,
    Plugin,
    Section,
    SslMode,
    refuse,
)
from pg_cdc.config.problems import certificate_problems


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
    ssl_mode: SslMode = Field(
        default=SslMode.REQUIRE,
        description="How the target's server connects to the source; verify-* needs the root certificate.",
    )
    root_certificate: str | None = Field(
        default=None,
        pattern=r"^/[^']+$",
        description="File on the target's server by which it verifies the source's certificate; verify-* needs it.",
    )

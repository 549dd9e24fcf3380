"""What one migration is: the sections of its spec, and what must hold between them."""

from __future__ import annotations

from typing import Any, Self

from pydantic import Field, model_validator

from pg_cdc.config.assessment import Assessment
from pg_cdc.config.care import Safety, Timeouts
from pg_cdc.config.ends import Aws, DmsRole, Source, Target
from pg_cdc.config.fields import NAME, Plugin, Section, refuse
from pg_cdc.config.lake import Lake
from pg_cdc.config.problems import nowhere_problems, same_place_problems
from pg_cdc.config.replication import Native, Replication, Tables


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


def _section(given: Any, name: str) -> dict[str, Any]:
    """Return a section as it was given; empty where it is no mapping, which is another validator's matter."""
    found = given.get(name) if isinstance(given, dict) else None
    return found if isinstance(found, dict) else {}

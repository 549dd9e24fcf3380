"""How careful a run is, and how long it waits."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from pg_cdc.config.fields import Moment, Section, refuse
from pg_cdc.config.problems import expiry_problems


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

"""Which read replica a run of ``pg_cdc_replica`` is about, and what is to become of it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from pydantic import Field, ValidationError

from pg_cdc.config.fields import Identifier, Section

if TYPE_CHECKING:
    from airflow.sdk import Param

PREFIX = "replica_"
WHICH = (
    "spec_file", "name", "aws_", "source_identifier", "source_database", "source_admin_conn_id", "safety_dry_run",
    "safety_require_approval", "safety_adopt_existing", "timeouts_",
)  # fmt: skip
"""How those of a migration's params begin that tell which source it is, and how careful a run is to be."""


class Goal(StrEnum):
    """What a replica is to be in the end; nothing is deleted unless ``gone`` is asked for."""

    FOLLOWING = "following"
    PROMOTED = "promoted"
    GONE = "gone"


class ReplicaSpec(Section):
    """Read replica"""

    identifier: Identifier = Field(default="shop-reader", description="Identifier of the read replica.")
    of: Identifier | None = Field(
        default=None,
        description="Instance it follows: the source, or from 14.1 one of its replicas; empty: the source.",
    )
    goal: Goal = Field(
        default=Goal.FOLLOWING,
        description=(
            "following: it exists and replays. promoted: it is an instance of its own, which is final. gone: one that"
            " we made is deleted, without a snapshot; a promoted one never is."
        ),
    )
    instance_class: str | None = Field(
        default=None, pattern=r"^db\.[a-z0-9-]+\.[a-z0-9]+$", description="Its class; empty: that of what it follows."
    )
    parameter_group: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z](?:[.-]?[A-Za-z0-9])*$",
        max_length=255,
        description="Its DB parameter group; empty: that of what it follows.",
    )
    max_lag_mb: int = Field(
        default=16, ge=0, le=1_048_576, description="Not promoted while more WAL than this is not replayed."
    )


def replica_from_params(params: Mapping[str, Any]) -> ReplicaSpec:
    """Return the replica that a run's params describe: their ``replica_`` keys.

    :raises SpecInvalid: naming all that is wrong.
    """
    from pg_cdc.decisions.problem import Problem, spec_invalid

    given = {key.removeprefix(PREFIX): value for key, value in params.items() if key.startswith(PREFIX)}
    try:
        return ReplicaSpec.model_validate({key: None if value == "" else value for key, value in given.items()})
    except ValidationError as err:
        problems = [
            Problem(where=PREFIX + ".".join(map(str, one["loc"])), found="what is not valid", expected=one["msg"])
            for one in err.errors(include_url=False)
        ]
    raise spec_invalid(problems, next="correct these fields of the form and trigger again")


def replica_params() -> dict[str, Param]:
    """Return the params of a DAG about one read replica: which and what for, then of which source."""
    from pg_cdc.form import migration_params, section_params

    which = {key: param for key, param in migration_params().items() if key.startswith(WHICH)}
    return {**section_params(PREFIX, ReplicaSpec), **which}

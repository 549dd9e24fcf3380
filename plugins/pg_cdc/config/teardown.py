"""How one teardown is to go: the part of the form that a migration's spec does not say."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from pydantic import Field, ValidationError

from pg_cdc.config.fields import Section

if TYPE_CHECKING:
    from airflow.sdk import Param

PREFIX = "teardown_"
WHICH = (
    "spec_file",
    "name",
    "aws_",
    "source_",
    "dms_role_",
    "target_",
    "lake_bucket",
    "lake_folder",
    "lake_role_arn",
    "replication_instance_identifier",
    "timeouts_",
)
"""How those of a migration's params begin that tell which it is and where its ends are."""


class Scope(StrEnum):
    """How far a teardown goes: everything, or only turning logical replication off again."""

    ALL = "all"
    LOGICAL_REPLICATION = "logical_replication"


class Keep(StrEnum):
    """What can be kept on purpose. A replication slot of ours never is: it would fill the source's disk."""

    REPLICATION_INSTANCE = "replication_instance"
    DDL_AUDIT = "ddl_audit"
    PGLOGICAL = "pglogical"
    DMS_ROLE = "dms_role"
    CONTROL_SCHEMA = "control_schema"
    PARAMETERS = "parameters"
    SOURCE = "source"
    TARGET_CONTROL_TABLES = "target_control_tables"
    TARGET = "target"


IMPLIED = {
    Keep.DDL_AUDIT: (Keep.SOURCE,),
    Keep.PGLOGICAL: (Keep.SOURCE,),
    Keep.DMS_ROLE: (Keep.SOURCE,),
    Keep.PARAMETERS: (Keep.SOURCE,),
    Keep.CONTROL_SCHEMA: (Keep.PARAMETERS, Keep.SOURCE),
    Keep.TARGET_CONTROL_TABLES: (Keep.TARGET,),
}
"""What keeps a thing besides its own name. The control schema has the parameters' old values."""


class Teardown(Section):
    """Teardown"""

    dry_run: bool = Field(default=True, description="Only say what would go and what would stay.")
    require_approval: bool = Field(default=False, description="Wait for a human after the plan.")
    scope: Scope = Field(
        default=Scope.ALL,
        description=(
            "all: everything that was made for the migration. logical_replication: stop the task, drop the migration's"
            " slots and set the source's parameters back; all else stays."
        ),
    )
    keep: list[Keep] = Field(
        default_factory=list,
        description=(
            "What stays. `replication_instance`: with its subnet group. `source`: all on the source but its slots;"
            " `control_schema`: schema pgcdc there; `target`: all on the target. Replicated tables always stay."
        ),
    )
    allow_reboot: bool = Field(
        default=True,
        description="Reboot what waits for restored parameters. `safety.allow_reboot` of a spec file counts too.",
    )
    delete_lake_files: bool = Field(
        default=False,
        description=(
            "Delete the files in the migration's own folder of a bucket. Without it they stay: the copy is what the"
            " migration was for."
        ),
    )

    def keeps(self, thing: Keep) -> str:
        """Return why ``thing`` stays on purpose, in words; empty: it goes."""
        if self.scope is Scope.LOGICAL_REPLICATION and thing is not Keep.PARAMETERS:
            return self.keeps_dms
        for kept in (thing, *IMPLIED.get(thing, ())):
            if kept in self.keep:
                return f"kept as asked: {kept.value}"
        return ""

    @property
    def keeps_dms(self) -> str:
        """Return why the task, the endpoints and what serves them stay; empty: they go."""
        return "only logical replication is turned off" if self.scope is Scope.LOGICAL_REPLICATION else ""


def teardown_from_params(params: Mapping[str, Any]) -> Teardown:
    """Return the teardown that a run's params describe: their ``teardown_`` keys.

    :raises SpecInvalid: naming all that is wrong.
    """
    from pg_cdc.decisions.problem import Problem, spec_invalid

    given = {key.removeprefix(PREFIX): value for key, value in params.items() if key.startswith(PREFIX)}
    try:
        return Teardown.model_validate(given)
    except ValidationError as err:
        problems = [
            Problem(where=PREFIX + ".".join(map(str, one["loc"])), found="what is not valid", expected=one["msg"])
            for one in err.errors(include_url=False)
        ]
    raise spec_invalid(problems, next="correct these fields of the form and trigger again")


def teardown_params() -> dict[str, Param]:
    """Return the params of a DAG that takes a migration down: how, then which."""
    from pg_cdc.form import migration_params, section_params

    which = {key: param for key, param in migration_params().items() if key.startswith(WHICH)}
    return {**section_params(PREFIX, Teardown), **which}

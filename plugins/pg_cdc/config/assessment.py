"""What the spec says of DMS's premigration assessment: whether, where its results go, and what it asks."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from pg_cdc.config.fields import RoleArn, Section, refuse
from pg_cdc.decisions.problem import Problem

BUCKET = r"^[a-z0-9][a-z0-9.-]*[a-z0-9]$"
FOLDER = r"^[^/\\\x00-\x1f](?:[^\\\x00-\x1f]*[^/\\\x00-\x1f])?$"


class AssessmentMode(StrEnum):
    """What a premigration assessment is for. ``auto``: a gate where a bucket is named, else off."""

    AUTO = "auto"
    OFF = "off"
    WARN = "warn"
    GATE = "gate"


class Assessment(Section):
    """Premigration assessment"""

    mode: AssessmentMode = Field(
        default=AssessmentMode.AUTO,
        description=(
            "Whether DMS assesses the task before it is started for the first time. gate: what fails stops the run;"
            " warn: it is told; auto: a gate where a bucket is named, else off."
        ),
    )
    bucket: Annotated[str, Field(pattern=BUCKET, min_length=3, max_length=63)] | None = Field(
        default=None, description="S3 bucket that DMS writes the results to; what is in it stays yours."
    )
    folder: Annotated[str, Field(pattern=FOLDER, max_length=200)] = Field(
        default="pg-cdc", description="Folder in the bucket."
    )
    service_access_role_arn: RoleArn | None = Field(
        default=None, description="IAM role by which DMS writes to the bucket; it trusts `dms.amazonaws.com`."
    )
    include_only: list[str] = Field(
        default_factory=list,
        description="Individual assessments to run, such as `postgres-check-pk`; empty: all that apply to the task.",
    )
    exclude: list[str] = Field(default_factory=list, description="Individual assessments to leave out.")

    @property
    def wanted(self) -> bool:
        """Tell whether an assessment is to be run."""
        return self.mode is not AssessmentMode.OFF and bool(self.bucket)

    @property
    def gates(self) -> bool:
        """Tell whether what fails stops the run."""
        return self.wanted and self.mode is not AssessmentMode.WARN

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        refuse(self._problems())
        return self

    def _problems(self) -> Iterator[Problem]:
        """Yield what an assessment lacks to be run, and what DMS refuses."""
        if self.mode in (AssessmentMode.WARN, AssessmentMode.GATE) and not self.bucket:
            expected = f"the S3 bucket that DMS writes the results to: mode {self.mode} needs one"
            yield Problem(where="bucket", found="nothing", expected=expected)
        if self.wanted and not self.service_access_role_arn:
            expected = "the IAM role by which DMS writes to the bucket; it trusts dms.amazonaws.com"
            yield Problem(where="service_access_role_arn", found="nothing beside bucket", expected=expected)
        if self.include_only and self.exclude:
            yield Problem(where="exclude", found="both include_only and exclude", expected="one: DMS takes no two")

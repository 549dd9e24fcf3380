"""What slot hygiene looks at and how far it may go: the only place where names, defaults and limits of that live.

The trigger form is made from these fields. A scheduled run takes their defaults, which the environment variable
PG_CDC_HYGIENE may set, such as ``{"dry_run": false, "spec_files": ["shop.yaml"]}``; a run's own conf goes before.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import Field, ValidationError, model_validator

from pg_cdc.config.fields import ConnId, Database, Identifier, Section, refuse
from pg_cdc.decisions.problem import Problem, spec_invalid
from pg_cdc.failures import SpecInvalid
from pg_cdc.spec import SPEC_FILE

if TYPE_CHECKING:
    from airflow.sdk import Param

    from pg_cdc.decisions.slots.policy import Policy

SETTINGS = "PG_CDC_HYGIENE"
SCHEDULE = "PG_CDC_HYGIENE_SCHEDULE"
EVERY_15_MINUTES = "*/15 * * * *"
SECONDS_OF_A_DAY = 86400
SLOT = r"^[a-z](?:-?[a-z0-9])*/[a-z0-9_]+$"

SpecFile = Annotated[str, Field(pattern=SPEC_FILE)]
SlotPath = Annotated[str, Field(pattern=SLOT)]
Pattern = Annotated[str, Field(min_length=1)]


class WatchedSource(Section):
    """A server to look at that no spec file names."""

    identifier: Identifier = Field(description="Aurora DB cluster or RDS DB instance identifier.")
    database: Database = Field(default="postgres", description="A database of it, whose ledger is read.")
    admin_conn_id: ConnId = Field(default="pg_cdc_source", description="Airflow connection of its admin.")
    aws_conn_id: ConnId = Field(default="aws_default", description="Airflow connection to AWS.")
    region: str | None = Field(default=None, description="Region; empty: the connection's.")


class Hygiene(Section):
    """Slot hygiene"""

    spec_files: list[SpecFile] = Field(
        default_factory=list,
        description="Files of `include/migrations/` whose sources are looked at, such as `shop.yaml`; empty: all.",
    )
    sources: list[dict[str, Any]] = Field(
        default_factory=list,
        description="Further servers: `{identifier, database, admin_conn_id, aws_conn_id, region}`.",
    )
    dry_run: bool = Field(default=True, description="Say which slots would be dropped, and drop none. Alarms are real.")
    grace_seconds: int = Field(
        default=86400, ge=0, description="How long an owner must have been gone before its slot is dropped."
    )
    max_drops: int = Field(default=5, ge=0, description="More drops than this in one run wait for a human.")
    max_drop_bytes: int = Field(
        default=10 * 1024**3, ge=0, description="So do drops of slots that hold back more bytes of WAL than this."
    )
    approval_minutes: int = Field(default=1440, ge=1, description="For a human's answer.")
    protect: list[Pattern] = Field(
        default_factory=list, description="Slots that are never dropped: names or patterns, such as `debezium_*`."
    )
    terminate: list[SlotPath] = Field(
        default_factory=list,
        description="Slots, as `identifier/slot`, whose reading backend is ended. Name one only to cut its client.",
    )
    alarm_hours: float = Field(
        default=12.0, gt=0, description="Alarm when the disk is full, or the slot lost, within so many hours."
    )
    watch_hours: float = Field(default=72.0, gt=0, description="Watch when it is within so many hours.")
    cache_hit_percent: float = Field(
        default=90.0, ge=0, le=100, description="Aurora: a logical WAL cache below this rate is named."
    )
    keep_days: int = Field(default=14, ge=1, le=365, description="How long observations of slots are kept.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        refuse(_source_problems(self.sources))
        if self.watch_hours < self.alarm_hours:
            found = f"{self.watch_hours:g}, below alarm_hours {self.alarm_hours:g}"
            refuse([Problem(where="watch_hours", found=found, expected="at least alarm_hours: a watch comes first")])
        if self.grace_seconds > self.keep_days * SECONDS_OF_A_DAY:
            found = f"{self.grace_seconds}, longer than keep_days {self.keep_days}"
            refuse([Problem(where="grace_seconds", found=found, expected="observations that are kept for all of it")])
        return self

    def watched(self) -> tuple[WatchedSource, ...]:
        """Return the servers that no spec file names."""
        return tuple(WatchedSource.model_validate(source) for source in self.sources)

    def policy(self) -> Policy:
        """Return what the decisions go by."""
        from dataclasses import fields

        from pg_cdc.decisions.slots.policy import Policy

        values: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(Policy)}
        return Policy(**values | {key: tuple(values[key]) for key in ("protect", "terminate")})


def hygiene_params() -> dict[str, Param]:
    """Return the params of the DAG, with the defaults that the environment sets."""
    from airflow.sdk import Param

    from pg_cdc.form import section_params

    params = section_params("", Hygiene)
    for key, value in _settings().items():
        if key not in params:
            raise spec_invalid([_unknown(key)], next=f"correct the environment variable {SETTINGS}")
        params[key] = Param(value, **params[key].schema)
    return params


def hygiene_schedule() -> str:
    """Return the cron expression by which the DAG runs, in UTC."""
    return os.environ.get(SCHEDULE) or EVERY_15_MINUTES


def hygiene_from_params(params: Mapping[str, Any]) -> Hygiene:
    """Return what a run's params ask for.

    :raises SpecInvalid: naming everything that is wrong with them.
    """
    try:
        return Hygiene.model_validate(dict(params))
    except ValidationError as err:
        raise spec_invalid(_problems(err), next="correct these params and trigger again") from err


def _settings() -> dict[str, Any]:
    text = os.environ.get(SETTINGS) or "{}"
    next = f"correct or unset the environment variable {SETTINGS}"
    expected = "a JSON object of params of pg_cdc_slot_hygiene"
    try:
        given = json.loads(text)
    except ValueError as err:
        raise SpecInvalid(found=f"{SETTINGS} is no JSON: {err}", expected=expected, next=next) from err
    if not isinstance(given, dict):
        raise SpecInvalid(found=f"{SETTINGS} is {type(given).__name__}", expected=expected, next=next)
    return given


def _source_problems(sources: list[dict[str, Any]]) -> Iterator[Problem]:
    for number, source in enumerate(sources):
        try:
            WatchedSource.model_validate(source)
        except ValidationError as err:
            yield from (problem.under(f"sources.{number}.") for problem in _problems(err, WatchedSource))


def _problems(err: ValidationError, model: type[Section] = Hygiene) -> Iterator[Problem]:
    for error in err.errors(include_url=False):
        where = ".".join(str(part) for part in error["loc"])
        if error["type"] == "problems":
            yield from error["ctx"]["problems"]
        elif error["type"] == "extra_forbidden":
            yield _unknown(where, model)
        else:
            yield Problem(
                where=where, found=repr(error["input"])[:120], expected=error["msg"].removeprefix("Input should be ")
            )


def _unknown(key: str, model: type[Section] = Hygiene) -> Problem:
    return Problem(where=key, found="an unknown key", expected=f"one of {', '.join(model.model_fields)}")

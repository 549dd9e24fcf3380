"""What the fields of a spec are made of: patterns, closed sets of words, and the section they stand in."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from pg_cdc.decisions.problem import Problem

NAME = r"^[a-z](?:-?[a-z0-9])*$"
ROLE = r"^[a-z_][a-z0-9_$]*$"
CONN_ID = r"^[A-Za-z0-9_.:-]+$"
HOST = r"^[A-Za-z0-9:](?:[A-Za-z0-9._:-]*[A-Za-z0-9])?$"
DATABASE = r"^[^/\\\x00-\x1f]+$"
SECRET_ARN = r"^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]+$"  # noqa: S105
ROLE_ARN = r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9/_+=,.@-]+$"
CERTIFICATE_ARN = r"^arn:aws[a-z-]*:dms:[a-z0-9-]+:[0-9]{12}:cert:[A-Za-z0-9-]+$"

MOMENT = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9]{2}:[0-9]{2}(?::[0-9]{2})?(?:Z|[+-][0-9]{2}:[0-9]{2}))?$"


PARAMETER = r"^[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)?$"


def _texts(given: Any) -> Any:
    """Return numbers and switches, which YAML has read as such, as the texts that a parameter group holds."""
    if not isinstance(given, dict):
        return given
    return {name: _parameter_text(value) for name, value in given.items()}


def _parameter_text(value: Any) -> Any:
    if isinstance(value, bool):
        return "1" if value else "0"
    return str(value) if isinstance(value, int | float) else value


def _text(moment: Any) -> Any:
    """Return a date that YAML has read as such, as the text it was."""
    return moment.isoformat() if isinstance(moment, date) else moment


Identifier = Annotated[str, Field(pattern=NAME, max_length=63)]
Database = Annotated[str, Field(pattern=DATABASE, max_length=63)]
Role = Annotated[str, Field(pattern=ROLE, max_length=63)]
ConnId = Annotated[str, Field(pattern=CONN_ID, max_length=200)]
SecretArn = Annotated[str, Field(pattern=SECRET_ARN)]
RoleArn = Annotated[str, Field(pattern=ROLE_ARN)]
ParameterName = Annotated[str, Field(pattern=PARAMETER, max_length=100)]
Parameters = Annotated[dict[ParameterName, Annotated[str, Field(min_length=1)]], BeforeValidator(_texts)]
Moment = Annotated[str, BeforeValidator(_text), Field(pattern=MOMENT)]


def epoch(moment: str) -> float:
    """Return the moment in epoch seconds. A date means its first moment, in UTC.

    :raises ValueError: there is no such day or time.
    """
    found = datetime.fromisoformat(moment)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


class MigrationType(StrEnum):
    """DMS migration types. https://docs.aws.amazon.com/dms/latest/APIReference/API_CreateReplicationTask.html"""

    FULL_LOAD = "full-load"
    FULL_LOAD_AND_CDC = "full-load-and-cdc"
    CDC = "cdc"


class Plugin(StrEnum):
    """Logical decoding plugin. ``auto``: pglogical where the source can have it, else test_decoding."""

    AUTO = "auto"
    PGLOGICAL = "pglogical"
    TEST_DECODING = "test_decoding"


class NativeEngine(StrEnum):
    """What native replication is done by."""

    PGOUTPUT = "pgoutput"
    PGLOGICAL = "pglogical"


class KeylessTables(StrEnum):
    """What native replication does about tables without a key."""

    REFUSE = "refuse"
    IDENTITY_FULL = "identity-full"


class SslMode(StrEnum):
    """DMS endpoint SSL modes."""

    NONE = "none"
    REQUIRE = "require"
    VERIFY_CA = "verify-ca"
    VERIFY_FULL = "verify-full"


def refuse(problems: Iterable[Problem]) -> None:
    """Raise all ``problems`` as one pydantic error, which ``pg_cdc.spec`` takes apart again."""
    if listed := list(problems):
        text = "; ".join(f"{problem.where} {problem.found}; expected {problem.expected}".strip() for problem in listed)
        raise PydanticCustomError("problems", "{text}", {"text": text, "problems": listed})


class Section(BaseModel):
    """A part of the spec: frozen, and a misspelt key is an error."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", str_strip_whitespace=True, hide_input_in_errors=True, defer_build=True
    )

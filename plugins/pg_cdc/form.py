"""The trigger form of a migration, made from the spec's models: one flat param ``<section>_<field>`` for each field.

Read from the fields' declarations, not from pydantic's JSON schema: that would build every validator at each parse.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from airflow.sdk import Param
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from pg_cdc.config import Migration
from pg_cdc.spec import SPEC_FILE

GENERAL = "Migration"
SPOKEN = {"conn": "connection", "id": "ID", "ids": "IDs", "arn": "ARN", "ssl": "SSL", "gb": "GB", "az": "AZ"}
TYPES = {str: "string", int: "integer", float: "number", bool: "boolean", list: "array", dict: "object"}
RULES = {
    "pattern": "pattern",
    "ge": "minimum",
    "le": "maximum",
    "min_length": "minLength",
    "max_length": "maxLength",
}


NOT_FOR_DMS = ("native_",)
NOT_FOR_NATIVE = ("source_read_from", "lake_", "replication_", "assessment_")
"""How the params begin that a road does not read: its form does not ask for them, and its runs refuse or leave them."""


def dms_params() -> dict[str, Param]:
    """Return the params of the DAG that migrates by DMS."""
    return {key: param for key, param in migration_params().items() if not key.startswith(NOT_FOR_DMS)}


def native_params() -> dict[str, Param]:
    """Return the params of the DAG that migrates without DMS."""
    return {key: param for key, param in migration_params().items() if not key.startswith(NOT_FOR_NATIVE)}


def migration_params() -> dict[str, Param]:
    """Return a param for each field of a spec; their defaults are the spec's."""
    params = {"spec_file": _spec_file(), "name": _param("name", Migration.model_fields["name"], GENERAL)}
    for section, field in Migration.model_fields.items():
        model = field.annotation
        if isinstance(model, type) and issubclass(model, BaseModel):
            params |= section_params(f"{section}_", model)
    return params


def section_params(prefix: str, model: type[BaseModel]) -> dict[str, Param]:
    """Return a param ``<prefix><field>`` for each field of ``model``, whose docstring heads them in the form."""
    return {f"{prefix}{key}": _param(key, field, str(model.__doc__)) for key, field in model.model_fields.items()}


def _spec_file() -> Param:
    return Param(
        None,
        title="Spec file",
        section=GENERAL,
        type=["null", "string"],
        pattern=SPEC_FILE,
        description_md=(
            "Name of a file in `include/migrations/`, such as `shop.yaml`. It is then the whole spec: the rest of this"
            " form is ignored, except that *Dry run* makes any run a dry run."
        ),
    )


def _param(key: str, field: FieldInfo, section: str) -> Param:
    kind, nullable, rules = _kind(field.annotation)
    schema: dict[str, Any] = {**rules, **dict(_rules(field.metadata))}
    if get_origin(kind) is list and "minLength" in schema:
        schema["minItems"] = schema.pop("minLength")
    if isinstance(kind, type) and issubclass(kind, Enum):
        schema["enum"] = [*(member.value for member in kind), *([None] if nullable else [])]
        kind = str
    if get_origin(kind) is list:
        schema |= _items(get_args(kind)[0])
    word = TYPES[get_origin(kind) or kind]
    default = field.get_default(call_default_factory=True)
    return Param(
        default.value if isinstance(default, Enum) else default,
        title=_title(key),
        section=section,
        type=["null", word] if nullable else word,
        description_md=field.description,
        **schema,
    )


def _items(kind: Any) -> dict[str, Any]:
    """Return what the form says of a list's items; of a closed set, it shows them to choose from."""
    if isinstance(kind, type) and issubclass(kind, Enum):
        words = [member.value for member in kind]
        return {"items": {"type": "string", "enum": words}, "examples": words}
    bare, _, rules = _kind(kind)
    return {"items": {"type": TYPES[get_origin(bare) or bare], **rules}}


def _kind(annotation: Any) -> tuple[Any, bool, dict[str, Any]]:
    """Return the type, whether it may be None, and the rules that stand beside it."""
    if get_origin(annotation) in (Union, UnionType):
        (some,) = (part for part in get_args(annotation) if part is not type(None))
        kind, _, rules = _kind(some)
        return kind, True, rules
    if get_origin(annotation) is Annotated:
        kind, *metadata = get_args(annotation)
        return kind, False, dict(_rules(metadata))
    return annotation, False, {}


def _rules(metadata: Iterable[Any]) -> Iterator[tuple[str, Any]]:
    for item in metadata:
        if isinstance(item, FieldInfo):
            yield from _rules(item.metadata)
        for attribute, word in RULES.items():
            if (value := getattr(item, attribute, None)) is not None:
                yield word, value


def _title(key: str) -> str:
    title = " ".join(SPOKEN.get(word, word) for word in key.split("_"))
    return title[0].upper() + title[1:]

"""Read a migration spec: from the trigger form's flat params, or from a YAML file they name.

With ``spec_file`` the file is the whole spec: the form's other values are not looked at, except that
``safety_dry_run`` true in the form makes any run a dry run.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pg_cdc.config import Migration
from pg_cdc.config.ends import Source
from pg_cdc.decisions.problem import Problem, spec_invalid
from pg_cdc.failures import SpecInvalid
from pg_cdc.places import include_directories

DIRECTORY = "PG_CDC_MIGRATIONS"
"""The environment variable that names the directory of the spec files."""

SPEC_FILE = r"^[A-Za-z0-9][A-Za-z0-9_.-]*\.ya?ml$"
SECTIONS = {name for name in Migration.model_fields if name != "name"}
REPLICA = "replica_"
"""How the params of a form begin that is about a read replica, and has no target."""

OTHER = ("teardown_", REPLICA)
"""How the params begin that stand beside a migration's in a form."""

NEEDED = (
    "name",
    "source.identifier",
    "source.database",
    "target.database",
    "tables.rules",
)
"""What a file must say itself: the defaults of these are a demonstration's."""


def migration_from_params(params: Mapping[str, Any]) -> Migration:
    """Return the migration that a run's params describe: ``section_field`` keys, ``name``, or ``spec_file``."""
    if spec_file := params.get("spec_file"):
        migration = load_migration(_read_spec_file(spec_file))
        return _as_dry_run(migration) if params.get("safety_dry_run") else migration
    given = _nested(params)
    if any(key.startswith(REPLICA) for key in params):
        given.setdefault("target", nowhere_else(given.get("source", {})))
    return migration_from_mapping(given, next="correct these fields of the form and trigger again")


def nowhere_else(source: Mapping[str, Any]) -> dict[str, Any]:
    """Return a target for what has none: on the source's own server, and never its database."""
    database = "template1" if source.get("database") == "postgres" else "postgres"
    return {"identifier": source.get("identifier", Source().identifier), "database": database}


def load_migration(text: str) -> Migration:
    """Return the migration that a YAML document describes."""
    import yaml

    try:
        given = yaml.safe_load(text)
    except yaml.YAMLError as err:
        mark = getattr(err, "problem_mark", None)
        place = f"line {mark.line + 1}" if mark else "the file"
        raise SpecInvalid(found=f"broken YAML at {place}", expected="a YAML mapping", next="correct the file") from err
    if not isinstance(given, dict):
        raise SpecInvalid(found="no mapping", expected="a YAML mapping with name, source, target", next="fill the file")
    return migration_from_mapping(given, needed=NEEDED, next="correct the file and trigger again")


def migration_from_mapping(
    given: Mapping[str, Any], *, needed: Iterable[str] = (), next: str = "correct the spec and trigger again"
) -> Migration:
    """Return the migration of a nested mapping.

    :raises SpecInvalid: naming everything that is wrong with it, and every one of ``needed`` that it leaves out.
    """
    problems = list(_left_out(given, needed))
    migration = None
    try:
        migration = Migration.model_validate(given)
    except ValidationError as err:
        problems += _problems_in(err)
    if migration is None or problems:
        raise spec_invalid(problems, next=next)
    return migration


def migrations_directory() -> Path:
    """Return the directory of the spec files: what PG_CDC_MIGRATIONS names, or the first ``include/migrations``."""
    if named := os.environ.get(DIRECTORY):
        return Path(named)
    places = list(include_directories("migrations"))
    return next((place for place in places if place.is_dir()), places[1])


def spec_file_names() -> tuple[str, ...]:
    """Return the names of all spec files."""
    return tuple(
        sorted(file.name for file in migrations_directory().glob("*.y*ml") if re.fullmatch(SPEC_FILE, file.name))
    )


def _read_spec_file(name: str) -> str:
    directory = migrations_directory()
    path = directory / name
    if not re.fullmatch(SPEC_FILE, name) or path.resolve().parent != directory.resolve() or not path.is_file():
        there = ", ".join(spec_file_names()) or "none"
        raise SpecInvalid(
            found=f"spec_file {name!r}",
            expected=f"the bare name of a file in {directory}; there: {there}",
            next=f"name one of them, name another directory by {DIRECTORY}, or leave spec_file empty for the form",
        )
    return path.read_text(encoding="utf-8")


def _as_dry_run(migration: Migration) -> Migration:
    return migration.model_copy(update={"safety": migration.safety.model_copy(update={"dry_run": True})})


def _nested(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the flat params by section; an empty text field of the form means None."""
    nested: dict[str, Any] = {}
    for key, value in params.items():
        value = None if value == "" else value
        section = next((section for section in SECTIONS if key.startswith(f"{section}_")), None)
        if section is not None:
            nested.setdefault(section, {})[key.removeprefix(f"{section}_")] = value
        elif key != "spec_file" and not key.startswith(OTHER):
            nested[key] = value
    return nested


def _left_out(given: Mapping[str, Any], needed: Iterable[str]) -> Iterator[Problem]:
    if not needed:
        return
    lake, target = (_section(given, name) for name in ("lake", "target"))
    bucket = lake.get("bucket")
    for path in needed:
        section, _, key = path.rpartition(".")
        place = _section(given, section) if section else given
        if place.get(key) is None and not (bucket and section == "target"):
            yield Problem(where=path, found="nothing", expected="a value: a file says itself which databases it means")
    if bucket and target:
        expected = "the one or the other: a migration has one target"
        yield Problem(where="target", found=f"a database beside the bucket {bucket} of lake", expected=expected)
    if not (bucket or target.get("identifier") or target.get("host")):
        expected = "one of them, or lake.bucket, in the file itself"
        yield Problem(where="target", found="neither identifier nor host", expected=expected)


def _section(given: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = given.get(name)
    return section if isinstance(section, Mapping) else {}


def _problems_in(err: ValidationError) -> Iterator[Problem]:
    for error in err.errors(include_url=False):
        place = ".".join(str(part) for part in error["loc"])
        if error["type"] == "problems":
            prefix = f"{place}." if place else ""
            yield from (problem.under(prefix) for problem in error["ctx"]["problems"])
        elif error["type"] == "extra_forbidden":
            yield Problem(where=place, found="an unknown key", expected=f"one of {_known_keys(error['loc'])}")
        else:
            yield Problem(where=place, found=_shown(error["input"]), expected=_expected(error["msg"]))


def _known_keys(place: tuple[int | str, ...]) -> str:
    model: Any = Migration
    for part in place[:-1]:
        model = model.model_fields[part].annotation
    return ", ".join(model.model_fields)


def _expected(message: str) -> str:
    for prefix in ("Input should be ", "String should ", "Value should "):
        message = message.removeprefix(prefix)
    return message


def _shown(value: Any) -> str:
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= 120 else f"{text[:117]}..."

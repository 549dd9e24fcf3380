"""Check the DMS task settings that a user gave, and compare them with what a task has.

Only the user's keys are ever sent or compared: DMS merges a partial document with its defaults, and its describe gives
all of them back.
Source: https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Tasks.CustomizingTasks.TaskSettings.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from pg_cdc.decisions.dms.task_settings_tree import LOG_SEVERITIES, READ_ONLY, TREE, Choice, Leaf, Range
from pg_cdc.decisions.problem import Problem


def settings_problems(settings: Mapping[str, Any]) -> tuple[Problem, ...]:
    """Return every unknown key, wrong value and contradiction, each with its dotted place."""
    return (*_problems_in(settings, TREE, ""), *_contradictions(settings))


def differing_keys(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the dotted keys of ``wanted`` that ``found`` lacks or has otherwise. What only ``found`` has is fine."""
    return tuple(_differences(wanted, found, ""))


def _differences(wanted: Mapping[str, Any], found: Any, prefix: str) -> Iterator[str]:
    for key, value in wanted.items():
        there = found.get(key) if isinstance(found, Mapping) else None
        if isinstance(value, Mapping):
            yield from _differences(value, there, f"{prefix}{key}.")
        elif key == "LogComponents":
            yield from _component_differences(value, there, f"{prefix}{key}")
        elif value != there:
            yield f"{prefix}{key}"


def _component_differences(wanted: Any, found: Any, path: str) -> Iterator[str]:
    """Compare only the components given: DMS lists all of them."""
    severities = {one.get("Id"): one.get("Severity") for one in found or () if isinstance(one, Mapping)}
    for component in wanted:
        if severities.get(component["Id"]) != component["Severity"]:
            yield f"{path}.{component['Id']}"


def _problems_in(given: Any, known: Mapping[str, Any], prefix: str) -> Iterator[Problem]:
    for key, value in given.items():
        path = f"{prefix}{key}"
        if key in READ_ONLY:
            yield Problem(where=path, found="a key that only DMS sets", expected="settings without it")
        elif key not in known:
            yield Problem(where=path, found="an unknown key", expected=_near(key, known))
        elif isinstance(known[key], Mapping):
            if isinstance(value, Mapping):
                yield from _problems_in(value, known[key], f"{path}.")
            elif value is not None:
                yield Problem(where=path, found=repr(value), expected="a section with keys of its own")
        elif complaint := _complaint(value, known[key]):
            yield Problem(where=path, found=repr(value), expected=complaint)
        elif key == "LogComponents":
            yield from _log_problems(value or (), path)


def _log_problems(components: Iterable[Any], path: str) -> Iterator[Problem]:
    for index, component in enumerate(components):
        keys = component if isinstance(component, Mapping) else {}
        if set(keys) != {"Id", "Severity"} or keys["Severity"] not in LOG_SEVERITIES:
            expected = f"{{Id, Severity}} with a severity of {', '.join(LOG_SEVERITIES)}"
            yield Problem(where=f"{path}[{index}]", found=repr(component), expected=expected)


def _near(key: str, known: Mapping[str, Any]) -> str:
    """Return a hint: near names here, or the section that has this very key."""
    folded = {name.lower(): name for name in known}
    if near := get_close_matches(key.lower(), folded, n=3, cutoff=0.6):
        return f"did you mean {', '.join(folded[name] for name in near)}?"
    if homes := [name for name, keys in TREE.items() if isinstance(keys, Mapping) and key in keys]:
        return f"{key} under {', '.join(homes)}"
    return f"one of {', '.join(known)}"


def _complaint(value: Any, leaf: Leaf) -> str | None:
    if value is None:
        return None
    if isinstance(leaf, Choice):
        return None if value in leaf.values else f"one of {', '.join(leaf.values)}"
    if isinstance(leaf, Range):
        fits = type(value) is int and leaf.low <= value and (leaf.high is None or value <= leaf.high)
        return None if fits else f"an integer {leaf}"
    return None if type(value) is leaf else f"{_article(leaf)} {leaf.__name__}"


def _article(leaf: type) -> str:
    return "an" if leaf.__name__[0] in "aeiou" else "a"


def _contradictions(settings: Mapping[str, Any]) -> Iterator[Problem]:
    target = _section(settings, "TargetMetadata")
    if target.get("FullLobMode") is True and target.get("LimitedSizeLobMode") is True:
        yield Problem(
            where="TargetMetadata", found="FullLobMode and LimitedSizeLobMode both true", expected="exactly one of them"
        )
    validation = _section(settings, "ValidationSettings")
    prepare = _section(settings, "FullLoadSettings").get("TargetTablePrepMode")
    if validation.get("ValidationOnly") is True and prepare != "DO_NOTHING":
        yield Problem(
            where="ValidationSettings.ValidationOnly",
            found=f"true with TargetTablePrepMode {prepare or 'of DMS, which drops tables'}",
            expected="FullLoadSettings.TargetTablePrepMode DO_NOTHING",
        )


def _section(settings: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = settings.get(name)
    return section if isinstance(section, Mapping) else {}

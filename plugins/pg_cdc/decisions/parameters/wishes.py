"""The parameters that a spec asks for beside those of change capture: which are set, and which refused. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from pg_cdc.config import Migration
from pg_cdc.decisions.parameters.allowed_values import allows, as_group_value, same_value
from pg_cdc.decisions.parameters.rules import RDS_LIBRARIES, Rule, is_plain, listed, merge
from pg_cdc.decisions.parameters.table import BY_PARAMETER
from pg_cdc.decisions.preflight.findings import error
from pg_cdc.decisions.world import Database, Engine, Finding, Parameter, ParameterGroup

LIBRARIES = "shared_preload_libraries"
WHY = "asked for in source.parameters"


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """``rules``: all that must hold, wishes included. ``refused``: a finding for each wish that cannot be met."""

    rules: tuple[Rule, ...]
    refused: tuple[Finding, ...] = ()


def with_wishes(needed: Iterable[Rule], database: Database, group: ParameterGroup, *, migration: Migration) -> Wishes:
    """Return the rules of change capture (``needed``) and what the spec asks for as one."""
    rules = {rule.name: rule for rule in needed}
    refused = []
    for name, value in migration.source.parameters.items():
        if refusal := _refusal(name, value, database, group, rules):
            refused.append(refusal)
        else:
            rules[name] = _rule(name, as_group_value(group.parameters[name], value), rules.get(name))
    return Wishes(rules=tuple(rules.values()), refused=tuple(refused))


def _rule(name: str, value: str, needed: Rule | None) -> Rule:
    why = f"{WHY}; {needed.why}" if needed else WHY
    if name == LIBRARIES:
        return _libraries(value, needed, why)
    return Rule(name=name, why=why, enough=lambda found: same_value(found, value), better=lambda _: value, raw=True)


def _libraries(value: str, needed: Rule | None, why: str) -> Rule:
    """Add to the list and take nothing from it: setting it replaces it."""
    wished = listed(value)

    def better(found: str | None) -> str:
        kept = listed(needed.better(found) if needed else found)
        return ",".join(merge((one for one in kept if one not in RDS_LIBRARIES), wished))

    def enough(found: str) -> bool:
        return set(wished) <= set(listed(found)) and (needed is None or needed.enough(found))

    return Rule(name=LIBRARIES, why=why, enough=enough, better=better)


def _refusal(
    name: str, value: str, database: Database, group: ParameterGroup, rules: Mapping[str, Rule]
) -> Finding | None:
    component, parameter = BY_PARAMETER.get(name), group.parameters.get(name)
    if database.engine is Engine.AURORA and component and component.aurora:
        found = f"{component.name} are not set on Aurora: {component.aurora}"
        return _error("parameter_managed_by_aurora", name, found, "a parameter that Aurora leaves to its users")
    if parameter is None:
        near = get_close_matches(name, group.parameters, n=3)
        found = f"no such parameter in family {group.family}" + (f"; near it: {', '.join(near)}" if near else "")
        return _error("parameter_unknown", name, found, "a parameter of this engine and version")
    if not parameter.modifiable:
        why = f": {component.rds}" if component and component.rds else ""
        return _error("parameter_not_modifiable", name, f"AWS lets nobody set it{why}", "IsModifiable true")
    return _value_refusal(parameter, as_group_value(parameter, value), rules.get(name))


def _value_refusal(parameter: Parameter, value: str, needed: Rule | None) -> Finding | None:
    name = parameter.name
    if not is_plain(value):
        expected = "the number it comes to: the server's word on a formula proves nothing"
        return _error("parameter_formula", name, f"the formula {value}", expected)
    if not allows(parameter, value):
        allowed = parameter.allowed_values or f"one {parameter.data_type}"
        return _error("parameter_value_not_allowed", name, value, f"AllowedValues {allowed}")
    if needed and name != LIBRARIES and not needed.enough(value):
        return _error("parameter_against_capture", name, value, f"{needed.better(value)}: {needed.why}")
    return None


def _error(code: str, name: str, found: str, expected: str) -> Finding:
    cure = f"correct {name} in source.parameters, or take it out"
    return error(code, name, found=found, expected=expected, cure=cure)

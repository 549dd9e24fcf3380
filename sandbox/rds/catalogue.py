"""What parameters there are, what AWS allows them to be, and what a server is started with."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from sandbox.rds.catalogue_data import LIBRARIES, LOCKED, PARAMETERS

AURORA = "aurora-postgresql"
SINCE = {"sync_replication_slots": 17, "idle_session_timeout": 14}
BOOLEANS = {"0", "1", "on", "off", "true", "false"}


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One parameter of a family. ``default`` None: unset. ``local``: what the sandbox starts with instead of it."""

    name: str
    apply_type: str
    data_type: str
    allowed: str
    default: str | None
    level: str
    local: str | None = None
    modifiable: bool = True

    @property
    def static(self) -> bool:
        """Tell whether a change needs a reboot."""
        return self.apply_type == "static"

    def allows(self, value: str) -> bool:
        """Tell whether AWS takes ``value``: a formula, or one that AllowedValues covers."""
        if not self.allowed or re.search(r"[{$]|^(GREATEST|LEAST|SUM)\(", value):
            return True
        if self.data_type in ("integer", "float"):
            return _in_range(value, self.allowed, whole=self.data_type == "integer")
        if self.data_type == "boolean":
            return value.lower() in BOOLEANS
        allowed = self.allowed.split(",")
        if self.data_type == "list":
            return all(item.strip() in allowed for item in value.split(",") if item.strip())
        return value in allowed


@lru_cache
def catalogue(family: str, *, cluster: bool, pglogical: bool = True) -> Mapping[str, Parameter]:
    """Return the parameters of a group of ``family``: a DB cluster group, or a DB group."""
    aurora = family.startswith(AURORA)
    rows = {}
    for line in PARAMETERS.strip().splitlines():
        parameter = _parse(line, aurora=aurora, pglogical=pglogical)
        if parameter and _in_group(parameter, family, cluster=cluster, aurora=aurora):
            rows[parameter.name] = parameter
    for name in LOCKED.split():
        rows[name] = Parameter(
            name=name, apply_type="static", data_type="string", allowed="", default=None, level="cluster",
            modifiable=False,
        )  # fmt: skip
    return dict(sorted(rows.items()))


def _parse(line: str, *, aurora: bool, pglogical: bool) -> Parameter | None:
    cells = [cell.strip() for cell in line.split("|")]
    name, apply_type, data_type, allowed, rds, aurora_default, level, *local = cells
    default = aurora_default if aurora else rds
    if default == "absent":
        return None
    if allowed == "{libraries}":
        allowed = ",".join(item for item in LIBRARIES if pglogical or item != "pglogical")
    return Parameter(
        name=name,
        apply_type=apply_type,
        data_type=data_type,
        allowed=allowed,
        default=None if default == "-" else default,
        level=level,
        local=local[0] if local else None,
    )


def _in_group(parameter: Parameter, family: str, *, cluster: bool, aurora: bool) -> bool:
    major = int(re.sub(r"\D", "", family) or 0)
    if major < SINCE.get(parameter.name, 0):
        return False
    return cluster or not aurora or parameter.level == "both"


def _in_range(value: str, allowed: str, *, whole: bool) -> bool:
    try:
        number = int(value) if whole else float(value)
    except ValueError:
        return False
    low, high = re.fullmatch(r"(-?[\d.]+)-([\d.]+)", allowed).groups()  # type: ignore[union-attr]
    return float(low) <= number <= float(high)


def render(family: str, *, values: Mapping[str, str], known: Iterable[str], vcpus: int, memory: int) -> dict[str, str]:
    """Return postgresql.conf for a server of ``family`` whose groups set ``values``.

    ``known``: the settings this server has; a parameter of another version is left out. ``memory`` in bytes.
    """
    names = {name.lower() for name in known}
    settings = {}
    for parameter in catalogue(family, cluster=True).values():
        text = values.get(parameter.name, parameter.local or parameter.default)
        if text is None or text == "" or not parameter.modifiable:
            continue
        if parameter.name in names or "." in parameter.name:
            settings[parameter.name] = evaluate(text, vcpus=vcpus, memory=memory)
    logical = settings.get("rds.logical_replication", "0") in ("1", "on", "true")
    settings["rds.logical_replication"] = "on" if logical else "off"
    settings["wal_level"] = "logical" if logical else "replica"
    chosen = [item.strip() for item in settings.get("shared_preload_libraries", "").split(",") if item.strip()]
    settings["shared_preload_libraries"] = ",".join(["rdsutils", "rds_casts", *chosen])
    return settings


def evaluate(text: str, *, vcpus: int, memory: int) -> str:
    """Return the number a formula such as ``GREATEST($DBInstanceVCPU*2,8)`` comes to; other text as it is."""
    if not re.search(r"[{$]|^(GREATEST|LEAST|SUM)\(", text):
        return text
    source = text.replace("${", "(").replace("{", "(").replace("}", ")").replace("$", "")
    names = {"DBInstanceVCPU": vcpus, "DBInstanceClassMemory": memory}
    return str(math.floor(_value(ast.parse(source, mode="eval").body, names)))


FUNCTIONS: Mapping[str, Callable[..., float]] = {
    "GREATEST": max,
    "LEAST": min,
    "SUM": lambda *terms: sum(terms),
    "log": lambda number: math.log10(number) if number > 0 else 0,
}
OPERATORS: Mapping[type, Callable[[float, float], float]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
}


def _value(node: ast.AST, names: Mapping[str, float]) -> float:
    match node:
        case ast.Constant(value=int() | float() as number):
            return number
        case ast.Name(id=name) if name in names:
            return names[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, names)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
            return OPERATORS[type(op)](_value(left, names), _value(right, names))
        case ast.Call(func=ast.Name(id=name), args=args) if name in FUNCTIONS:
            return FUNCTIONS[name](*(_value(arg, names) for arg in args))
    raise ValueError(f"not a parameter formula: {ast.dump(node)}")

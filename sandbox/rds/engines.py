"""Engines, versions, families and instance classes: those that the machine's PostgreSQL can stand for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.api.errors import AwsError

RDS = "postgres"
AURORA = "aurora-postgresql"
ENGINES = (RDS, AURORA)
GIB = 1 << 30

CASCADES_FROM = (14, 1)
READERS_SURVIVE_FROM = {12: 14, 13: 10, 14: 7, 15: 2}
"""Aurora minor versions from which a writer's reboot leaves the readers running; every version from 16 does."""


@dataclass(frozen=True)
class InstanceClass:
    """What the formulas of a parameter group are worked out with."""

    vcpus: int
    memory: int


SIZES = {
    "micro": InstanceClass(2, 1 * GIB),
    "small": InstanceClass(2, 2 * GIB),
    "medium": InstanceClass(2, 4 * GIB),
    "large": InstanceClass(2, 16 * GIB),
    "xlarge": InstanceClass(4, 32 * GIB),
    "2xlarge": InstanceClass(8, 64 * GIB),
    "4xlarge": InstanceClass(16, 128 * GIB),
    "8xlarge": InstanceClass(32, 256 * GIB),
    "12xlarge": InstanceClass(48, 384 * GIB),
    "16xlarge": InstanceClass(64, 512 * GIB),
}


def major_of(version: str) -> int:
    """Return the major version."""
    return int(version.split(".")[0])


def family_of(engine: str, version: str) -> str:
    """Return the parameter group family."""
    return f"{engine}{version.split('.')[0]}"


def default_group(engine: str, version: str) -> str:
    """Return the name of AWS's own group."""
    return f"default.{family_of(engine, version)}"


def instance_class(name: str) -> InstanceClass:
    """Return the size of ``db.family.size``. :raises AwsError: there is no such class."""
    parts = name.split(".")
    if len(parts) != 3 or parts[0] != "db" or parts[2] not in SIZES:
        raise AwsError("InvalidParameterValue", f"Invalid DB Instance class: {name}")
    return SIZES[parts[2]]


def check_engine(engine: str) -> str:
    """Return ``engine``. :raises AwsError: it is none of ours."""
    if engine not in ENGINES:
        known = " and ".join(ENGINES)
        raise AwsError("InvalidParameterValue", f"Invalid DB engine: {engine}. The sandbox has {known}.")
    return engine


def check_version(engine: str, wanted: str | None, have: Sequence[str]) -> str:
    """Return the version a new database gets: the one that ``wanted`` is, or is the major of; None: the first."""
    for version in have:
        if wanted in (None, "", version, version.split(".")[0]):
            return version
    raise AwsError(
        "InvalidParameterCombination",
        f"Cannot find version {wanted} for {engine}. The sandbox has {', '.join(have)} only.",
    )


def readers_survive(version: str) -> bool:
    """Tell whether an Aurora writer's reboot leaves its readers running."""
    major, minor = (int(part) for part in version.split(".")[:2])
    return minor >= READERS_SURVIVE_FROM.get(major, 0)


def cascades(version: str) -> bool:
    """Tell whether a read replica of RDS may have replicas of its own."""
    return tuple(int(part) for part in version.split(".")[:2]) >= CASCADES_FROM

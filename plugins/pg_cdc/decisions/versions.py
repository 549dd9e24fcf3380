"""What differs between PostgreSQL's versions, each difference in one place. Pure.

Whatever a server can be asked for is asked for, and not looked up here: its settings, extensions, roles and functions.
Source: https://www.postgresql.org/docs/release/
Source: https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.PostgreSQL.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

OLDEST = 13
"""The first major that publishes partitions, and that has what the checks and slot hygiene read."""

DMS_MINIMUM = {"aurora-postgresql": (10, 6), "postgres": (10, 21)}
"""First versions that DMS follows; Aurora 10.5 can be copied only."""

PGLOGICAL_MINIMUM = {10: (10, 13), 11: (11, 8)}
"""First Aurora minor versions with pglogical, by major; every later major has it."""

DMS_ENGINES = {13: (3, 4, 3), 14: (3, 4, 7), 15: (3, 5, 1), 16: (3, 5, 3), 17: (3, 6, 1)}
"""First DMS engine versions that know a major, as source or as target."""

DECODES_ON_STANDBY = 16
"""The first major whose standbys have logical slots."""

DMS_READS_REPLICAS = (3, 6, 1)
"""The first DMS engine that reads changes from a read replica."""

SLOT_COLUMNS: Mapping[str, int] = {
    "wal_status": 13,
    "safe_wal_size": 13,
    "two_phase": 14,
    "conflicting": 16,
    "inactive_since": 17,
    "invalidation_reason": 17,
    "failover": 17,
    "synced": 17,
}
"""Columns of pg_replication_slots that came later than the others, with the major they came with."""


class Feature(StrEnum):
    """Something that a server has from a major on."""

    COPY_PROGRESS = "pg_stat_progress_copy"
    SUBSCRIBER_ROLE = "pg_create_subscription"


SINCE: Mapping[Feature, int] = {Feature.COPY_PROGRESS: 14, Feature.SUBSCRIBER_ROLE: 16}
"""The major each came with. Before SUBSCRIBER_ROLE only a superuser, or rds_superuser, subscribes."""


def major_of(version_num: int) -> int:
    """Return the major of ``server_version_num``."""
    return version_num // 10000


def supports(version_num: int, feature: Feature) -> bool:
    """Tell whether a server of ``server_version_num`` has ``feature``."""
    return major_of(version_num) >= SINCE[feature]


def slot_columns(version_num: int) -> frozenset[str]:
    """Return those of ``SLOT_COLUMNS`` that the server has."""
    return frozenset(name for name, since in SLOT_COLUMNS.items() if since <= major_of(version_num))


def dms_engine_for(version_nums: Iterable[int]) -> tuple[int, ...]:
    """Return the first DMS engine version that knows all of these servers; empty: any, or none is known to."""
    return max((DMS_ENGINES.get(major_of(number), ()) for number in version_nums), default=())


def subscribers(version_num: int) -> tuple[str, ...]:
    """Return the roles of RDS whose members may make a subscription."""
    role = Feature.SUBSCRIBER_ROLE
    return ("rds_superuser", role.value) if supports(version_num, role) else ("rds_superuser",)


def numbers(version: str) -> tuple[int, ...]:
    """Return ``15.4`` as numbers, to compare by."""
    return tuple(int(part) for part in version.split(".") if part.isdecimal())


def dotted(version: Iterable[int]) -> str:
    """Return numbers as a version is written."""
    return ".".join(map(str, version))

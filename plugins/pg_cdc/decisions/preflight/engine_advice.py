"""Advise which engine fits a migration, DMS or native replication, with the reasons that were found. Pure.

Source: https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.PostgreSQL.html
Source: https://www.postgresql.org/docs/current/logical-replication-restrictions.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from pg_cdc.config import MigrationType
from pg_cdc.decisions.native.preflight import NativeSituation
from pg_cdc.decisions.native.publication import keyless
from pg_cdc.decisions.preflight.findings import counted, named
from pg_cdc.decisions.versions import OLDEST, major_of
from pg_cdc.decisions.world import Finding, Table

LARGE = 1 << 40
"""A terabyte: DMS's row by row load then takes days, and a COPY hours."""


class EngineKind(StrEnum):
    """What can carry a migration."""

    DMS = "DMS (pg_cdc_migrate)"
    NATIVE = "native replication (pg_cdc_native)"


@dataclass(frozen=True, kw_only=True)
class Advice:
    """``cannot``: why native replication is out of the question; empty: it is not. ``for_*``: what speaks for each."""

    engine: EngineKind
    cannot: tuple[str, ...]
    for_native: tuple[str, ...]
    for_dms: tuple[str, ...]

    def told(self) -> str:
        """Return the reasons in a sentence."""
        if self.cannot:
            return f"{self.engine}, since native replication cannot: {'; '.join(self.cannot)}"
        against = f"; for the other speaks: {'; '.join(self.for_dms)}" if self.for_dms else ""
        return f"{self.engine}: {'; '.join(self.for_native)}{against}"


def advise_engine(situation: NativeSituation) -> Advice:
    """Return the engine that fits. What DMS would cut or drop weighs more than what it spares."""
    cannot = tuple(_cannot(situation))
    return Advice(
        engine=EngineKind.DMS if cannot else EngineKind.NATIVE,
        cannot=cannot,
        for_native=tuple(_for_native(situation)),
        for_dms=tuple(_for_dms(situation)),
    )


def advice_finding(situation: NativeSituation) -> Finding:
    """Return the advice as a note of the preflight."""
    advice = advise_engine(situation)
    cure = "nothing" if advice.engine is EngineKind.NATIVE else "trigger pg_cdc_migrate with the same spec"
    return Finding(code="engine_advice", severity="note", subject="engine", found=advice.told(), expected="", cure=cure)


def _cannot(situation: NativeSituation) -> Iterator[str]:
    for end, server in (("source", situation.server), ("target", situation.target_server)):
        if major_of(server.version_num) < OLDEST:
            yield f"the {end} is PostgreSQL {major_of(server.version_num)}"
    if situation.migration.replication.migration_type is not MigrationType.FULL_LOAD_AND_CDC:
        yield f"{situation.migration.replication.migration_type.value} is asked for"
    if any("filters" in rule for rule in situation.migration.tables.rules):
        yield "rules have filters"
    if situation.uncomparable:
        yield f"{counted(len(situation.uncomparable), 'table')} without a key and with a type without equality"


def _for_native(situation: NativeSituation) -> Iterator[str]:
    tables = _chosen(situation)
    if situation.lossy_columns:
        yield f"DMS changes, cuts or reads one by one what is in {named(situation.lossy_columns)}"
    if parts := [table for table in tables if table.partition_of]:
        yield f"{counted(len(parts), 'partition')} stay what they are; DMS makes plain tables of them"
    if sum(table.bytes for table in tables) >= LARGE:
        yield "more than 1 TB, which parallel COPY moves several times faster"
    yield "every type arrives as it is, with indexes, keys and defaults, and no replication instance is paid for"


def _for_dms(situation: NativeSituation) -> Iterator[str]:
    if lacking := keyless(situation.scope, situation.tables):
        yield f"{counted(len(lacking), 'table')} without a key, which native replication finds rows of by a scan"
    yield "DDL goes along (natively it must be made on the target first)"


def _chosen(situation: NativeSituation) -> tuple[Table, ...]:
    return tuple(table for table in situation.tables if (table.schema, table.name) in situation.scope.made)

"""Decide, before anything is changed, what would make a migration fail or lose data without a word. Pure.

All checks run, and each finding says what was found, what was expected and how to cure it.
Source: https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.PostgreSQL.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pg_cdc.config import Migration
from pg_cdc.decisions.dms.table_mappings import parse_rules, selected_tables
from pg_cdc.decisions.output_plugins import LIBRARIES
from pg_cdc.decisions.parameters.changes import refused_parameters
from pg_cdc.decisions.preflight.findings import gravest_first
from pg_cdc.decisions.preflight.groups import group_findings
from pg_cdc.decisions.preflight.keys import planned_plugin
from pg_cdc.decisions.preflight.lake import LakeFacts, lake_findings
from pg_cdc.decisions.preflight.source import source_findings
from pg_cdc.decisions.preflight.table_facts import Shapes, TargetShapes
from pg_cdc.decisions.preflight.tables import columns_of, table_findings
from pg_cdc.decisions.preflight.target import target_findings
from pg_cdc.decisions.preflight.target_tables import target_table_findings
from pg_cdc.decisions.preflight.unseen import unseen_findings
from pg_cdc.decisions.preflight.versions import output_plugin_findings
from pg_cdc.decisions.preflight.wal import wal_findings
from pg_cdc.decisions.replicas.meaning import replica_findings
from pg_cdc.decisions.replicas.reading import Reader, reader_findings
from pg_cdc.decisions.world import Database, Finding, ParameterGroup, Replica, Server, Table

if TYPE_CHECKING:
    from pg_cdc.decisions.parameters.changes import ParameterChange


@dataclass(frozen=True, kw_only=True)
class Situation:
    """Everything that was read. ``target_database`` None: the target is not on RDS. ``lake``: of a target that is a
    bucket; else ``target_server`` is there.

    ``own_slots``: slots that this migration has already. ``roles``: those of the source.
    ``shapes``: columns and surroundings of the tables. ``replicas``: the source's read replicas; ``reader``: the one
    that DMS reads from. ``extra``: findings made where the facts were read.
    """

    migration: Migration
    database: Database
    groups: tuple[ParameterGroup, ...]
    server: Server
    tables: tuple[Table, ...]
    target_server: Server | None = None
    target_database: Database | None = None
    changes: tuple[ParameterChange, ...] = ()
    own_slots: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    shapes: Shapes = field(default_factory=Shapes)
    target_shapes: TargetShapes = field(default_factory=TargetShapes)
    replicas: tuple[Replica, ...] = ()
    reader: Reader | None = None
    lake: LakeFacts | None = None
    extra: tuple[Finding, ...] = ()


def preflight(situation: Situation) -> tuple[Finding, ...]:
    """Return all findings, the gravest first."""
    planned = planned_values(situation.server, situation.changes)
    return gravest_first(
        (
            *source_findings(
                situation.migration,
                situation.database,
                situation.server,
                planned=planned,
                own_slots=situation.own_slots,
            ),
            *group_findings(situation.migration, situation.database, situation.groups, situation.changes),
            *replica_findings(
                situation.database,
                situation.groups,
                situation.changes,
                situation.replicas,
                migration=situation.migration,
            ),
            *reader_findings(situation.migration, situation.database, situation.reader, situation.own_slots),
            *refused_parameters(
                situation.database,
                situation.groups,
                situation.server,
                migration=situation.migration,
                own_slots=situation.own_slots,
            ),
            *wal_findings(situation.migration, planned, situation.shapes),
            *output_plugin_findings(
                situation.migration, LIBRARIES[planned_plugin(situation.migration, situation.server)], planned
            ),
            *unseen_findings(situation.migration, planned, situation.shapes.infinite_dates),
            *table_findings(
                situation.migration, situation.server, situation.tables, situation.shapes, situation.target_server
            ),
            *_target_findings(situation),
            *situation.extra,
        )
    )


def _target_findings(situation: Situation) -> Iterator[Finding]:
    migration, loaded = situation.migration, bool(situation.own_slots)
    chosen = selected_tables(parse_rules(migration.tables.rules), situation.tables)
    if situation.lake is not None:
        columns = columns_of(migration, situation.tables, situation.shapes.columns)
        plugin = planned_plugin(migration, situation.server)
        yield from lake_findings(migration, situation.lake, chosen, columns, plugin=plugin, loaded=loaded)
    if situation.target_server is not None:
        server, shapes = situation.target_server, situation.target_shapes
        yield from target_findings(migration, situation.server, server, situation.target_database)
        yield from target_table_findings(migration, chosen, situation.shapes, shapes, server, loaded=loaded)


def planned_values(server: Server, changes: Iterable[ParameterChange]) -> Mapping[str, str]:
    """Return the settings as they will be after the plan."""
    return {**server.settings, **{change.name: change.wanted for change in changes if change.changes}}

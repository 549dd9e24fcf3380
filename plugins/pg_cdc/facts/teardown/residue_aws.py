"""Read everything that a migration has left on AWS. Changes nothing; what cannot be read is a line that says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from pg_cdc.config.teardown import Keep
from pg_cdc.decisions.teardown.dms import Kind, wanted_names
from pg_cdc.decisions.teardown.parameter_traces import UNREACHED, group_trace, parameter_traces
from pg_cdc.decisions.teardown.residue import Place, Trace
from pg_cdc.decisions.teardown.restore_parameters import ParameterFacts, obstacles, plan_restore
from pg_cdc.facts.teardown.residue_dms import assessment_traces, read_trace
from pg_cdc.facts.teardown.restore import read_own_groups, read_parameter_facts
from pg_cdc.facts.teardown.source_reach import SourceAway, find_source
from pg_cdc.failures import CdcFailure
from pg_cdc.hooks.dms import CdcDmsHook
from pg_cdc.hooks.rds import CdcRdsHook

if TYPE_CHECKING:
    from pg_cdc.config import Migration
    from pg_cdc.config.teardown import Teardown
    from pg_cdc.decisions.world import Database


def aws_traces(migration: Migration, teardown: Teardown) -> tuple[Trace, ...]:
    """Return a trace of everything that we can have made or changed on AWS."""
    return (*_dms(migration, teardown), *_rds(migration, teardown))


def _dms(migration: Migration, teardown: Teardown) -> Iterator[Trace]:
    yield from guarded(
        "assessment runs",
        migration.name,
        lambda: assessment_traces(CdcDmsHook.of(migration), migration, teardown),
    )
    for kind, name in wanted_names(migration.name):
        yield from guarded(kind.value, name, partial(_dms_trace, kind, name, migration, teardown))


def _dms_trace(kind: Kind, name: str, migration: Migration, teardown: Teardown) -> tuple[Trace, ...]:
    return (read_trace(CdcDmsHook.of(migration), kind, name, migration, teardown),)


def _rds(migration: Migration, teardown: Teardown) -> Iterator[Trace]:
    identifier = migration.source.identifier
    facts: list[ParameterFacts] = []

    def parameters() -> tuple[Trace, ...]:
        may_reboot = teardown.allow_reboot and migration.safety.allow_reboot
        facts.append(read_parameter_facts(CdcRdsHook.of(migration), migration))
        return parameter_traces(facts[0], teardown, may_reboot=may_reboot)

    yield from guarded(UNREACHED, identifier, parameters)
    yield from guarded(
        "parameter groups", identifier, lambda: _groups(migration, teardown, facts[0] if facts else None)
    )


def _groups(migration: Migration, teardown: Teardown, facts: ParameterFacts | None) -> tuple[Trace, ...]:
    hook = CdcRdsHook.of(migration)
    database = facts.database if facts else find_source(migration)
    return tuple(
        group_trace(
            group,
            database,
            migration=migration.name,
            attached=_is_attached(group.name, database),
            keep=why_group_stays(group.name, teardown, facts),
        )
        for group in read_own_groups(hook, migration)
    )


def why_group_stays(name: str, teardown: Teardown, facts: ParameterFacts | None) -> str:
    """Return why the group stays on purpose: it is attached, and must be; empty: it goes."""
    if facts is None or facts.attached.name != name:
        return ""
    if asked := teardown.keeps(Keep.PARAMETERS):
        return asked
    stays = bool(teardown.keeps(Keep.PGLOGICAL))
    return "; ".join(obstacles(facts, plan_restore(facts), own_go=True, pglogical_stays=stays).all)


def _is_attached(name: str, database: Database | None) -> bool:
    return database is not None and name in (database.cluster_parameter_group, database.writer.parameter_group)


def guarded(kind: str, name: str, read: Callable[[], tuple[Trace, ...]]) -> tuple[Trace, ...]:
    """Return what ``read`` returns, or the one trace that says why nothing could be read."""
    try:
        return read()
    except SourceAway as away:
        why = str(away)
    except Exception as err:
        why = err.found if isinstance(err, CdcFailure) else f"{type(err).__name__}: {err}"
    return (Trace(place=Place.AWS, kind=kind, name=name, exists=None, detail=why),)

"""Decide which parameters of the source change, to what, and why: never lowered, nothing dropped. Pure.

Source: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_WorkingWithParamGroups.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from pg_cdc.config import Migration, MigrationType
from pg_cdc.decisions.parameters.groups import keeps, target_group
from pg_cdc.decisions.parameters.rules import Rule, coming, is_plain, rules
from pg_cdc.decisions.parameters.wishes import Wishes, with_wishes
from pg_cdc.decisions.world import Database, Finding, ParameterGroup, Server
from pg_cdc.failures import PreflightFailed

Item = TypeVar("Item")

BATCH = 20
"""AWS takes so many parameters in one ModifyDB(Cluster)ParameterGroup."""


@dataclass(frozen=True, kw_only=True)
class ParameterChange:
    """One row of the plan; ``changes`` False: the group is right already.

    ``live``: as SHOW prints it. ``group_value``: as the group holds it, a formula too; None: unset.
    ``needs_reboot``: what is wanted is not in force, and only a reboot puts it there. ``in_force``: what is live is
    enough. ``overridden_by``: Aurora instance groups in which a user's value keeps it from ever being so.
    """

    name: str
    live: str | None
    group_value: str | None
    wanted: str
    why: str
    apply_type: str
    needs_reboot: bool
    changes: bool
    in_force: bool = True
    overridden_by: tuple[str, ...] = ()

    @property
    def before(self) -> str | None:
        """Return the value before the change: the group's, or for a formula or none what was in force."""
        return self.group_value if self.group_value is not None and is_plain(self.group_value) else self.live


@dataclass(frozen=True, kw_only=True)
class Override:
    """A user-set value of an instance group: it beats the cluster group's, even if it is the default."""

    name: str
    group: str
    value: str


def plan_parameters(
    database: Database,
    groups: Sequence[ParameterGroup],
    server: Server,
    *,
    migration: Migration,
    tasks: int = 1,
    own_slots: frozenset[str] = frozenset(),
) -> tuple[ParameterChange, ...]:
    """Return a row for every parameter that change capture depends on, and for those that the spec asks for.

    A full load alone depends on none; what of the spec cannot be met is left out, see ``refused_parameters``.
    ``own_slots``: those this migration has already; else a rerun would ask for more room than the first run.

    :raises PreflightFailed: a parameter must change and the group does not have it, or does not let it change.
    """
    group = target_group(database, groups)
    wanted = _wanted(database, group, server, migration=migration, tasks=tasks, own_slots=own_slots)
    rows = tuple(_row(rule, group, groups, server) for rule in wanted.rules)
    if any(row.changes for row in rows) and not keeps(database, group, migration=migration):
        # A group that is attached takes effect at the reboot, dynamic parameters included.
        return tuple(replace(row, needs_reboot=row.needs_reboot or row.changes) for row in rows)
    return rows


def refused_parameters(
    database: Database,
    groups: Sequence[ParameterGroup],
    server: Server,
    *,
    migration: Migration,
    tasks: int = 1,
    own_slots: frozenset[str] = frozenset(),
) -> tuple[Finding, ...]:
    """Return why parameters that the spec asks for cannot be set."""
    group = target_group(database, groups)
    return _wanted(database, group, server, migration=migration, tasks=tasks, own_slots=own_slots).refused


def batches(changes: Iterable[ParameterChange], size: int = BATCH) -> Iterator[tuple[ParameterChange, ...]]:
    """Yield what changes, ``size`` at a time."""
    yield from sliced([change for change in changes if change.changes], size)


def sliced(items: Sequence[Item], size: int = BATCH) -> Iterator[tuple[Item, ...]]:
    """Yield ``items``, ``size`` at a time."""
    for start in range(0, len(items), size):
        yield tuple(items[start : start + size])


def apply_method(apply_type: str) -> str:
    """Return AWS's ApplyMethod: ``immediate`` is refused for a static parameter."""
    return "immediate" if apply_type == "dynamic" else "pending-reboot"


def overrides(groups: Sequence[ParameterGroup], names: Iterable[str] | None = None) -> tuple[Override, ...]:
    """Return what Aurora instance groups override of the cluster group. ``names`` None: of all its parameters."""
    cluster = next((group for group in groups if group.cluster), None)
    if cluster is None:
        return ()
    wanted = set(cluster.parameters if names is None else names)
    return tuple(
        Override(name=name, group=group.name, value=row.value or "")
        for group in groups
        if not group.cluster
        for name, row in group.parameters.items()
        if name in wanted and row.source == "user"
    )


def _wanted(
    database: Database,
    group: ParameterGroup,
    server: Server,
    *,
    migration: Migration,
    tasks: int,
    own_slots: frozenset[str],
) -> Wishes:
    captures = migration.replication.migration_type is not MigrationType.FULL_LOAD
    needed = rules(database, group, server, migration=migration, tasks=tasks, own_slots=own_slots) if captures else ()
    return with_wishes(needed, database, group, migration=migration)


def _row(rule: Rule, group: ParameterGroup, groups: Sequence[ParameterGroup], server: Server) -> ParameterChange:
    parameter = group.parameters.get(rule.name)
    settings = server.raw_settings if rule.raw else server.settings
    value = coming(group, settings, rule.name)
    fine = value is not None and rule.enough(value)
    if not fine and (parameter is None or not parameter.modifiable):
        raise _not_changeable(rule, group, value)
    static = parameter is None or parameter.apply_type != "dynamic"
    in_force = rule.name in settings and rule.enough(settings[rule.name])
    in_vain = (one for one in overrides(groups, [rule.name]) if is_plain(one.value) and not rule.enough(one.value))
    return ParameterChange(
        name=rule.name,
        live=server.settings.get(rule.name),
        group_value=parameter.value if parameter else None,
        wanted=value if fine and value is not None else rule.better(value),
        why=rule.why,
        apply_type="static" if static else "dynamic",
        needs_reboot=static and not (fine and in_force),
        changes=not fine,
        in_force=in_force,
        overridden_by=tuple(one.group for one in in_vain),
    )


def _not_changeable(rule: Rule, group: ParameterGroup, value: str | None) -> PreflightFailed:
    return PreflightFailed(
        found=f"{rule.name} is {value or 'not set'}, and the group {group.name} does not let it be changed",
        expected=f"{rule.better(value)} ({rule.why})",
        next="upgrade the source to a version whose parameter groups have it",
    )

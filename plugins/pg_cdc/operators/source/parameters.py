"""Make the parameter group, set the parameters in it, attach it, reboot what waits for that, and prove it by SQL.

Source: https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/AuroraPostgreSQL.Replication.Logical.Configure.html
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pg_cdc.decisions import names
from pg_cdc.decisions.outcome import Outcome
from pg_cdc.failures import Differs, NotProved, NotYet
from pg_cdc.operators.source.prove_parameters import ProveParametersOperator
from pg_cdc.operators.source.reboot import RebootSourceOperator
from pg_cdc.operators.source.step import RdsStep, as_json, remember, remembered, told_parameters

if TYPE_CHECKING:
    from airflow.sdk import Context

    from pg_cdc.config import Migration
    from pg_cdc.decisions.parameters.changes import ParameterChange
    from pg_cdc.decisions.parameters.groups import GroupPlan
    from pg_cdc.decisions.world import ParameterGroup
    from pg_cdc.facts.configuration import Configuration
    from pg_cdc.hooks.history import Before
    from pg_cdc.hooks.rds import CdcRdsHook

__all__ = [
    "AttachParameterGroupOperator",
    "EnsureParameterGroupOperator",
    "ProveParametersOperator",
    "RebootSourceOperator",
    "SetParametersOperator",
]


class EnsureParameterGroupOperator(RdsStep):
    """Make a parameter group of our own when the attached one cannot or must not be changed."""

    def step(self, migration: Migration, context: Context) -> Outcome:
        """Find or make the group, and give it the values that users had set in the attached one."""
        from pg_cdc.hooks.rds import CdcRdsHook

        hook = CdcRdsHook.of(migration)
        found = self.read_source(hook, migration, context)
        _refuse(found.plan)
        changes = tuple(self._make(hook, migration, found)) if found.creates else ()
        return Outcome(
            changes=changes,
            facts={"group": found.plan.name, "attached": found.plan.source, "why": found.plan.why},
        )

    def _make(self, hook: CdcRdsHook, migration: Migration, found: Configuration) -> Iterator[str]:
        plan, own = found.plan, found.own
        if own is None:
            what = f"Logical replication for {found.database.identifier}, by pg-cdc"
            hook.create_group(
                plan.name,
                cluster=plan.cluster,
                family=plan.family,
                description=what,
                tags=names.tags(migration.name),
            )
            yield f"made parameter group {plan.name} ({plan.family})"
            own = _read_own(hook, plan)
            # The request may have been answered by "exists already": then it is judged like any other.
            if names.tags(migration.name).items() - own.tags.items():
                raise NotYet(f"parameter group {plan.name} appeared just now, and not by us")
        elif plan.adopt:
            hook.tag(own.arn, names.tags(migration.name))
            yield f"tagged parameter group {plan.name} as ours"
        yield from self._carry(hook, plan, own)

    def _carry(self, hook: CdcRdsHook, plan: GroupPlan, own: ParameterGroup) -> Iterator[str]:
        from pg_cdc.decisions.parameters.changes import apply_method, sliced
        from pg_cdc.decisions.parameters.groups import left_to_carry

        todo = left_to_carry(plan, own)
        for batch in sliced(todo):
            values = ((one.name, str(one.value), apply_method(one.apply_type)) for one in batch)
            hook.modify_group(plan.name, cluster=plan.cluster, values=values)
        if not todo:
            return
        yield f"took over {', '.join(one.name for one in todo)} from {plan.source}"
        if missing := left_to_carry(plan, _read_own(hook, plan)):
            raise NotYet(f"parameter group {plan.name} does not show {', '.join(one.name for one in missing)} yet")


class SetParametersOperator(RdsStep):
    """Set what must change, the old values recorded on the source first. Never lowers, never drops a library.

    :param batch_size: parameters in one request; None: as many as AWS takes.
    """

    def __init__(self, *, batch_size: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.batch_size = batch_size

    def step(self, migration: Migration, context: Context) -> Outcome:
        """Record, set, and see that the group shows it."""
        from pg_cdc.hooks.rds import CdcRdsHook

        hook = CdcRdsHook.of(migration)
        found = self.read_source(hook, migration, context)
        _refuse(found.plan)
        _refuse_overrides(found)
        changes = self._set(hook, found, context) or remembered(context)
        if changes:
            found = self.read_source(hook, migration, context)
        return Outcome(
            changes=changes,
            facts={"group": found.plan.name, "parameters": told_parameters(found)},
            warnings=tuple(_for_replicas(hook, found)),
        )

    def _set(self, hook: CdcRdsHook, found: Configuration, context: Context) -> tuple[str, ...]:
        from pg_cdc.decisions.parameters.changes import BATCH, apply_method, batches
        from pg_cdc.hooks.history import record_before
        from pg_cdc.hooks.postgres import connect_source

        todo = [change for change in found.remaining if change.changes]
        if not todo:
            return ()
        plan, migration = found.plan, found.migration
        if found.creates and found.own is None:
            raise _group_missing(plan)
        with connect_source(migration, found.database) as conn:
            record_before(conn, migration.name, _values_before(found))
        for batch in batches(todo, self.batch_size or BATCH):
            values = ((one.name, one.wanted, apply_method(one.apply_type)) for one in batch)
            hook.modify_group(plan.name, cluster=plan.cluster, values=values)
            for change in batch:
                self.log.info("%s in %s: %s, was %s", change.name, plan.name, change.wanted, change.before)
        made = remember(context, (f"{change.name} = {change.wanted} in {plan.name}" for change in todo))
        self._see(found, todo, context)
        return made

    def _see(self, found: Configuration, set_: list[ParameterChange], context: Context) -> None:
        from pg_cdc.waits.rds import GroupShows

        plan = found.plan
        values = {change.name: change.wanted for change in set_}
        wait = GroupShows(migration=as_json(found.migration), group=plan.name, cluster=plan.cluster, values=values)
        self.wait(wait, found.database, found.migration, context)


class AttachParameterGroupOperator(RdsStep):
    """Attach our own group, if there is one to attach, and wait until every instance has noticed."""

    def step(self, migration: Migration, context: Context) -> Outcome:
        """Attach and wait. Nothing takes effect before the reboot."""
        from pg_cdc.hooks.rds import CdcRdsHook

        hook = CdcRdsHook.of(migration)
        found = self.read_source(hook, migration, context)
        _refuse(found.plan)
        changes = self._attach(hook, found, context) if found.creates else remembered(context)
        database = self.settled(hook, migration, context)
        group = database.cluster_parameter_group or database.writer.parameter_group
        if group != found.plan.name:
            raise NotProved(
                found=f"{database.identifier} uses parameter group {group}",
                expected=found.plan.name,
                next="see the events of the database in the RDS console, then clear this task",
            )
        return Outcome(changes=changes, facts={"group": group})

    def _attach(self, hook: CdcRdsHook, found: Configuration, context: Context) -> tuple[str, ...]:
        from pg_cdc.waits.rds import GroupAttached

        plan, database = found.plan, found.database
        if found.own is None:
            raise _group_missing(plan)
        if lacking := [change.name for change in found.remaining if change.changes]:
            raise NotProved(
                found=f"parameter group {plan.name} lacks {', '.join(lacking)}",
                expected="a complete group before it is attached",
                next="clear set_parameters",
            )
        hook.attach_group(database.identifier, plan.name, cluster=plan.cluster)
        made = remember(context, [f"attached {plan.name} to {database.identifier} in place of {plan.source}"])
        wait = GroupAttached(migration=as_json(found.migration), group=plan.name, since=time.time())
        self.wait(wait, database, found.migration, context)
        return made


def _for_replicas(hook: CdcRdsHook, found: Configuration) -> Iterator[str]:
    """Yield what the reboot that follows means for read replicas: now is the time to reboot them first."""
    from pg_cdc.decisions.replicas.meaning import replica_findings
    from pg_cdc.facts.replicas import read_replicas

    replicas = read_replicas(hook, found.database)
    for one in replica_findings(found.database, found.groups, found.changes, replicas, migration=found.migration):
        if one.severity == "warning":
            yield f"{one.subject}: {one.found}. {one.cure}"


def _refuse(plan: GroupPlan) -> None:
    if plan.failure:
        raise plan.failure


def _refuse_overrides(found: Configuration) -> None:
    """Refuse to set in the cluster group what an instance group defeats: changing both would make that lasting."""
    if defeated := [change for change in found.remaining if change.overridden_by]:
        first = defeated[0]
        raise Differs(
            found="; ".join(f"{one.name} is set by a user in {', '.join(one.overridden_by)}" for one in defeated),
            expected="; ".join(f"{change.name} = {change.wanted}" for change in defeated),
            next=f"reset {first.name} in {first.overridden_by[0]} (ResetDBParameterGroup), then clear this task",
        )


def _group_missing(plan: GroupPlan) -> NotProved:
    return NotProved(
        found=f"no parameter group {plan.name}",
        expected=f"the group that takes the place of {plan.source}: {plan.why}",
        next="clear ensure_parameter_group",
    )


def _read_own(hook: CdcRdsHook, plan: GroupPlan) -> ParameterGroup:
    from pg_cdc.facts.rds import read_parameter_group

    own = read_parameter_group(hook, plan.name, cluster=plan.cluster)
    if own is None:
        raise NotYet(f"parameter group {plan.name} is not to be seen yet")
    return own


def _values_before(found: Configuration) -> list[Before]:
    from pg_cdc.decisions.parameters.groups import target_group
    from pg_cdc.hooks.history import Before

    attached = target_group(found.database, found.groups)
    set_to = {change.name: change.wanted for change in (*found.changes, *found.remaining)}
    rows = ((change, attached.parameters[change.name]) for change in found.changes if change.changes)
    return [
        Before(
            name=change.name,
            group_name=attached.name,
            cluster_group=attached.cluster,
            value=parameter.value,
            source=parameter.source,
            live=change.live,
            apply_type=change.apply_type,
            set_in=found.plan.name,
            set_to=set_to[change.name],
        )
        for change, parameter in rows
    ]

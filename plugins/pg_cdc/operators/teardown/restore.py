"""Put the source's parameters back: recorded values or the group that was attached before, once no slot is left.

Source: https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/AuroraPostgreSQL.Replication.Logical.html
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING

from pg_cdc.config.teardown import Keep, Teardown, teardown_from_params
from pg_cdc.decisions import names
from pg_cdc.decisions.outcome import Outcome
from pg_cdc.failures import NotProved
from pg_cdc.operators.source.step import RdsStep, as_json, remember, remembered
from pg_cdc.operators.turn import require_turn

if TYPE_CHECKING:
    from airflow.sdk import Context

    from pg_cdc.config import Migration
    from pg_cdc.decisions.teardown.restore_parameters import OtherMigration, ParameterFacts, Restore, RestorePlan
    from pg_cdc.hooks.rds import CdcRdsHook
    from pg_cdc.waits import Wait


class RestoreStep(RdsStep):
    """A step that goes on without the source when it cannot be reached; nothing is put back then."""

    def step(self, migration: Migration, context: Context) -> Outcome:
        """Do what can be done, or say why nothing can."""
        from pg_cdc.facts.teardown.source_reach import SourceAway

        teardown = teardown_from_params(context["params"])
        if asked := teardown.keeps(Keep.PARAMETERS):
            return Outcome(facts={"parameters": asked})
        try:
            return self.restore(migration, teardown, context)
        except SourceAway as away:
            return Outcome(warnings=(f"{self.task_id}: could not reach the source, parameters stay: {away}",))

    def restore(self, migration: Migration, teardown: Teardown, context: Context) -> Outcome:
        """Do the step."""
        raise AssertionError("a subclass says what")

    def facts(self, hook: CdcRdsHook, migration: Migration, context: Context) -> ParameterFacts:
        """Return the facts, once every instance is available and it is our turn.

        :raises SourceAway: the source cannot be reached.
        """
        from pg_cdc.facts.teardown.restore import read_parameter_facts
        from pg_cdc.facts.teardown.source_reach import reach_source

        _, conn = reach_source(migration)
        conn.close()
        database = self.settled(hook, migration, context)
        require_turn(migration, context, database)
        return read_parameter_facts(hook, migration, database)


class RestoreParametersOperator(RestoreStep):
    """Put parameters back where nobody needs them as they are; else hand their old values to who does."""

    def restore(self, migration: Migration, teardown: Teardown, context: Context) -> Outcome:
        """Decide from the facts, act, and see that it shows."""
        from pg_cdc.decisions.teardown.restore_parameters import allowed, obstacles, plan_restore
        from pg_cdc.hooks.rds import CdcRdsHook

        hook = CdcRdsHook.of(migration)
        facts = self.facts(hook, migration, context)
        plan = plan_restore(facts)
        if plan.failure:
            raise plan.failure
        found = obstacles(facts, plan, own_go=False)
        may = allowed(plan, found)
        changes = remembered(context)
        if facts.others and not plan.is_empty:
            changes += tuple(self._hand_over(hook, migration, facts, facts.others[0]))
        if not may.is_empty:
            changes = remember(context, (*changes, *self._act(hook, facts, may)))
            self._see(facts, may, migration, context)
        told = {name: found.of(name) for name in [row.name for row in facts.rows] if found.of(name)}
        return Outcome(changes=changes, facts={"stay": told}, warnings=(*plan.told, *found.all))

    def _act(self, hook: CdcRdsHook, facts: ParameterFacts, plan: RestorePlan) -> Iterator[str]:
        cluster, identifier = facts.attached.cluster, facts.database.identifier
        if plan.attach:
            hook.attach_group(identifier, plan.attach, cluster=cluster)
            yield f"attached {plan.attach} to {identifier} in the place of {facts.attached.name}"
        for (group, resets), some in groupby(_ordered(plan), key=_kind_of_call):
            todo = list(some)
            self._change(hook, group, todo, resets=resets)
            yield from (
                f"{one.name} in {group}: {one.value or 'left to the engine'}, was {one.current}" for one in todo
            )

    def _change(self, hook: CdcRdsHook, group: str, todo: list[Restore], *, resets: bool) -> None:
        from pg_cdc.decisions.parameters.changes import apply_method, sliced

        for batch in sliced(todo):
            cluster = batch[0].cluster
            if resets:
                given = ((one.name, apply_method(one.apply_type)) for one in batch)
                hook.reset_parameters(group, cluster=cluster, values=given)
            else:
                values = ((one.name, str(one.value), apply_method(one.apply_type)) for one in batch)
                hook.modify_group(group, cluster=cluster, values=values)

    def _see(self, facts: ParameterFacts, plan: RestorePlan, migration: Migration, context: Context) -> None:
        from pg_cdc.waits.rds import GroupAttached
        from pg_cdc.waits.rds_restored import ParametersRestored

        wait: Wait
        if plan.attach:
            wait = GroupAttached(migration=as_json(migration), group=plan.attach, since=time.time())
        else:
            wait = ParametersRestored(migration=as_json(migration), names=[one.name for one in plan.sets])
        self.wait(wait, facts.database, migration, context)

    def _hand_over(
        self, hook: CdcRdsHook, migration: Migration, facts: ParameterFacts, heir: OtherMigration
    ) -> Iterator[str]:
        """Give the old values, and a group of ours that is attached, to a migration that needs the parameters."""
        from pg_cdc.decisions.teardown.dms import is_ours
        from pg_cdc.facts.teardown.source_reach import reach_source
        from pg_cdc.hooks.history import hand_over_before, read_before

        if not facts.rows:
            return
        if is_ours(facts.attached.tags, migration.name):
            hook.tag(facts.attached.arn, names.tags(heir.name))
            yield f"gave parameter group {facts.attached.name} to migration {heir.name}"
        for name, dbname in facts.books:
            _, conn = reach_source(migration, dbname=dbname, database=facts.database)
            _, heirs = reach_source(migration, dbname=heir.database, database=facts.database)
            with conn, heirs:
                hand_over_before(conn, heirs, name, heir.name, read_before(conn, name).values())
            yield f"gave the old parameter values of {name} to migration {heir.name}"


class ProveRestoredOperator(RestoreStep):
    """Ask the server itself whether the parameters are back, and then forget what they were before."""

    def restore(self, migration: Migration, teardown: Teardown, context: Context) -> Outcome:
        """Prove, and forget."""
        from pg_cdc.decisions.parameters.rules import SWITCH
        from pg_cdc.decisions.teardown.restore_parameters import obstacles, plan_restore
        from pg_cdc.hooks.rds import CdcRdsHook

        facts = self.facts(CdcRdsHook.of(migration), migration, context)
        told: dict[str, object] = {"wal_level": facts.settings.get("wal_level")}
        plan = plan_restore(facts)
        if not facts.rows:
            return Outcome(facts=told)
        stays = obstacles(facts, plan, own_go=False)
        if why := (*stays.all, *stays.by_name.values()):
            return Outcome(facts=told | {"parameters": "; ".join(why)})
        waiting = [member.identifier for member in facts.database.members if member.pending_reboot]
        if waiting and not (teardown.allow_reboot and migration.safety.allow_reboot):
            told |= {"reboot": f"{', '.join(waiting)}: parameters are back in their group, and wait for your reboot"}
            return Outcome(changes=tuple(self._forget(migration, facts)), facts=told)
        switch = next((row for row in facts.rows if row.name == SWITCH), None)
        if not plan.is_empty or waiting or (switch and facts.settings.get(SWITCH) != switch.live):
            raise NotProved(
                found=f"{SWITCH} is {facts.settings.get(SWITCH)}; to be put back: {len(plan.sets)}; waiting: {waiting}",
                expected=f"{SWITCH} {switch.live if switch else ''} on the server, and nothing pending",
                next="clear restore_parameters and what follows it; if it stays so, see the log of the instance",
            )
        return Outcome(changes=tuple(self._forget(migration, facts)), facts=told)

    def _forget(self, migration: Migration, facts: ParameterFacts) -> Iterator[str]:
        from pg_cdc.facts.teardown.source_reach import reach_source
        from pg_cdc.hooks.history import forget_before

        for name, dbname in facts.books:
            _, conn = reach_source(migration, dbname=dbname, database=facts.database)
            with conn:
                forget_before(conn, name)
            yield f"forgot the old parameter values of {name}: they are back"


class DeleteParameterGroupOperator(RdsStep):
    """Delete the parameter groups that we made for the source, where no database uses them."""

    def step(self, migration: Migration, context: Context) -> Outcome:
        """Delete each that is ours and unused."""
        from pg_cdc.decisions.teardown.dms import is_ours
        from pg_cdc.facts.teardown.restore import read_own_groups
        from pg_cdc.hooks.rds import CdcRdsHook

        hook = CdcRdsHook.of(migration)
        changes, stay = [], {}
        for group in read_own_groups(hook, migration):
            if not is_ours(group.tags, migration.name):
                stay[group.name] = "not ours by its tag"
            elif group.users:
                stay[group.name] = f"used by {', '.join(group.users)}"
            elif hook.delete_group(group.name, cluster=group.cluster):
                changes.append(f"deleted parameter group {group.name}")
            else:
                stay[group.name] = "RDS says that a database uses it"
        return Outcome(changes=tuple(changes), facts={"stay": stay})


def _ordered(plan: RestorePlan) -> list[Restore]:
    return sorted(plan.sets, key=_kind_of_call)


def _kind_of_call(one: Restore) -> tuple[str, bool]:
    return one.group, one.value is None

"""Make a read replica of an RDS instance, promote it, or delete one that we made: each proved by SQL.

Source: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PostgreSQL.Replication.ReadReplicas.html
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from pg_cdc.config.replica import Goal, replica_from_params
from pg_cdc.decisions import names
from pg_cdc.decisions.outcome import Outcome
from pg_cdc.failures import NotProved, NotYet
from pg_cdc.operators.base import CdcOperator
from pg_cdc.operators.source.step import as_json, remember, remembered

if TYPE_CHECKING:
    from airflow.sdk import Context

    from pg_cdc.config import Migration
    from pg_cdc.config.replica import ReplicaSpec
    from pg_cdc.decisions.replicas.plan import ReplicaFacts, ReplicaPlan
    from pg_cdc.decisions.world import Database
    from pg_cdc.hooks.rds import CdcRdsHook
    from pg_cdc.waits import Wait


class Run(NamedTuple):
    """What a step knows when it begins."""

    hook: CdcRdsHook
    migration: Migration
    wanted: ReplicaSpec
    plan: ReplicaPlan
    facts: ReplicaFacts
    context: Context


class ReplicaStep(CdcOperator):
    """A step on one read replica."""

    def step(self, migration: Migration, context: Context) -> Outcome:
        """Read the facts, decide, and do this step's part of it."""
        from pg_cdc.decisions.replicas.plan import plan_replica
        from pg_cdc.facts.replica import read_replica_facts
        from pg_cdc.hooks.rds import CdcRdsHook
        from pg_cdc.waits.replica import ReplicaGone

        wanted = replica_from_params(context["params"])
        hook = CdcRdsHook.of(migration)
        facts = read_replica_facts(hook, migration, wanted)
        if facts.replica is not None and facts.replica.status == "deleting":
            gone = ReplicaGone(migration=as_json(migration), identifier=wanted.identifier)
            self.wait(gone, migration, context)
            facts = read_replica_facts(hook, migration, wanted)
        plan = plan_replica(facts, wanted, migration)
        if plan.failure:
            raise plan.failure
        return self.do(Run(hook, migration, wanted, plan, facts, context))

    def do(self, run: Run) -> Outcome:
        """Do this step's part of the plan."""
        raise AssertionError("a subclass says what")

    def wait(self, wait: Wait, migration: Migration, context: Context) -> None:
        """Wait as long as an instance may take."""
        minutes = timedelta(minutes=migration.timeouts.instance_minutes)
        self.wait_for(wait, context, timeout=minutes, poll_seconds=migration.timeouts.poll_seconds)

    def found(self, run: Run) -> Database:
        """Return the instance as it is now.

        :raises NotProved: it is not there, or not available.
        """
        from pg_cdc.decisions.instances import AVAILABLE
        from pg_cdc.facts.rds import read_database

        database = read_database(run.hook, run.wanted.identifier)
        if database.status != AVAILABLE:
            raise NotProved(
                found=f"{database.identifier} is {database.status}",
                expected=AVAILABLE,
                next="see its events and its log in the RDS console, then clear this task",
            )
        return database


class PlanReplicaOperator(ReplicaStep):
    """Say what will be done; changes nothing."""

    def do(self, run: Run) -> Outcome:
        """Tell."""
        from pg_cdc.decisions.markdown import bullets

        lines = run.plan.lines
        text = f"# Read replica {run.wanted.identifier}: {run.wanted.goal.value}\n\n"
        text += bullets(lines) if lines else "All is so already."
        self.log.info("%s", text)
        return Outcome(facts={"changes": list(lines), "markdown": text})


class EnsureReplicaOperator(ReplicaStep):
    """Find or make the replica, tagged as ours, and see it replay what its source writes."""

    def do(self, run: Run) -> Outcome:
        """Make, wait, prove."""
        from pg_cdc.waits.replica import ReplicaAvailable

        hook, migration, wanted, context = run.hook, run.migration, run.wanted, run.context
        if wanted.goal is Goal.GONE:
            return Outcome(facts={"goal": wanted.goal.value})
        changes = remembered(context)
        if run.plan.create:
            changes = remember(context, (self._create(run),))
        elif run.plan.adopt and run.facts.replica is not None:
            hook.tag(run.facts.replica.arn, names.tags(migration.name))
            changes = remember(context, (*changes, f"tagged {wanted.identifier} as ours"))
        there = ReplicaAvailable(migration=as_json(migration), identifier=wanted.identifier)
        self.wait(there, migration, context)
        found = self.found(run)
        if found.replica_of is None:
            return Outcome(changes=changes, facts={"replica": found.identifier, "promoted": True})
        return Outcome(changes=changes, facts=self._prove(run))

    def _create(self, run: Run) -> str:
        wanted, upstream = run.wanted, run.facts.chain[0].identifier
        made = run.hook.create_replica(
            wanted.identifier,
            of=upstream,
            instance_class=wanted.instance_class,
            parameter_group=wanted.parameter_group,
            tags=names.tags(run.migration.name),
        )
        if not made:
            raise NotYet(f"{upstream} is busy, or {wanted.identifier} appeared just now")
        return f"made {wanted.identifier}, a read replica of {upstream}"

    def _prove(self, run: Run) -> dict[str, object]:
        """See the replica replay what the source had written when this step looked."""
        from pg_cdc.facts.replica import connect_replica, read_state
        from pg_cdc.hooks.postgres import connect_source
        from pg_cdc.waits.replica import ReplicaReplayed

        migration, source = run.migration, run.facts.source
        with connect_source(migration, source) as conn:
            position = read_state(conn).position
        identifier = run.wanted.identifier
        replayed = ReplicaReplayed(migration=as_json(migration), identifier=identifier, position=position)
        self.wait(replayed, migration, run.context)
        found = self.found(run)
        with connect_replica(migration, found) as conn:
            state = read_state(conn)
        if not state.in_recovery or state.paused or state.position < position:
            what = "is no standby" if not state.in_recovery else "has paused its replay" if state.paused else "lags"
            raise NotProved(
                found=f"{identifier} {what}, {max(position - state.position, 0)} bytes of WAL behind",
                expected=f"a standby that replays what {source.identifier} writes",
                next="see its log: its max_worker_processes and the like must be the source's at least, which its "
                "group says and a reboot of it puts in force; then clear this task",
            )
        return {"replica": identifier, "follows": found.replica_of, "in_recovery": True, "replayed": True}


class PromoteReplicaOperator(ReplicaStep):
    """Promote the replica when it has caught up, and see it take a write."""

    def do(self, run: Run) -> Outcome:
        """Promote, wait, prove."""
        from pg_cdc.facts.replica import connect_replica, takes_writes
        from pg_cdc.waits.replica import ReplicaPromoted

        wanted, migration = run.wanted, run.migration
        if wanted.goal is not Goal.PROMOTED:
            return Outcome(facts={"goal": wanted.goal.value})
        if run.plan.create:
            raise NotProved(
                found=f"no instance {wanted.identifier}",
                expected="a read replica to promote",
                next="clear ensure_replica",
            )
        changes = remembered(run.context)
        if run.plan.promote and not changes:
            changes = remember(run.context, (self._promote(run),))
        promoted = ReplicaPromoted(migration=as_json(migration), identifier=wanted.identifier)
        self.wait(promoted, migration, run.context)
        found = self.found(run)
        with connect_replica(migration, found) as conn:
            writable = takes_writes(conn)
        if found.replica_of or not writable:
            raise NotProved(
                found=f"{found.identifier} {'takes no writes' if not writable else f'follows {found.replica_of}'}",
                expected="an instance of its own that takes writes",
                next="see its events in the RDS console, then clear this task",
            )
        return Outcome(changes=changes, facts={"replica": found.identifier, "promoted": True, "writable": True})

    def _promote(self, run: Run) -> str:
        lag = self._lag(run)
        identifier, source = run.wanted.identifier, run.facts.source.identifier
        if not run.hook.promote(identifier):
            raise NotYet(f"{identifier} takes no promotion now")
        return f"promoted {identifier}, {lag} bytes of WAL behind {source} when asked"

    def _lag(self, run: Run) -> int:
        """Return what the replica has not replayed: it loses that for good."""
        from pg_cdc.facts.replica import connect_replica, read_state
        from pg_cdc.hooks.postgres import connect_source

        with connect_source(run.migration, run.facts.source) as conn:
            position = read_state(conn).position
        with connect_replica(run.migration, self.found(run)) as conn:
            state = read_state(conn)
        lag = max(position - state.position, 0)
        if state.paused or lag > run.wanted.max_lag_mb << 20:
            paused = ", and its replay is paused" if state.paused else ""
            raise NotProved(
                found=f"{run.wanted.identifier} is {lag} bytes of WAL behind{paused}",
                expected=f"at most {run.wanted.max_lag_mb} MB, and a replay that goes on",
                next="stop the writes, let it catch up and clear this task, or raise replica_max_lag_mb",
            )
        return lag


class DeleteReplicaOperator(ReplicaStep):
    """Delete a replica that we made, when that was asked for."""

    def do(self, run: Run) -> Outcome:
        """Delete, and see that it is gone."""
        from pg_cdc.waits.replica import ReplicaGone

        wanted, migration = run.wanted, run.migration
        if wanted.goal is not Goal.GONE:
            return Outcome(facts={"goal": wanted.goal.value})
        changes = remembered(run.context)
        if run.plan.delete:
            if not run.hook.delete_replica(wanted.identifier):
                raise NotYet(f"{wanted.identifier} is busy")
            changes = remember(run.context, (f"deleted the read replica {wanted.identifier}",))
            gone = ReplicaGone(migration=as_json(migration), identifier=wanted.identifier)
            self.wait(gone, migration, run.context)
        return Outcome(changes=changes, facts={"replica": wanted.identifier, "exists": False})

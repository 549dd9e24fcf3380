"""Reboot what waits for the parameters that were put back: the writer first, each proved before the next."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pg_cdc.decisions.outcome import Outcome
from pg_cdc.failures import Differs, NotProved, NotYet
from pg_cdc.operators.source.reboot import ask_for_reboot, subject_of
from pg_cdc.operators.source.step import as_json, remember, remembered
from pg_cdc.operators.teardown.restore import RestoreStep

if TYPE_CHECKING:
    from airflow.sdk import Context

    from pg_cdc.config import Migration
    from pg_cdc.config.teardown import Teardown
    from pg_cdc.decisions.teardown.restore_parameters import ParameterFacts
    from pg_cdc.decisions.world import Member
    from pg_cdc.hooks.rds import CdcRdsHook


class RebootRestoredOperator(RestoreStep):
    """Reboot what is pending, if we put anything back and a reboot is allowed."""

    def restore(self, migration: Migration, teardown: Teardown, context: Context) -> Outcome:
        """Reboot one member after the other, looking again after each."""
        from pg_cdc.hooks.rds import CdcRdsHook

        hook = CdcRdsHook.of(migration)
        changes = remembered(context)
        rebooted: set[str] = set()
        while (member := next_member(facts := self.facts(hook, migration, context))) is not None:
            if not (teardown.allow_reboot and migration.safety.allow_reboot):
                subject = subject_of(facts.database, member)
                told = f"{subject} must be rebooted, and no reboot is allowed: parameters wait for yours"
                return Outcome(changes=changes, warnings=(told,))
            subject = subject_of(facts.database, member)
            _refuse(facts, subject, rebooted)
            rebooted.add(subject)
            changes = remember(context, (*changes, f"rebooted {subject}: parameters were put back"))
            self._reboot(hook, facts, member, migration, context)
        return Outcome(changes=changes, facts={"wal_level": facts.settings.get("wal_level")})

    def _reboot(
        self, hook: CdcRdsHook, facts: ParameterFacts, member: Member, migration: Migration, context: Context
    ) -> None:
        from pg_cdc.facts.postgres import read_server
        from pg_cdc.facts.teardown.source_reach import reach_source
        from pg_cdc.waits.rds import InstanceRebooted

        before = ""
        if member.writer:
            _, conn = reach_source(migration, database=facts.database)
            with conn:
                before = read_server(conn).postmaster_started
        subject = subject_of(facts.database, member)
        self.log.info("Rebooting %s", subject)
        if not ask_for_reboot(hook, facts.database, member):
            raise NotYet(f"{subject} takes no reboot now")
        wait = InstanceRebooted(
            migration=as_json(migration),
            instance=member.identifier,
            postmaster_before=before,
            together=facts.database.reboots_as_one,
        )
        self.wait(wait, facts.database, migration, context, since=datetime.now(UTC))


def next_member(facts: ParameterFacts) -> Member | None:
    """Return who is rebooted next; None: nobody, or nothing was put back and what waits is not ours."""
    from pg_cdc.decisions.parameters.groups import reboot_order
    from pg_cdc.decisions.parameters.rules import SWITCH
    from pg_cdc.decisions.teardown.restore_parameters import allowed, obstacles, plan_restore

    plan = plan_restore(facts)
    found = obstacles(facts, plan, own_go=False)
    if not facts.rows or found.all or plan.failure or not allowed(plan, found).is_empty:
        return None
    switch = next((row for row in facts.rows if row.name == SWITCH), None)
    if switch is not None and switch.live == "off" and facts.settings.get(SWITCH) == "on":
        return facts.database.writer
    waiting = reboot_order(facts.database)
    if waiting and facts.database.reboots_as_one:
        return facts.database.writer
    return next(iter(waiting), None)


def _refuse(facts: ParameterFacts, subject: str, rebooted: set[str]) -> None:
    """Refuse a reboot after which the server would not start, and one that changed nothing."""
    if slots := [slot.name for slot in facts.slots if slot.slot_type == "logical"]:
        raise Differs(
            found=f"logical slot {', '.join(slots)}, made since the parameters were put back",
            expected="no logical slot: the server would not start",
            next="drop it, or set rds.logical_replication to 1 again before anything reboots the instance",
        )
    if subject in rebooted:
        raise NotProved(
            found=f"{subject} was rebooted, and still waits for a reboot",
            expected="nothing that waits",
            next="see the events and the log of the instance in the RDS console, then clear this task",
        )

"""Reboot the instances that wait for it: the writer first, each proved before the next.

Source: https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-reboot-db-instance.html
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pg_cdc.decisions.outcome import Outcome
from pg_cdc.failures import NotAllowed, NotProved, NotYet, WaitedTooLong
from pg_cdc.operators.source.step import RdsStep, as_json, started

if TYPE_CHECKING:
    from airflow.sdk import Context

    from pg_cdc.config import Migration
    from pg_cdc.decisions.world import Database, Member
    from pg_cdc.facts.configuration import Configuration
    from pg_cdc.hooks.history import Reboot
    from pg_cdc.hooks.rds import CdcRdsHook


class RebootSourceOperator(RdsStep):
    """Reboot what is pending, and nothing else. Aurora versions differ in whether readers restart with the writer."""

    def step(self, migration: Migration, context: Context) -> Outcome:
        """Reboot one member after the other, looking again after each."""
        from pg_cdc.hooks.rds import CdcRdsHook

        begun = started(context)
        hook = CdcRdsHook.of(migration)
        found = self.read_source(hook, migration, context)
        _refuse_incomplete(found)
        reboots = found.reboots
        if any(not one.ended_at for one in reboots):
            found, reboots = self._finish(hook, found)
        while (member := next_member(found)) is not None:
            self._refuse(found, member, [one for one in reboots if one.requested_at >= begun])
            self._reboot(hook, found, member, reboots, context)
            self.settled(hook, migration, context)
            found, reboots = self._finish(hook, found)
        return Outcome(
            changes=tuple(f"rebooted {one.instance}: {one.reason}" for one in reboots if one.requested_at >= begun),
            facts={"reboots": [one.told for one in reboots if one.ended_at]},
        )

    def _reboot(
        self, hook: CdcRdsHook, found: Configuration, member: Member, reboots: tuple[Reboot, ...], context: Context
    ) -> None:
        from pg_cdc.hooks.history import Reboot, record_reboot
        from pg_cdc.hooks.postgres import connect_source
        from pg_cdc.waits.rds import InstanceRebooted

        migration = found.migration
        before = found.server.postmaster_started if member.writer else ""
        subject = subject_of(found.database, member)
        # One that was recorded and then never happened is asked for again under its first record.
        reboot = next((one for one in reboots if one.instance == subject and not one.ended_at), None)
        if reboot is None or reboot.postmaster_before != before:
            reboot = Reboot(
                instance=subject,
                reason=reason(found, member),
                postmaster_before=before,
                requested_at=datetime.now(UTC),
            )
            with connect_source(migration, found.database) as conn:
                record_reboot(conn, migration.name, reboot)
        self.log.info("Rebooting %s: %s", subject, reboot.reason)
        if not ask_for_reboot(hook, found.database, member) and not _is_on_its_way(hook, member):
            raise NotYet(f"{subject} takes no reboot now")
        wait = InstanceRebooted(
            migration=as_json(migration),
            instance=member.identifier,
            postmaster_before=before,
            together=found.database.reboots_as_one,
        )
        self.wait(wait, found.database, migration, context, since=datetime.now(UTC))

    def _finish(self, hook: CdcRdsHook, found: Configuration) -> tuple[Configuration, tuple[Reboot, ...]]:
        """Read again, and record the end of each reboot that is proved."""
        from pg_cdc.facts.postgres import read_server
        from pg_cdc.facts.rds import read_database
        from pg_cdc.hooks.history import finish_reboot, read_reboots
        from pg_cdc.hooks.postgres import connect_source

        migration = found.migration
        database = read_database(hook, migration.source.identifier)
        with connect_source(migration, database) as conn:
            found = found.seen_again(database, read_server(conn))
            for reboot in read_reboots(conn, migration.name):
                if not reboot.ended_at and is_over(found, reboot):
                    finish_reboot(conn, migration.name, reboot, datetime.now(UTC))
            return found, read_reboots(conn, migration.name)

    def _refuse(self, found: Configuration, member: Member, made: list[Reboot]) -> None:
        from pg_cdc.decisions.parameters.groups import reboot_order

        why, subject = reason(found, member), subject_of(found.database, member)
        if again := [one for one in made if one.instance == subject]:
            # An open one of this run: its wait ended with its time.
            kind = NotProved if again[-1].ended_at else WaitedTooLong
            raise kind(
                found=f"{subject} was asked to reboot at {again[-1].requested_at:%H:%M:%S}, and still: {why}",
                expected="nothing that waits for a reboot",
                next="see the events and the log of the instance in the RDS console, then clear this task",
            )
        if not found.migration.safety.allow_reboot:
            names = [member, *reboot_order(found.database)]
            waiting = ", ".join(dict.fromkeys(subject_of(found.database, one) for one in names))
            raise NotAllowed(
                found=f"{waiting} must be rebooted: {why}",
                expected="safety.allow_reboot true, or nothing that waits for a reboot",
                next=f"reboot {waiting} in your own window and clear this task, or trigger again with allow_reboot",
            )


def next_member(found: Configuration) -> Member | None:
    """Return who is rebooted next: the writer if anything is not in force there, else who is pending."""
    from pg_cdc.decisions.parameters.groups import reboot_order

    if not found.changes:
        return None
    writer, waiting = found.database.writer, reboot_order(found.database)
    if writer.pending_reboot or any(change.needs_reboot for change in found.changes):
        return writer
    if waiting and found.database.reboots_as_one:
        return writer
    return next(iter(waiting), None)


def subject_of(database: Database, member: Member) -> str:
    """Return the identifier that is rebooted: the member's, or that of its Multi-AZ DB cluster."""
    return database.identifier if database.reboots_as_one else member.identifier


def ask_for_reboot(hook: CdcRdsHook, database: Database, member: Member) -> bool:
    """Ask for a reboot without failover; False: it is busy."""
    return hook.reboot_cluster(database.identifier) if database.reboots_as_one else hook.reboot(member.identifier)


def reason(found: Configuration, member: Member) -> str:
    """Return why ``member`` is rebooted."""
    waiting = [change.name for change in found.changes if change.needs_reboot] if member.writer else []
    if waiting:
        return f"{', '.join(waiting)} not in force"
    if found.database.reboots_as_one:
        return f"pending-reboot of {found.database.cluster_parameter_group}"
    return f"pending-reboot of {_pending_groups(found.database, member)}"


def is_over(found: Configuration, reboot: Reboot) -> bool:
    """Tell whether a reboot that was asked for has happened."""
    if reboot.postmaster_before:
        return found.server.postmaster_started != reboot.postmaster_before
    member = next((one for one in found.database.members if one.identifier == reboot.instance), None)
    return member is None or not member.pending_reboot


def _pending_groups(database: Database, member: Member) -> str:
    pending = "pending-reboot"
    groups = [str(database.cluster_parameter_group)] if member.cluster_apply_status == pending else []
    return " and ".join([*groups, *([member.parameter_group] if member.apply_status == pending else [])])


def _is_on_its_way(hook: CdcRdsHook, member: Member) -> bool:
    row = hook.find_instance(member.identifier)
    return row is not None and row["DBInstanceStatus"] in ("available", "rebooting")


def _refuse_incomplete(found: Configuration) -> None:
    if lacking := [change.name for change in found.changes if change.changes]:
        raise NotProved(
            found=f"the attached parameter group {found.plan.source} lacks {', '.join(lacking)}",
            expected="a complete group before a reboot",
            next="clear ensure_parameter_group and what follows it",
        )

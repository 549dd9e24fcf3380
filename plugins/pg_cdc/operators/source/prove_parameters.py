"""Ask the server itself whether the source is ready for change capture."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pg_cdc.decisions.outcome import Outcome
from pg_cdc.failures import NotProved
from pg_cdc.operators.source.step import RdsStep, as_json, told_parameters

if TYPE_CHECKING:
    from airflow.sdk import Context

    from pg_cdc.config import Migration
    from pg_cdc.decisions.parameters.changes import ParameterChange
    from pg_cdc.facts.configuration import Configuration


class ProveParametersOperator(RdsStep):
    """Compare what SHOW says with what is wanted; changes nothing."""

    def step(self, migration: Migration, context: Context) -> Outcome:
        """Prove, or say all that is not so."""
        from pg_cdc.hooks.rds import CdcRdsHook
        from pg_cdc.waits.rds import SettingsInForce

        hook = CdcRdsHook.of(migration)
        found = self.read_source(hook, migration, context)
        if late := [change.name for change in found.changes if _follows_soon(change)]:
            wait = SettingsInForce(migration=as_json(migration), names=late)
            self.wait(wait, found.database, migration, context)
            found = self.read_source(hook, migration, context)
        if doubts := list(unproved(found)):
            raise NotProved(
                found="; ".join(doubts),
                expected="every parameter of the plan in force on the server, and nothing pending",
                next="clear set_parameters and what follows it; if it stays so, see the log of the instance",
            )
        told = [{**row, "after": found.server.settings.get(str(row["name"]))} for row in told_parameters(found)]
        return Outcome(
            facts={
                "parameters": told,
                "reboots": [one.told for one in found.reboots if one.ended_at],
                "wal_level": found.server.settings.get("wal_level"),
                "postmaster_started": found.server.postmaster_started,
            }
        )


def _follows_soon(change: ParameterChange) -> bool:
    """Tell whether the group is right, the server not yet, and no reboot is needed for it."""
    return not (change.in_force or change.needs_reboot or change.changes)


def unproved(found: Configuration) -> Iterator[str]:
    """Yield, in words, what is not as it must be."""
    from pg_cdc.decisions.parameters.rules import SWITCH

    if not found.changes:
        return
    for one in found.changes:
        if not one.in_force or one.changes:
            yield f"{one.name} is {one.live} on the server and {one.group_value} in the group, not {one.wanted}"
    level = found.server.settings.get("wal_level")
    if level != "logical" and any(one.name == SWITCH for one in found.changes):
        yield f"wal_level is {level}"
    for member in found.database.members:
        for status in (member.apply_status, member.cluster_apply_status):
            if status not in (None, "in-sync"):
                yield f"{member.identifier} is {status}"
    for reboot in found.reboots:
        if reboot.postmaster_before and reboot.postmaster_before == found.server.postmaster_started:
            yield f"{reboot.instance} has run since {reboot.postmaster_before}, and its reboot was asked for after that"

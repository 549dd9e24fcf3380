"""Preflight of the parameter groups: whether the plan can take effect, and whom else it touches.

Source: https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/USER_WorkingWithDBClusterParamGroups.html
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pg_cdc.config import Migration
from pg_cdc.decisions.parameters.groups import other_users, target_group
from pg_cdc.decisions.preflight.findings import error, named, note, warning
from pg_cdc.decisions.world import Database, Finding, ParameterGroup

if TYPE_CHECKING:
    from pg_cdc.decisions.parameters.changes import ParameterChange


def group_findings(
    migration: Migration,
    database: Database,
    groups: Sequence[ParameterGroup],
    changes: Sequence[ParameterChange],
) -> Iterator[Finding]:
    """Yield the findings on the groups and on the reboot that the plan needs."""
    yield from _overrides(groups, changes)
    yield from _reboot(migration, database, changes)
    if any(change.changes for change in changes):
        yield from _own_group(migration, database, target_group(database, groups))


def _overrides(groups: Sequence[ParameterGroup], changes: Sequence[ParameterChange]) -> Iterator[Finding]:
    """Refuse what an instance group overrides: there, any user-set value wins over the cluster's."""
    by_name = {group.name: group for group in groups}
    for change in changes:
        for name in change.overridden_by:
            yield error(
                "overridden_at_instance_group",
                f"{change.name} in {name}",
                found=f"{by_name[name].parameters[change.name].value}, set by a user in the instance group",
                expected=f"{change.wanted}, which the cluster group will say in vain",
                cure=f"reset {change.name} in {name} (ResetDBParameterGroup): any other value still overrides",
            )


def _reboot(migration: Migration, database: Database, changes: Sequence[ParameterChange]) -> Iterator[Finding]:
    reasons = [change.name for change in changes if change.needs_reboot]
    pending = [member.identifier for member in database.members if member.pending_reboot]
    if migration.safety.allow_reboot or not (reasons or pending):
        return
    waiting = f"; {named(pending)} pending-reboot already" if pending else ""
    yield error(
        "reboot_not_allowed",
        database.identifier,
        found=f"a reboot is needed for {named(reasons) or 'what is pending'}{waiting}",
        expected="safety.allow_reboot true, or nothing that needs a reboot",
        cure="allow the reboot, or reboot in your own window after setting these parameters, and trigger again",
    )


def _own_group(migration: Migration, database: Database, attached: ParameterGroup) -> Iterator[Finding]:
    others = other_users(database, attached)
    if attached.is_default:
        yield note(
            "default_parameter_group",
            attached.name,
            found="AWS's own group, which cannot be changed",
            cure="a group of our own is made and attached, with one reboot",
        )
    elif others and migration.safety.allow_shared_parameter_group:
        yield warning(
            "shared_parameter_group",
            attached.name,
            found=f"also used by {named(others)}, which will be changed too",
            expected="a group of this database alone, or consent",
            cure="consent was given by safety.allow_shared_parameter_group; take it back for an own group",
        )
    elif others:
        yield note(
            "shared_parameter_group",
            attached.name,
            found=f"also used by {named(others)}",
            cure="a group of our own is made with its user-set values, and attached",
        )

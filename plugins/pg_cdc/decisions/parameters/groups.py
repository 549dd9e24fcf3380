"""Decide in which parameter group the source's parameters are set: the attached one, or one of its own. Pure.

Source: https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/USER_WorkingWithDBClusterParamGroups.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from pg_cdc.config import Migration
from pg_cdc.decisions import names
from pg_cdc.decisions.world import Database, Member, Parameter, ParameterGroup
from pg_cdc.failures import CdcFailure, NotAllowed, NotOurs

if TYPE_CHECKING:
    from pg_cdc.decisions.parameters.changes import ParameterChange


class GroupAction(StrEnum):
    """What happens to the source's parameter group."""

    KEEP = "keep"
    CREATE = "create"
    REFUSE = "refuse"


@dataclass(frozen=True, kw_only=True)
class GroupPlan:
    """``name``: the group to set parameters in. ``carried``: the user-set values it takes over from ``source``.

    ``adopt``: the group is there without our tag, and may have it. ``failure``: why it is refused.
    """

    action: GroupAction
    name: str
    family: str
    cluster: bool
    source: str
    why: str
    carried: tuple[Parameter, ...] = ()
    adopt: bool = False
    failure: CdcFailure | None = None


def target_group(database: Database, groups: Sequence[ParameterGroup]) -> ParameterGroup:
    """Return the attached group that holds the parameters: the cluster's, or the one of an RDS instance."""
    return next(group for group in groups if group.cluster is database.is_cluster)


def other_users(database: Database, group: ParameterGroup) -> tuple[str, ...]:
    """Return who else uses ``group``. Members and read replicas of the database are no others."""
    own = {database.identifier, *(member.identifier for member in database.members), *database.replicas}
    return tuple(user for user in group.users if user not in own)


def keeps(database: Database, group: ParameterGroup, *, migration: Migration) -> bool:
    """Tell whether parameters are set in the attached ``group`` itself."""
    if group.is_default:
        return False
    return migration.safety.allow_shared_parameter_group or not other_users(database, group)


def plan_group(
    database: Database,
    groups: Sequence[ParameterGroup],
    *,
    migration: Migration,
    changes: Sequence[ParameterChange] | None = None,
    own: ParameterGroup | None = None,
) -> GroupPlan:
    """Return which group is used. ``changes``: if none changes anything, the attached one stays, whatever it is.

    ``own``: the group of our name, if there is one that is not attached.
    """
    attached = target_group(database, groups)
    others = other_users(database, attached)
    if changes is not None and not any(change.changes for change in changes):
        return _plan(attached, GroupAction.KEEP, "all its values are right already")
    if keeps(database, attached, migration=migration):
        shared = f"shared with {', '.join(others)}, which the spec allows" if others else "used by this database alone"
        return _plan(attached, GroupAction.KEEP, shared)
    why = "AWS's own group cannot be changed" if attached.is_default else f"shared with {', '.join(others)}"
    plan = GroupPlan(
        action=GroupAction.CREATE,
        name=names.parameter_group(database.identifier, attached.family),
        family=attached.family,
        cluster=attached.cluster,
        source=attached.name,
        why=why,
        carried=tuple(one for one in attached.parameters.values() if one.source == "user" and one.value is not None),
        adopt=own is not None and names.TAG not in own.tags,
    )
    failure = _refusal(database, own, migration) if own else None
    if failure is None:
        return plan
    return _plan(attached, GroupAction.REFUSE, why, failure=failure)


def left_to_carry(plan: GroupPlan, own: ParameterGroup) -> tuple[Parameter, ...]:
    """Return the carried values that the new group has not: one that was set there since is newer, and stays."""
    return tuple(one for one in plan.carried if not _is_set(own, one.name))


def in_group(groups: Sequence[ParameterGroup], plan: GroupPlan, own: ParameterGroup) -> tuple[ParameterGroup, ...]:
    """Return ``groups`` as they will be once ``own`` is attached: under the attached one's name, for deciding."""
    return tuple(
        ParameterGroup(
            name=group.name,
            family=own.family,
            cluster=own.cluster,
            arn=own.arn,
            users=(),
            parameters=own.parameters,
            tags=own.tags,
        )
        if (group.name, group.cluster) == (plan.source, plan.cluster)
        else group
        for group in groups
    )


def reboot_order(database: Database) -> tuple[Member, ...]:
    """Return the members that wait for a reboot, the writer first.

    Older Aurora versions restart the readers with the writer: look again after each.
    """
    return tuple(sorted((one for one in database.members if one.pending_reboot), key=lambda one: not one.writer))


def _plan(attached: ParameterGroup, action: GroupAction, why: str, failure: CdcFailure | None = None) -> GroupPlan:
    return GroupPlan(
        action=action,
        name=attached.name,
        family=attached.family,
        cluster=attached.cluster,
        source=attached.name,
        why=why,
        failure=failure,
    )


def _is_set(group: ParameterGroup, name: str) -> bool:
    there = group.parameters.get(name)
    return there is not None and there.source == "user"


def _refusal(database: Database, own: ParameterGroup, migration: Migration) -> CdcFailure | None:
    owner = own.tags.get(names.TAG)
    if owner != migration.name and (owner is not None or not migration.safety.adopt_existing):
        return NotOurs(
            found=f"parameter group {own.name} is tagged {names.TAG}={owner}"
            if owner
            else f"{own.name} has no tag of ours",
            expected=f"no group of this name, or one tagged {names.TAG}={migration.name}",
            next="finish or tear down that migration" if owner else "delete the group, or set safety.adopt_existing",
        )
    if others := other_users(database, own):
        return NotAllowed(
            found=f"parameter group {own.name} is used by {', '.join(others)}",
            expected=f"{database.identifier} as its only user",
            next="give the others another group, and clear this task",
        )
    return None

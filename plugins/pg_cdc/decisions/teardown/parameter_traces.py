"""What of the source's configuration is not yet as it was before a migration, as lines of the residue report. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pg_cdc.config.teardown import Keep, Teardown
from pg_cdc.decisions.parameters.changes import apply_method
from pg_cdc.decisions.teardown.dms import is_ours, whose
from pg_cdc.decisions.teardown.residue import Place, Trace
from pg_cdc.decisions.teardown.restore_parameters import (
    Obstacles,
    ParameterFacts,
    Restore,
    RestorePlan,
    obstacles,
    plan_restore,
)
from pg_cdc.decisions.world import Database, ParameterGroup

UNREACHED = "parameters"
ATTACHED = "attached parameter group"


def parameter_traces(facts: ParameterFacts, teardown: Teardown, *, may_reboot: bool) -> tuple[Trace, ...]:
    """Return a trace for each parameter that is not back, an attached group of ours, and a reboot that waits."""
    plan = plan_restore(facts)
    asked = teardown.keeps(Keep.PARAMETERS)
    found = obstacles(facts, plan, own_go=True, pglogical_stays=bool(teardown.keeps(Keep.PGLOGICAL)))
    traces = tuple(_traces(facts, plan, found, asked))
    if plan.is_empty and plan.failure is None:
        traces += tuple(_reboots(facts, asked, may_reboot=may_reboot))
    return traces or (_all_back(facts),)


def group_trace(
    group: ParameterGroup, database: Database | None, *, migration: str, attached: bool, keep: str
) -> Trace:
    """Return the trace of a parameter group of our name. ``keep``: why the source's parameters stay, if they do."""
    others = [user for user in group.users if database is None or user not in _own(database)]
    kind = "cluster-" if group.cluster else ""
    command = f"aws rds delete-db-{kind}parameter-group --db-{kind}parameter-group-name {group.name}"
    used = f"used by {', '.join(others)}" if others else ""
    return Trace(
        place=Place.AWS,
        kind="parameter group",
        name=group.name,
        exists=True,
        ours=is_ours(group.tags, migration),
        keep=keep or used,
        command=command,
        detail=whose(group.tags, migration) or ("attached" if attached else ""),
    )


def _traces(facts: ParameterFacts, plan: RestorePlan, found: Obstacles, asked: str) -> Iterator[Trace]:
    attached = f"{facts.attached.name} on {facts.database.identifier}"
    if plan.attach:
        command = _attach_command(facts.database, plan.attach)
        yield _trace(ATTACHED, attached, asked or found.of(""), command, f"in the place of {plan.attach}")
    if plan.failure:
        command = _attach_command(facts.database, "<a group of yours>")
        yield replace(_trace(ATTACHED, attached, asked, command, ""), blocked=plan.failure.found)
    for one in plan.sets:
        name = f"{one.name} in {one.group}"
        detail = f"is {one.current}, was {one.value or 'left to the engine'}"
        yield _trace("parameter", name, asked or found.of(one.name), _restore_command(one), detail)
    for told in plan.told:
        yield _trace("parameter", told, "changed by somebody else since", "", "")


def _reboots(facts: ParameterFacts, asked: str, *, may_reboot: bool) -> Iterator[Trace]:
    """What waits is our doing while old values are recorded; without a reboot they are forgotten at once."""
    if may_reboot and not facts.rows:
        return
    not_allowed = "" if may_reboot else "no reboot is allowed: what was put back takes effect at your next one"
    for member in facts.database.members:
        if member.pending_reboot:
            command = f"aws rds reboot-db-instance --db-instance-identifier {member.identifier}"
            if facts.database.reboots_as_one:
                command = f"aws rds reboot-db-cluster --db-cluster-identifier {facts.database.identifier}"
            yield _trace("reboot", member.identifier, asked or not_allowed, command, "it waits for parameters put back")


def _all_back(facts: ParameterFacts) -> Trace:
    level = facts.settings.get("wal_level")
    return Trace(
        place=Place.AWS,
        kind=UNREACHED,
        name=facts.database.identifier,
        exists=False,
        detail=f"as they were before; wal_level is {level}",
    )


def _trace(kind: str, name: str, keep: str, command: str, detail: str) -> Trace:
    return Trace(place=Place.AWS, kind=kind, name=name, exists=True, keep=keep, command=command, detail=detail)


def _restore_command(one: Restore) -> str:
    kind = "cluster-" if one.cluster else ""
    verb = "reset" if one.value is None else "modify"
    value = "" if one.value is None else f",ParameterValue={one.value}"
    how = f",ApplyMethod={apply_method(one.apply_type)}"
    return (
        f"aws rds {verb}-db-{kind}parameter-group --db-{kind}parameter-group-name {one.group}"
        f' --parameters "ParameterName={one.name}{value}{how}"'
    )


def _attach_command(database: Database, group: str) -> str:
    if database.is_cluster:
        return (
            f"aws rds modify-db-cluster --db-cluster-identifier {database.identifier}"
            f" --db-cluster-parameter-group-name {group} --apply-immediately"
        )
    return (
        f"aws rds modify-db-instance --db-instance-identifier {database.identifier}"
        f" --db-parameter-group-name {group} --apply-immediately"
    )


def _own(database: Database) -> set[str]:
    return {database.identifier, *(member.identifier for member in database.members)}

"""Decide how the source's parameters go back to what they were, and whether they may. Pure.

A server with a logical slot and without ``rds.logical_replication`` does not start: no slot may be left, whosever.
Source: https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/AuroraPostgreSQL.Replication.Logical.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from pg_cdc.decisions.parameters.before import Before
from pg_cdc.decisions.parameters.rules import number
from pg_cdc.decisions.world import Database, ParameterGroup, Slot
from pg_cdc.failures import Differs

LIBRARIES = "shared_preload_libraries"
SLOTS = "max_replication_slots"


@dataclass(frozen=True, kw_only=True)
class OtherMigration:
    """Another migration of the same server. ``database``: where it keeps its books; ``how``: how it is known."""

    name: str
    database: str
    how: str


@dataclass(frozen=True, kw_only=True)
class ParameterFacts:
    """``home``: the migration's database. ``attached``: the group with the source's parameters.

    ``rows``: this migration's, and those of migrations of which nothing else is left. ``books``: where those are kept,
    as migration and database. ``groups``: by name, those that ``rows`` name and that are there. ``unread``: databases
    of the server that could not be looked into. ``pglogical_in``: databases with that extension.
    """

    migration: str
    home: str
    database: Database
    attached: ParameterGroup
    groups: Mapping[str, ParameterGroup]
    rows: tuple[Before, ...]
    slots: tuple[Slot, ...]
    own_slots: frozenset[str]
    settings: Mapping[str, str]
    books: tuple[tuple[str, str], ...] = ()
    others: tuple[OtherMigration, ...] = ()
    unread: tuple[str, ...] = ()
    pglogical_in: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Restore:
    """One parameter to put back. ``value`` None: it is reset, which leaves it to the engine again."""

    name: str
    group: str
    cluster: bool
    current: str | None
    value: str | None
    apply_type: str


@dataclass(frozen=True, kw_only=True)
class RestorePlan:
    """``attach``: the group that was attached before ours, empty: it is. ``told``: what is not as it was, and stays so.

    ``failure``: why the old group cannot be attached.
    """

    attach: str = ""
    sets: tuple[Restore, ...] = ()
    told: tuple[str, ...] = ()
    failure: Differs | None = None

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing is left to put back."""
        return not self.attach and not self.sets


@dataclass(frozen=True, kw_only=True)
class Obstacles:
    """Why parameters stay as they are: all of them, or some by name."""

    all: tuple[str, ...] = ()
    by_name: Mapping[str, str] = field(default_factory=dict)

    def of(self, name: str) -> str:
        """Return why ``name`` stays, in words; empty: it goes back."""
        return "; ".join(self.all) or self.by_name.get(name, "")


def merged(rows: Iterable[Before]) -> tuple[Before, ...]:
    """Return one row for each parameter: its value as it was before all, and what was set last."""
    found: dict[str, Before] = {}
    for row in sorted(rows, key=lambda one: one.recorded_at):
        first = found.setdefault(row.name, row)
        found[row.name] = replace(first, set_in=row.set_in, set_to=row.set_to)
    return tuple(found.values())


def plan_restore(facts: ParameterFacts) -> RestorePlan:
    """Return what is to be put back. What somebody changed after us is not ours to change again."""
    own = [row for row in facts.rows if row.set_in == facts.attached.name and row.set_in != row.group_name]
    if own:
        return _reattach(facts, own[0].group_name)
    sets, told = [], []
    for row in facts.rows:
        group = facts.groups.get(row.set_in)
        if row.set_in != row.group_name or group is None or group.is_default:
            continue
        restore, word = _put_back(row, group)
        sets += [restore] if restore else []
        told += [word] if word else []
    return RestorePlan(sets=tuple(sets), told=tuple(told))


def obstacles(facts: ParameterFacts, plan: RestorePlan, *, own_go: bool, pglogical_stays: bool = False) -> Obstacles:
    """Return what forbids it. ``own_go``: ahead of the removal of our own slots and pglogical, which then do not count.

    ``pglogical_stays``: as asked.
    """
    if plan.is_empty:
        return Obstacles()
    in_all = tuple(_in_all(facts, own_go=own_go))
    by_name = dict(_by_name(facts, own_go=own_go, pglogical_stays=pglogical_stays))
    if plan.attach and by_name:
        return Obstacles(all=(*in_all, *by_name.values()))
    return Obstacles(all=in_all, by_name=by_name)


def allowed(plan: RestorePlan, found: Obstacles) -> RestorePlan:
    """Return what of the plan nothing forbids."""
    if found.all:
        return RestorePlan(told=plan.told)
    return replace(plan, sets=tuple(one for one in plan.sets if not found.of(one.name)))


def _reattach(facts: ParameterFacts, name: str) -> RestorePlan:
    before = facts.groups.get(name)
    own = facts.attached
    if before is None or before.family != own.family:
        found = f"of family {before.family}" if before else "gone"
        failure = Differs(
            found=f"parameter group {name}, attached to {facts.database.identifier} before {own.name}, is {found}",
            expected=f"a group of family {own.family} that can take its place again",
            next=f"attach another group in the place of {own.name}, reboot, and clear this task",
        )
        return RestorePlan(failure=failure)
    return RestorePlan(attach=name, told=tuple(_lost(facts, own, before)))


def _lost(facts: ParameterFacts, own: ParameterGroup, before: ParameterGroup) -> Iterator[str]:
    """Yield what was set in our own group by somebody else: it goes with the group, and not without a word."""
    ours = {row.name: row.set_to for row in facts.rows}
    for name, row in own.parameters.items():
        there = before.parameters.get(name)
        same = there is not None and there.value == row.value
        if row.source == "user" and not same and ours.get(name) != row.value:
            yield f"{name} = {row.value} was set in {own.name} by somebody else, and is not so in {before.name}"


def _put_back(row: Before, group: ParameterGroup) -> tuple[Restore | None, str]:
    found = group.parameters.get(row.name)
    if found is None or _is_back(row, found.value, found.source):
        return None, ""
    value = row.value if row.source == "user" else None
    restore = Restore(
        name=row.name,
        group=group.name,
        cluster=group.cluster,
        current=found.value,
        value=value,
        apply_type=row.apply_type,
    )
    if found.value == row.set_to:
        return restore, ""
    if row.name != LIBRARIES or not (added := _added(row) & set(_listed(found.value))):
        return None, f"{row.name} in {group.name} is {found.value} by now, and was set to {row.set_to}: somebody else's"
    left = ",".join(one for one in _listed(found.value) if one not in added)
    return replace(restore, value=left), f"{row.name} in {group.name} keeps what was added to it since: {left}"


def _is_back(row: Before, value: str | None, source: str) -> bool:
    return value == row.value if row.source == "user" else source != "user"


def _added(row: Before) -> set[str]:
    return set(_listed(row.set_to)) - set(_listed(row.value))


def _listed(value: str | None) -> list[str]:
    return [part.strip() for part in (value or "").split(",") if part.strip()]


def _in_all(facts: ParameterFacts, *, own_go: bool) -> Iterator[str]:
    gone = facts.own_slots if own_go else frozenset()
    for slot in facts.slots:
        if slot.slot_type == "logical" and slot.name not in gone:
            yield f"logical slot {slot.name} in database {slot.database} is there, and the server would not start"
    for other in facts.others:
        yield f"migration {other.name} needs them ({other.how})"
    for name in facts.unread:
        yield f"database {name} could not be looked into for other migrations"


def _by_name(facts: ParameterFacts, *, own_go: bool, pglogical_stays: bool) -> Iterator[tuple[str, str]]:
    rows = {row.name: row for row in facts.rows}
    physical = [slot for slot in facts.slots if slot.slot_type != "logical"]
    limit = number(rows[SLOTS].live) if SLOTS in rows else None
    if limit is not None and len(physical) > limit:
        yield SLOTS, f"{len(physical)} physical slots are there, and the server would not start with {limit}"
    ours_goes = own_go and not pglogical_stays
    there = [name for name in facts.pglogical_in if not (ours_goes and name == facts.home)]
    if LIBRARIES in rows and there:
        yield LIBRARIES, f"pglogical is installed in database {', '.join(there)}, and needs to be preloaded"

"""Random histories: servers whose slots' owners live, die, come back and are replaced, strangers who use what is left,
clocks that step, look-ups that fail, books that are not saved; and a run of slot hygiene now and then.

What may be dropped and what must be is judged by the truth of the world and by what could be known of it, never by the
decisions under test.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from random import Random

from pg_cdc.decisions.slots.actions import choose_drops, disowned, next_watches
from pg_cdc.decisions.slots.owners import judge_looks, learn_owners
from pg_cdc.decisions.slots.policy import Policy
from pg_cdc.decisions.slots.verdicts import judge_source
from pg_cdc.decisions.slots.world import (
    Observation,
    Owner,
    OwnerKind,
    OwnerLook,
    OwnerState,
    SlotRow,
    SourceFacts,
    Watch,
)

YES, NO, NO_ANSWER = (OwnerLook(state=state) for state in (OwnerState.EXISTS, OwnerState.GONE, OwnerState.UNCHECKED))
PROTECTIONS = (
    {"slot_type": "physical"},
    {"temporary": True},
    {"failover": True},
    {"synced": True},
    {"name": "keep_me"},
)
LEFTOVER = 600


class Wrong(AssertionError):
    """A rule was broken; the message is the world."""


@dataclass(slots=True)
class Truth:
    """A slot as it really is. ``first_gone``: the first saved look that proved this owner gone, in server time."""

    name: str
    owner: Owner | None
    protection: dict
    stranger: bool
    alive: bool = True
    active: bool = False
    lsn: int = 1000
    inactive_since: float | None = None
    last_active: float | None = None
    first_gone: float | None = None
    foreign: bool = False
    plain: bool = True

    def row(self, version: int) -> SlotRow:
        idle_since = self.inactive_since if version >= 17 and not self.active else None
        return SlotRow(
            **{"name": self.name, "slot_type": "logical", **self.protection},
            plugin="test_decoding",
            active=self.active,
            restart_lsn=self.lsn,
            confirmed_flush_lsn=self.lsn + 5,
            retained_bytes=10_000 - self.lsn,
            inactive_since=idle_since,
        )


@dataclass(slots=True)
class World:
    """One server with its slots and hygiene's books; ``log`` is kept for who has to read a failure."""

    random: Random
    policy: Policy
    version: int
    steady_clock: bool
    replica: bool
    at: float = 1_000_000.0
    previous: float = 1_000_000.0
    slots: list[Truth] = field(default_factory=list)
    ledger: dict[str, Owner] = field(default_factory=dict)
    history: dict[str, list[Observation]] = field(default_factory=dict)
    watches: dict[str, Watch] = field(default_factory=dict)
    owners_made: int = 0
    log: list[str] | None = None


def play(seed: int, worlds: int) -> Counter[str]:
    """Play ``worlds`` histories and return what happened in them. :raises Wrong: a rule was broken."""
    seeds, seen = Random(seed), Counter(worlds=worlds)
    for _ in range(worlds):
        of_world = seeds.getrandbits(64)
        try:
            seen.update(_play_one(of_world, None))
        except Wrong as wrong:
            raise Wrong(f"{wrong}\n{_tell(of_world)}") from None
    return seen


def _play_one(seed: int, log: list[str] | None) -> list[str]:
    random = Random(seed)
    world, seen = _make_world(random), []
    world.log = log
    for _ in range(random.choice((2, 3, 3, 4, 5))):
        _pass_time(world)
        seen.extend(_run(world))
    return seen


def _tell(seed: int) -> str:
    """Return the history of a world, played again: telling it each time would take most of the time."""
    log: list[str] = []
    with suppress(Wrong):
        _play_one(seed, log)
    return "\n".join(log)


def _make_world(random: Random) -> World:
    policy = Policy(
        grace_seconds=random.choice((0, 3600, 86400)),
        dry_run=random.random() < 0.1,
        protect=("keep_*",),
        max_drops=99,
    )
    version, steady_clock = random.choice((15, 17)), random.random() < 0.7
    world = World(random, policy, version, steady_clock, replica=random.random() < 0.1)
    for number in range(random.choice((1, 1, 1, 2))):
        protection = dict(random.choice(PROTECTIONS)) if random.random() < 0.15 else {}
        slot = Truth(protection.get("name", f"s{number}"), None, protection, random.random() < 0.25)
        if all(slot.name != other.name for other in world.slots):
            world.slots.append(slot)
            if random.random() > 0.12:
                _new_owner(world, slot)
    return world


def _new_owner(world: World, slot: Truth) -> None:
    world.owners_made += 1
    kind = world.random.choice((OwnerKind.DMS_TASK, OwnerKind.NATIVE_SUBSCRIPTION))
    slot.owner = world.ledger[slot.name] = Owner(kind=kind, owner_id=f"owner-{world.owners_made}")
    slot.alive, slot.first_gone, slot.foreign = True, None, False


def _pass_time(world: World) -> None:
    random, grace = world.random, world.policy.grace_seconds
    world.previous = world.at
    world.at += random.choice(_pauses(grace))
    if not world.steady_clock and random.random() < 0.3:
        world.at += random.choice((-7200, -90, 7200, -2 * grace))
    restarted = random.random() < 0.05
    for slot in world.slots:
        _live(world, slot)
        if restarted and not slot.active:
            slot.inactive_since = world.at
    if world.log is not None:
        world.log.append(f"at {world.at:.0f}: {world.slots}")


@cache
def _pauses(grace: float) -> tuple[float, ...]:
    """Return how long hygiene may pause between two runs: moments, a quarter of an hour, and around the grace."""
    around = (grace // 2, grace - 240, grace - 30, grace - 30, grace, grace + 1, 2 * grace + 900)
    return (1, 60, 300, 900, 3600, *(max(pause, 1) for pause in around))


def _live(world: World, slot: Truth) -> None:
    random, was_active = world.random, slot.active
    slot.active = False
    if slot.owner is None or slot.alive:
        _owner_acts(world, slot)
    else:
        _after_the_end(world, slot, was_active)
    if was_active and not slot.active:
        slot.inactive_since = max(slot.inactive_since or 0, random.choice((world.previous, world.at)))


def _owner_acts(world: World, slot: Truth) -> None:
    random = world.random
    slot.active = random.random() < 0.4
    if slot.active or random.random() < 0.3:
        _move(world, slot)
    if slot.owner and random.random() < 0.5:
        slot.alive = False
        slot.active = slot.active and random.random() < 0.7


def _after_the_end(world: World, slot: Truth, was_active: bool) -> None:
    """End the owner's connection; let the owner come back, another take its place, or a stranger help himself."""
    random = world.random
    fate = random.random()
    slot.active = was_active and world.at - world.previous <= 300 and random.random() < 0.7
    if fate < 0.04 and slot.owner.kind is OwnerKind.NATIVE_SUBSCRIPTION:
        slot.alive = True
        _used_by_another(world, slot, moves=True)
    elif fate < 0.09:
        slot.plain = False
        if random.random() < 0.5:
            _move(world, slot)
        _new_owner(world, slot)
    elif slot.stranger and fate < 0.5:
        slot.active = random.random() < 0.5
        _used_by_another(world, slot, moves=not slot.active or random.random() < 0.6)


def _used_by_another(world: World, slot: Truth, *, moves: bool) -> None:
    """Use the slot; who moves it leaves a trace for whoever has seen the owner gone before."""
    slot.plain = False
    if moves:
        _move(world, slot)
        slot.foreign = slot.foreign or slot.first_gone is not None


def _move(world: World, slot: Truth) -> None:
    slot.lsn += world.random.randint(1, 9)
    slot.inactive_since = world.at if world.random.random() < 0.5 else max(slot.inactive_since or 0, world.previous)


def _answers(world: World, slot: Truth) -> tuple[OwnerLook, OwnerLook]:
    """Return two answers about the owner: the truth, no answer, or one that is late; never two that are wrong."""
    random = world.random
    if slot.owner is None:
        return NO, NO
    truth, late = (YES, NO) if slot.alive else (NO, YES)
    answers = [NO_ANSWER if random.random() < 0.12 else truth for _ in range(2)]
    if random.random() < 0.08:
        answers[random.randrange(2)] = late
    return answers[0], answers[1]


def _run(world: World) -> Iterator[str]:
    random = world.random
    acts, told = random.random() < 0.9, random.random() < 0.8
    observes = random.random() < 0.93
    remembers = observes and random.random() < 0.95
    answers = {slot.name: _answers(world, slot) for slot in world.slots}
    facts = _facts(world, answers)
    verdicts = judge_source(facts, world.policy)
    plan = choose_drops([("shop-1", verdict) for verdict in verdicts], world.policy, acts=acts)
    dropped = {verdict.name for _, verdict in plan.drops}
    if world.log is not None:
        world.log.append(f"  answers {answers}, acts {acts}, saves {observes} {remembers}, drops {dropped}")
    yield from _check(world, dropped, answers, acts=acts and not world.policy.dry_run)
    if observes:
        _observe(world)
    if remembers:
        world.watches = next_watches(facts, verdicts, told=told)
        world.ledger |= disowned(facts, verdicts) if random.random() < 0.5 else {}
        _remember(world, answers)
    world.slots = [slot for slot in world.slots if slot.name not in dropped]


def _facts(world: World, answers: dict[str, tuple[OwnerLook, OwnerLook]]) -> SourceFacts:
    rows = tuple(slot.row(world.version) for slot in world.slots)
    return SourceFacts(
        identifier="shop-1",
        at=world.at,
        version_num=world.version * 10_000,
        in_recovery=world.replica,
        wal_lsn=10_000,
        slots=rows,
        owners=learn_owners(rows, world.ledger, ()),
        looks={name: judge_looks(*pair) for name, pair in answers.items()},
        history={name: tuple(looks) for name, looks in world.history.items()},
        watches=world.watches,
    )


def _check(world: World, dropped: set[str], answers, *, acts: bool) -> Iterator[str]:
    for slot in world.slots:
        forbidden = _forbidden(world, slot, answers[slot.name], acts=acts)
        if slot.name in dropped:
            if forbidden:
                raise Wrong(f"dropped {slot.name}, which is {forbidden}")
            yield "dropped"
        elif not forbidden and slot.plain and world.steady_clock:
            raise Wrong(f"left {slot.name}, an orphan past its grace")
        else:
            yield forbidden or "left in doubt"


def _forbidden(world: World, slot: Truth, answers: tuple[OwnerLook, OwnerLook], *, acts: bool) -> str:
    """Return why the slot may not be dropped now; empty: it may."""
    reasons = {
        "of a run that does not act": not acts,
        "on a replica": world.replica,
        "protected": bool(slot.protection),
        "foreign": slot.owner is None or slot.foreign,
        "owned": slot.alive,
        "active": slot.active,
        "not proved ownerless": answers != (NO, NO),
        "seen ownerless for the first time": slot.first_gone is None,
        "within its grace": not _grace_is_over(world, slot),
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def _grace_is_over(world: World, slot: Truth) -> bool:
    starts = [slot.first_gone, slot.last_active, slot.inactive_since if world.version >= 17 else None]
    return (
        world.at - max((start for start in starts if start is not None), default=world.at) >= world.policy.grace_seconds
    )


def _observe(world: World) -> None:
    for slot in world.slots:
        row = slot.row(world.version)
        seen = Observation(
            at=world.at,
            active=row.active,
            wal_lsn=10_000,
            restart_lsn=row.restart_lsn,
            confirmed_flush_lsn=row.confirmed_flush_lsn,
            retained_bytes=row.retained_bytes,
        )
        world.history.setdefault(slot.name, []).append(seen)
        if slot.active and slot.first_gone is not None and not slot.alive:
            slot.last_active = world.at
            slot.foreign = slot.foreign or world.at > slot.first_gone + LEFTOVER


def _remember(world: World, answers: dict[str, tuple[OwnerLook, OwnerLook]]) -> None:
    """Note in the truth what the books now know of each owner."""
    for slot in world.slots:
        if YES in answers[slot.name] and slot.owner:
            slot.first_gone, slot.foreign, slot.last_active = None, False, None
        elif answers[slot.name] == (NO, NO) and slot.first_gone is None and slot.owner:
            slot.first_gone = world.at
            slot.last_active = world.at if slot.active else None

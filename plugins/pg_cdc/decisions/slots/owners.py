"""Say whose a slot is, and what looking for its owner came to. Pure.

A name proves nothing: a slot belongs to whom the ledger says, or to the one subscription that was seen to name it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pg_cdc.decisions.slots.world import Owner, OwnerKind, OwnerLook, OwnerState, SlotRow

PLUGINS = {
    OwnerKind.NATIVE_SUBSCRIPTION: frozenset({"pgoutput"}),
    OwnerKind.PGLOGICAL_SUBSCRIPTION: frozenset({"pglogical", "pglogical_output"}),
}
UNKNOWN = Owner(kind=OwnerKind.UNKNOWN, how="neither the ledger nor a subscription on a registered server names it")


@dataclass(frozen=True, kw_only=True)
class SeenSubscription:
    """A subscription as its subscriber has it. ``server``, ``database``: the subscriber's; ``slot_name`` empty: none.

    ``source_database``: the database that it reads; empty: not known.
    """

    kind: OwnerKind
    server: str
    database: str
    name: str
    slot_name: str
    enabled: bool = True
    source_database: str = ""

    @property
    def owner_id(self) -> str:
        """Return the subscription's name among all servers."""
        return f"{self.server}/{self.database}/{self.name}"


def learn_owners(
    slots: Sequence[SlotRow], ledger: Mapping[str, Owner], subscriptions: Sequence[SeenSubscription]
) -> dict[str, Owner]:
    """Return the owner of each slot. A known owner in the ledger stands; a disabled subscription owns too."""
    return {slot.name: _owner_of(slot, ledger.get(slot.name), subscriptions) for slot in slots}


def judge_looks(first: OwnerLook, second: OwnerLook) -> OwnerLook:
    """Return what two different questions came to. One yes is enough to exist; only two times no is gone."""
    looks = (first, second)
    for state in (OwnerState.EXISTS, OwnerState.UNCHECKED):
        if found := [look for look in looks if look.state is state]:
            return OwnerLook(state=state, text=_both(found))
    return OwnerLook(state=OwnerState.GONE, text=_both(looks))


def _both(looks: Sequence[OwnerLook]) -> str:
    return "; ".join(dict.fromkeys(look.text for look in looks if look.text))


def _owner_of(slot: SlotRow, recorded: Owner | None, subscriptions: Sequence[SeenSubscription]) -> Owner:
    if slot.slot_type == "physical":
        return Owner(kind=OwnerKind.PHYSICAL_STANDBY, how="a physical slot")
    if recorded and recorded.kind is not OwnerKind.UNKNOWN:
        return recorded
    readers = {seen.owner_id: seen for seen in subscriptions if _reads(seen, slot)}
    if len(readers) == 1:
        (seen,) = readers.values()
        return Owner(kind=seen.kind, owner_id=seen.owner_id, how=f"subscription {seen.name} on {seen.server} names it")
    if readers:
        return Owner(kind=OwnerKind.UNKNOWN, how=f"several subscriptions name it: {', '.join(sorted(readers))}")
    return recorded or UNKNOWN


def _reads(seen: SeenSubscription, slot: SlotRow) -> bool:
    if not seen.slot_name or seen.slot_name != slot.name:
        return False
    elsewhere = seen.source_database and slot.database and seen.source_database != slot.database
    return not elsewhere and slot.plugin in PLUGINS.get(seen.kind, ())

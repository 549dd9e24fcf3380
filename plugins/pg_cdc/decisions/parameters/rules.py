"""What each parameter of the source must be for change capture, and why. Pure.

Source: https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.PostgreSQL.html
Source: https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/AuroraPostgreSQL.Replication.Logical.Configure.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from pg_cdc.config import Migration, Plugin
from pg_cdc.decisions.output_plugins import LIBRARIES, may_decode_with
from pg_cdc.decisions.world import Database, Engine, ParameterGroup, Server

HEADROOM = 2
"""Slots and senders beyond what is known: one for a reload beside its old slot, one for a look at the stream."""

TIMEOUT_MS = (10_000, 299_999)
"""Where DMS wants wal_sender_timeout, unless it is 0."""

SWITCH = "rds.logical_replication"
PGLOGICAL = "pglogical"
RDS_LIBRARIES = frozenset({"rdsutils", "rds_casts"})
"""Preloaded by RDS itself, whatever the group says; a group does not take them."""

FORMULA = re.compile(r"[{$]|^\s*(GREATEST|LEAST|SUM)\(")
UNITS = {"ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}


@dataclass(frozen=True, kw_only=True)
class Rule:
    """``enough`` judges a value, a group's or the server's; ``better`` gives the value to set in the place of one.

    ``raw``: the server's is taken in the group's unit (``65536``), not as SHOW prints it (``64MB``).
    """

    name: str
    why: str
    enough: Callable[[str], bool]
    better: Callable[[str | None], str]
    raw: bool = False


def rules(
    database: Database,
    group: ParameterGroup,
    server: Server,
    *,
    migration: Migration,
    tasks: int,
    own_slots: frozenset[str],
) -> Iterator[Rule]:
    """Yield what must hold, in the order in which people read it. ``own_slots`` are not counted as in use."""
    yield _switch(SWITCH, "1", "makes wal_level logical")
    yield _libraries(group, server, wanted=wants_pglogical(migration.replication.plugin, server, group))
    yield from _sizes(database, group, server, tasks=tasks, own_slots=own_slots)
    yield _timeout()
    if database.engine is Engine.AURORA:
        yield _switch("synchronous_commit", "on", "Aurora needs it for change capture")


def wants_pglogical(plugin: Plugin, server: Server, group: ParameterGroup) -> bool:
    """Tell whether pglogical is to be preloaded; ``auto``: if the source has it, and it and the group take it."""
    if plugin is not Plugin.AUTO:
        return plugin is Plugin.PGLOGICAL
    listed = may_decode_with(LIBRARIES[Plugin.PGLOGICAL], server.settings)
    return listed and PGLOGICAL in server.available_extensions and _takes(group, PGLOGICAL)


def number(text: str | None) -> int | None:
    """Return a whole number, or None for anything else."""
    return int(text) if text is not None and re.fullmatch(r"-?\d+", text.strip()) else None


def milliseconds(text: str) -> int | None:
    """Return a time as SHOW prints it (``30s``) or as a group holds it (``30000``); None: neither."""
    found = re.fullmatch(r"\s*(\d+)\s*(ms|s|min|h|d)?\s*", text)
    return int(found[1]) * UNITS[found[2] or "ms"] if found else None


def is_plain(value: str) -> bool:
    """Tell a value from a formula, such as ``GREATEST($DBInstanceVCPU*2,8)``: only the server knows what that is."""
    return FORMULA.search(value) is None


def listed(text: str | None) -> tuple[str, ...]:
    """Return the members of a comma-separated list."""
    return tuple(item for part in (text or "").split(",") if (item := part.strip().strip('"')))


def merge(*lists: Iterable[str]) -> tuple[str, ...]:
    """Return the members of all ``lists``, each once, in the order in which they are met."""
    return tuple(dict.fromkeys(item for members in lists for item in members))


def coming(group: ParameterGroup, settings: Mapping[str, str], name: str) -> str | None:
    """Return the value after the next reboot: the group's, or for a formula or none what is in force."""
    parameter = group.parameters.get(name)
    value = parameter.value if parameter else None
    return value if value is not None and is_plain(value) else settings.get(name)


def _switch(name: str, wanted: str, why: str) -> Rule:
    same = {"1": ("1", "on", "true")}.get(wanted, (wanted,))
    return Rule(name=name, why=why, enough=lambda value: value.lower() in same, better=lambda _: wanted)


def _at_least(name: str, need: int, why: str) -> Rule:
    def enough(value: str) -> bool:
        found = number(value)
        return found is not None and found >= need

    return Rule(name=name, why=why, enough=enough, better=lambda _: str(need))


def _timeout() -> Rule:
    low, high = TIMEOUT_MS

    def enough(value: str) -> bool:
        found = milliseconds(value)
        return found is not None and (found == 0 or low <= found <= high)

    def better(value: str | None) -> str:
        return str(min(max(milliseconds(value or "") or low, low), high))

    why = f"DMS wants 0 or {low}..{high} ms"
    return Rule(name="wal_sender_timeout", why=why, enough=enough, better=better)


def _libraries(group: ParameterGroup, server: Server, *, wanted: bool) -> Rule:
    """Keep every library, and add ours: setting the list replaces it."""
    parameter = group.parameters.get("shared_preload_libraries")
    chosen = parameter is not None and parameter.source == "user"
    loaded = listed(server.settings.get("shared_preload_libraries"))
    # What a user wrote is the whole list; AWS's own default may leave out what the server does load.
    kept = () if chosen else tuple(item for item in loaded if _takes(group, item))
    ours = (PGLOGICAL,) if wanted else ()

    def better(value: str | None) -> str:
        return ",".join(merge((item for item in listed(value) if item not in RDS_LIBRARIES), kept, ours))

    why = "pglogical, beside what is loaded already" if wanted else "test_decoding needs no library"
    return Rule(
        name="shared_preload_libraries", why=why, enough=lambda value: set(ours) <= set(listed(value)), better=better
    )


def _takes(group: ParameterGroup, library: str) -> bool:
    parameter = group.parameters.get("shared_preload_libraries")
    allowed = listed(parameter.allowed_values) if parameter else ()
    return library not in RDS_LIBRARIES and (not allowed or library in allowed)


def _sizes(
    database: Database, group: ParameterGroup, server: Server, *, tasks: int, own_slots: frozenset[str]
) -> Iterator[Rule]:
    others = [slot for slot in server.slots if slot.name not in own_slots]
    own_active = sum(slot.active for slot in server.slots if slot.name in own_slots)
    senders = max(server.wal_senders_used - own_active, 0)
    decoded = sum(slot.slot_type == "logical" for slot in others)
    physical = [slot for slot in others if slot.slot_type == "physical"]
    # A replica that follows is in use already; each has one slot and one sender, and may be cut off just now.
    slots = max(len(database.replicas) - len(physical), 0)
    followers = max(len(database.replicas) - sum(slot.active for slot in physical), 0)
    yield _room("max_replication_slots", len(others), tasks, slots)
    yield _room("max_wal_senders", senders, tasks, followers)
    workers = _at_least("max_logical_replication_workers", decoded + tasks, f"{decoded} logical slots, {tasks} for DMS")
    yield workers
    yield _processes(group, server, workers)


def _room(name: str, used: int, tasks: int, replicas: int) -> Rule:
    why = f"{used} in use, {tasks} for DMS, {replicas} more for read replicas, {HEADROOM} spare"
    return _at_least(name, max(used + tasks + replicas + HEADROOM, 2), why)


def _processes(group: ParameterGroup, server: Server, workers: Rule) -> Rule:
    found = coming(group, server.settings, workers.name)
    logical = found if found is not None and workers.enough(found) else workers.better(found)
    parts = [
        int(logical),
        *(_largest(group, server, name) for name in ("autovacuum_max_workers", "max_parallel_workers")),
    ]
    why = "max_logical_replication_workers {} + autovacuum_max_workers {} + max_parallel_workers {}".format(*parts)
    return _at_least("max_worker_processes", sum(parts), why)


def _largest(group: ParameterGroup, server: Server, name: str) -> int:
    values = (number(server.settings.get(name)), number(coming(group, server.settings, name)))
    return max((value for value in values if value is not None), default=0)

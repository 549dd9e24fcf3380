"""Decide which migrations are past their time: by the tag of their resources, and by nothing else. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pg_cdc.config.fields import epoch
from pg_cdc.decisions import names


@dataclass(frozen=True, kw_only=True)
class Tagged:
    """A DMS resource with its tags. ``place``: the account and region it was found in, as people call them."""

    name: str
    place: str
    tags: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Due:
    """A migration that is past its time, and the spec file that tells how to take it down."""

    migration: str
    expires_at: str
    spec_file: str


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """``due``: to be taken down. ``troubles``: what is past its time, or may be, and cannot be taken down from here."""

    due: tuple[Due, ...]
    troubles: tuple[str, ...]


def sweep(found: Iterable[Tagged], spec_files: Mapping[tuple[str, str], str], now: float) -> Sweep:
    """Return what is due. ``spec_files``: the file of each (place, migration).

    ``now``: epoch seconds. Resources of one migration may differ while a spec is being changed: the latest time counts.
    """
    times: dict[tuple[str, str], list[str]] = {}
    troubles = []
    for one in found:
        text, migration = one.tags.get(names.EXPIRES), one.tags.get(names.TAG)
        if text is None:
            continue
        if migration is None or not _is_moment(text):
            troubles.append(f"{one.name} in {one.place} has {names.EXPIRES}={text} and {names.TAG}={migration}")
        else:
            times.setdefault((one.place, migration), []).append(text)
    past = {key: latest for key, texts in sorted(times.items()) if epoch(latest := max(texts, key=epoch)) <= now}
    troubles += [
        f"migration {migration} in {place} expired at {text}, and no spec file is about it"
        for (place, migration), text in past.items()
        if (place, migration) not in spec_files
    ]
    due = (
        Due(migration=key[1], expires_at=text, spec_file=spec_files[key])
        for key, text in past.items()
        if key in spec_files
    )
    return Sweep(due=tuple(due), troubles=tuple(troubles))


def _is_moment(text: str) -> bool:
    try:
        epoch(text)
    except ValueError:
        return False
    return True

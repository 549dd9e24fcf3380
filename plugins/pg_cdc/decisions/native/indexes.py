"""Decide which indexes, constraints and the like the target still lacks, and in which order they are made. Pure.

The definitions are the source's own, so that names, options and partitions come out the same.
Source: https://www.postgresql.org/docs/current/populate.html
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pg_cdc.decisions.native.world import Name

EXCLUSION = "x"


@dataclass(frozen=True, kw_only=True)
class Index:
    """An index of ``table``. ``constraint_type`` None: none is on it. ``parent``: the partitioned index it is of."""

    table: Name
    partitioned: bool
    name: str
    definition: str
    constraint_name: str | None = None
    constraint_type: str | None = None
    constraint_definition: str | None = None
    deferrable: bool = False
    deferred: bool = False
    parent: Name | None = None
    is_identity: bool = False
    identity: str = "d"

    @property
    def key(self) -> Name:
        """Return schema and name of the index."""
        return (self.table[0], self.name)

    @property
    def built_alone(self) -> bool:
        """Tell whether it can be built before its constraint, beside others of its table."""
        return self.constraint_type is None or not (self.partitioned or self.constraint_type == EXCLUSION)


@dataclass(frozen=True, kw_only=True)
class LateConstraint:
    """A foreign key or an unvalidated check. ``other``: the table that it refers to."""

    table: Name
    partitioned: bool
    name: str
    type: str
    validated: bool
    definition: str
    other: Name | None = None


@dataclass(frozen=True, kw_only=True)
class LateObject:
    """A trigger, rule, statistics object or policy. ``enabled``: O, D, R or A, as pg_trigger has it."""

    table: Name
    kind: str
    name: str
    definition: str
    enabled: str = "O"


@dataclass(frozen=True, kw_only=True)
class Shape:
    """All of these of a set of tables, on one end."""

    indexes: tuple[Index, ...] = ()
    constraints: tuple[LateConstraint, ...] = ()
    objects: tuple[LateObject, ...] = ()


@dataclass(frozen=True, kw_only=True)
class IndexPlan:
    """What is left, in the order of the fields. ``build`` in parallel, the rest one by one: it takes locks, not time.

    ``validate``: constraints of ``keys`` that may be validated in parallel.
    """

    build: tuple[Index, ...] = ()
    constrain: tuple[Index, ...] = ()
    attach: tuple[Index, ...] = ()
    identify: tuple[Index, ...] = ()
    keys: tuple[LateConstraint, ...] = ()
    validate: tuple[LateConstraint, ...] = ()
    objects: tuple[LateObject, ...] = ()

    def is_empty(self) -> bool:
        """Tell whether nothing is left."""
        return not (
            self.build or self.constrain or self.attach or self.identify or self.keys or self.validate or self.objects
        )


def plan_indexes(source: Shape, target: Shape, tables: frozenset[Name]) -> IndexPlan:
    """Return what the target lacks. A foreign key to a table that is not copied cannot be made there."""
    there = {index.key: index for index in target.indexes}
    constrained = {(index.table, index.constraint_name) for index in target.indexes if index.constraint_name}
    keys = {(one.table, one.name): one for one in target.constraints}
    objects = {(one.table, one.kind, one.name) for one in target.objects}
    wanted = [one for one in source.constraints if one.other is None or one.other in tables]
    return IndexPlan(
        build=tuple(index for index in source.indexes if index.built_alone and index.key not in there),
        constrain=tuple(_children_first(_unconstrained(source.indexes, constrained))),
        attach=tuple(_unattached(source.indexes, there)),
        identify=tuple(_unidentified(source.indexes, there)),
        keys=tuple(one for one in wanted if (one.table, one.name) not in keys),
        validate=tuple(one for one in wanted if _is_unvalidated(one, keys.get((one.table, one.name)))),
        objects=tuple(
            one for one in source.objects if one.kind != "policy" and (one.table, one.kind, one.name) not in objects
        ),
    )


def not_copied(source: Shape, target: Shape, tables: frozenset[Name]) -> Iterator[str]:
    """Yield, in words, what of the source is not made on the target."""
    there = {(one.table, one.kind, one.name) for one in target.objects}
    for one in source.constraints:
        if one.other is not None and one.other not in tables:
            yield f"foreign key {one.name} of {'.'.join(one.table)}: {'.'.join(one.other)} is not copied"
    for policy in source.objects:
        if policy.kind == "policy" and (policy.table, policy.kind, policy.name) not in there:
            yield f"row-level security policy {policy.name} of {'.'.join(policy.table)}: make it by hand"


def _unconstrained(indexes: Sequence[Index], there: set[tuple[Name, str]]) -> Iterator[Index]:
    yield from (one for one in indexes if one.constraint_name and (one.table, one.constraint_name) not in there)


def _children_first(indexes: Iterator[Index]) -> list[Index]:
    return sorted(indexes, key=lambda index: index.partitioned)


def _unattached(indexes: Sequence[Index], there: dict[Name, Index]) -> Iterator[Index]:
    for index in indexes:
        found = there.get(index.key)
        if index.parent and (found is None or found.parent != index.parent):
            yield index


def _unidentified(indexes: Sequence[Index], there: dict[Name, Index]) -> Iterator[Index]:
    for index in indexes:
        found = there.get(index.key)
        if index.is_identity and index.identity == "i" and not (found and found.is_identity and found.identity == "i"):
            yield index


def _is_unvalidated(wanted: LateConstraint, found: LateConstraint | None) -> bool:
    if not wanted.validated or wanted.partitioned:
        return False
    return found is None or not found.validated

"""Look for the owner of a slot, each time by two different questions. What cannot be asked is not a no."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow.sdk.exceptions import AirflowException
from botocore.exceptions import BotoCoreError, ClientError

from pg_cdc.decisions.slots.owners import SeenSubscription, judge_looks
from pg_cdc.decisions.slots.world import Owner, OwnerKind, OwnerLook, OwnerState
from pg_cdc.facts.ends import read_source
from pg_cdc.facts.native.subscribers import Subscriber, read_subscriber, server_name
from pg_cdc.failures import CdcFailure, NotYet
from pg_cdc.hooks.aws_errors import error_code
from pg_cdc.hooks.dms import CdcDmsHook

if TYPE_CHECKING:
    from collections.abc import Callable

    from pg_cdc.config import Migration

SUBSCRIPTIONS = (OwnerKind.NATIVE_SUBSCRIPTION, OwnerKind.PGLOGICAL_SUBSCRIPTION)


@dataclass(frozen=True, kw_only=True)
class TaskList:
    """All DMS tasks of one ``place``: partition, region and account. ``error``: why they could not be read."""

    place: tuple[str, str, str] = ("", "", "")
    statuses: Mapping[str, str] = field(default_factory=dict)
    error: str = ""


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What was asked once for all slots of a server. ``subscribers``: by migration, or why one gives no answer."""

    tasks: TaskList
    subscribers: Mapping[str, Subscriber | str] = field(default_factory=dict)


def read_tasks(migration: Migration, *, source_arn: str) -> TaskList:
    """Return every DMS task of the source's account and region, or why that could not be read."""
    place = _place(source_arn)
    try:
        rows = CdcDmsHook.of(migration).tasks(WithoutSettings=True)
    except (ClientError, BotoCoreError, AirflowException, OSError) as err:
        return TaskList(place=place, error=_why(err))
    return TaskList(place=place, statuses={row["ReplicationTaskArn"]: row["Status"] for row in rows})


def seen_subscriptions(migration: Migration) -> tuple[SeenSubscription, ...]:
    """Return the subscriptions on the target of ``migration``, whatever they read. :raises NotYet: no answer."""
    return tuple(found.seen for found in read_subscriber(migration).found)


def look_for_owner(
    migration: Migration, owner: Owner, *, slot: str = "", asked: Surroundings | None = None
) -> OwnerLook:
    """Return whether the owner of ``slot`` exists. ``asked``: what was asked already; None: it is asked now."""
    if owner.kind is OwnerKind.DMS_TASK:
        tasks = asked.tasks if asked else read_tasks(migration, source_arn=read_source(migration).arn)
        return _look_for_task(migration, owner.owner_id, tasks)
    if owner.kind in SUBSCRIPTIONS:
        subscriber = asked.subscribers.get(migration.name) if asked else None
        return _look_for_subscription(migration, owner, slot, subscriber or ask_subscriber(migration))
    return _unchecked("nobody knows whose it is" if owner.kind is OwnerKind.UNKNOWN else "a standby is not looked for")


def ask_subscriber(migration: Migration, read: Callable[[Migration], Subscriber] = read_subscriber) -> Subscriber | str:
    """Return what the target of ``migration`` says, or why it says nothing."""
    try:
        return read(migration)
    except (NotYet, CdcFailure, ClientError, BotoCoreError, AirflowException, OSError) as err:
        return _why(err)


def _look_for_task(migration: Migration, arn: str, tasks: TaskList) -> OwnerLook:
    if _place(arn) != tasks.place or ":task:" not in arn:
        where = "/".join(tasks.place)
        return _unchecked(f"{arn or 'an empty ARN'} is no DMS task of {where}: asking there would prove nothing")
    if arn in tasks.statuses:
        return _exists(f"DMS task {arn} is {tasks.statuses[arn]}")
    listed = _unchecked(f"the list of DMS tasks: {tasks.error}") if tasks.error else _gone(f"no task {arn} in the list")
    return judge_looks(_ask_for_task(migration, arn), listed)


def _ask_for_task(migration: Migration, arn: str) -> OwnerLook:
    filters = [{"Name": "replication-task-arn", "Values": [arn]}]
    try:
        rows = CdcDmsHook.of(migration).tasks(Filters=filters, WithoutSettings=True)
    except (ClientError, BotoCoreError, AirflowException, OSError) as err:
        return _unchecked(f"DMS task {arn}: {_why(err)}")
    found = [row for row in rows if row["ReplicationTaskArn"] == arn]
    return _exists(f"DMS task {arn} is {found[0]['Status']}") if found else _gone(f"DMS knows no task {arn}")


def _look_for_subscription(migration: Migration, owner: Owner, slot: str, subscriber: Subscriber | str) -> OwnerLook:
    server, _, rest = owner.owner_id.partition("/")
    database, _, name = rest.partition("/")
    if not name or server != server_name(migration):
        return _unchecked(f"subscription {owner.owner_id} is on a server that no migration of this source names")
    if isinstance(subscriber, str):
        return _unchecked(f"{server}: {subscriber}")
    if owner.kind is OwnerKind.PGLOGICAL_SUBSCRIPTION and database != subscriber.database:
        return _unchecked(f"database {database} of {server} is not the target's")
    return judge_looks(_named(subscriber, owner, database, name), _reading(subscriber, slot))


def _named(subscriber: Subscriber, owner: Owner, database: str, name: str) -> OwnerLook:
    wanted = (owner.kind, database, name)
    if any((one.seen.kind, one.seen.database, one.seen.name) == wanted for one in subscriber.found):
        return _exists(f"subscription {name} is in {subscriber.server}/{database}")
    return _gone(f"no subscription {name} in {subscriber.server}/{database}")


def _reading(subscriber: Subscriber, slot: str) -> OwnerLook:
    """A subscription may have been renamed; pglogical names its origin after the slot."""
    if not slot:
        return _unchecked("which slot it would read is not known")
    for one in subscriber.found:
        if one.seen.slot_name == slot:
            return _exists(f"subscription {one.seen.name} of {subscriber.server} reads slot {slot}")
    if slot in subscriber.origins:
        return _exists(f"{subscriber.server} has a replication origin {slot}")
    return _gone(f"no subscription and no origin of {subscriber.server} names slot {slot}")


def _place(arn: str) -> tuple[str, str, str]:
    """Return partition, region and account of an ARN; empty ones where it is none."""
    parts = arn.split(":")
    return (parts[1], parts[3], parts[4]) if len(parts) > 5 and parts[0] == "arn" else ("", "", "")


def _why(err: BaseException) -> str:
    return error_code(err) if isinstance(err, ClientError) else f"{type(err).__name__}: {err}"


def _exists(text: str) -> OwnerLook:
    return OwnerLook(state=OwnerState.EXISTS, text=text)


def _gone(text: str) -> OwnerLook:
    return OwnerLook(state=OwnerState.GONE, text=text)


def _unchecked(text: str) -> OwnerLook:
    return OwnerLook(state=OwnerState.UNCHECKED, text=text)

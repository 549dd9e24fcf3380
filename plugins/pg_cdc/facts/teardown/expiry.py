"""Read what of ours in DMS carries a time, in every account and region that a spec file names. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException

from pg_cdc.config import Migration
from pg_cdc.decisions import names
from pg_cdc.decisions.teardown.expiry import Tagged
from pg_cdc.failures import CdcFailure
from pg_cdc.hooks.dms import CdcDmsHook
from pg_cdc.spec import migration_from_params, spec_file_names

KINDS = (
    ("describe_replication_tasks", "ReplicationTasks", "ReplicationTask"),
    ("describe_endpoints", "Endpoints", "Endpoint"),
    ("describe_replication_instances", "ReplicationInstances", "ReplicationInstance"),
)


@dataclass
class Registered:
    """The migrations that spec files are about, by (place, name).

    ``troubles``: what could not be read. ``notes``: what need not be.
    """

    files: dict[tuple[str, str], str] = field(default_factory=dict)
    migrations: dict[str, Migration] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read_registered() -> Registered:
    """Read every spec file; one that is broken hides no other."""
    found = Registered()
    for file in spec_file_names():
        try:
            migration = migration_from_params({"spec_file": file})
        except CdcFailure as failure:
            found.troubles.append(f"{file}: {failure.found}")
            continue
        place = place_of(migration)
        found.files[place, migration.name] = file
        found.migrations.setdefault(place, migration)
    return found


def place_of(migration: Migration) -> str:
    """Return the account and region of a migration, as its spec names them."""
    return f"{migration.aws.conn_id}, {migration.aws.region or 'its own region'}"


def read_tagged(registered: Registered) -> Iterator[Tagged]:
    """Yield our resources in each place; a place that cannot be read is a trouble and hides no other."""
    for place, migration in registered.migrations.items():
        if not _has_connection(migration.aws.conn_id):
            registered.notes.append(f"{place}: no such Airflow connection, so nothing was made by it from here")
            continue
        try:
            yield from list(_in_place(place, CdcDmsHook.of(migration)))
        except Exception as err:
            registered.troubles.append(f"{place}: could not be read: {type(err).__name__}: {err}")


def _has_connection(conn_id: str) -> bool:
    """Tell whether Airflow knows the connection: the AWS provider goes on without one, as somebody else."""
    try:
        BaseHook.get_connection(conn_id)
    except AirflowNotFoundException:
        return False
    return True


def _in_place(place: str, hook: CdcDmsHook) -> Iterator[Tagged]:
    for operation, key, kind in KINDS:
        options = {"WithoutSettings": True} if kind == "ReplicationTask" else {}
        for row in hook.read_all(operation, key, **options):
            name = row[f"{kind}Identifier"]
            if name.startswith(names.resource("")):
                yield Tagged(name=f"{kind} {name}", place=place, tags=hook.tags(row[f"{kind}Arn"]))

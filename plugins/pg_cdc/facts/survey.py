"""Read everything that preflight and the plan need: RDS, both servers, the secrets, and DMS. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from botocore.exceptions import ClientError

from pg_cdc.decisions import names
from pg_cdc.decisions.dms.endpoints import Address, compare_endpoint, wanted_source, wanted_target
from pg_cdc.decisions.dms.resources import (
    Create,
    Nothing,
    Refuse,
    compare_instance,
    compare_subnet_group,
    refuse_foreign,
)
from pg_cdc.decisions.lake.endpoint import wanted_lake
from pg_cdc.decisions.parameters.changes import plan_parameters
from pg_cdc.decisions.preflight.checks import Situation
from pg_cdc.decisions.preflight.dms import Outlook, dms_findings, instance_missing, secret_elsewhere
from pg_cdc.decisions.preflight.findings import unknown
from pg_cdc.decisions.preflight.table_facts import Shapes
from pg_cdc.decisions.preflight.tables import columns_of
from pg_cdc.decisions.preflight.versions import dms_engine_findings
from pg_cdc.decisions.replicas.reading import Reader
from pg_cdc.decisions.world import Database, Finding, Server, Table
from pg_cdc.facts.configuration import read_own_slots
from pg_cdc.facts.dms import (
    instance_identifier,
    read_endpoint,
    read_instance,
    read_subnet_group,
    read_task,
    running_tasks,
)
from pg_cdc.facts.ends import read_reader
from pg_cdc.facts.infinite_dates import count_infinite_dates
from pg_cdc.facts.lake.survey import read_lake_facts
from pg_cdc.facts.lob_sizes import largest_lobs
from pg_cdc.facts.postgres import read_rows, read_server, read_slots, read_tables
from pg_cdc.facts.rds import read_database, read_parameter_groups
from pg_cdc.facts.replica import connect_replica
from pg_cdc.facts.replicas import read_replicas
from pg_cdc.facts.shapes import read_shapes, read_target_shapes
from pg_cdc.hooks.aws_errors import error_code
from pg_cdc.hooks.dms import CdcDmsHook
from pg_cdc.hooks.postgres import connect_source, connect_target, target_credentials
from pg_cdc.hooks.rds import CdcRdsHook
from pg_cdc.hooks.secrets import dms_role_password

if TYPE_CHECKING:
    from pg_cdc.config import Migration

DENIED = frozenset({"AccessDenied", "AccessDeniedException", "AccessDeniedFault", "UnauthorizedOperation"})


class Survey(NamedTuple):
    """What was read, and what DMS has of it."""

    situation: Situation
    outlook: tuple[Outlook, ...]


class SourceFacts(NamedTuple):
    """What the source server says."""

    server: Server
    tables: tuple[Table, ...]
    roles: frozenset[str]
    own_slots: frozenset[str]
    shapes: Shapes


def read_survey(migration: Migration, *, measure: bool = False) -> Survey:
    """Return all facts. ``measure``: read the tables themselves for what the spec wants measured: LOBs, dates.

    :raises PreflightFailed: an end, a login or a secret that cannot be used, so that there is nothing to check.
    """
    hook = CdcRdsHook.of(migration)
    database = read_database(hook, migration.source.identifier)
    groups = read_parameter_groups(hook, database)
    source = read_source_facts(migration, database, measure=measure)
    situation = Situation(
        migration=migration,
        database=database,
        groups=groups,
        server=source.server,
        tables=source.tables,
        roles=source.roles,
        own_slots=source.own_slots,
        shapes=source.shapes,
        replicas=read_replicas(hook, database),
        reader=_read_reader(migration),
        changes=plan_parameters(database, groups, source.server, migration=migration, own_slots=source.own_slots),
    )
    situation = _with_target(situation, hook)
    outlook, findings = _look_at_dms(situation, hook)
    reads = situation.reader.database if situation.reader else database
    return Survey(replace(situation, extra=(*findings, *_login_findings(migration, reads))), outlook)


def _read_reader(migration: Migration) -> Reader | None:
    """Return the read replica that DMS reads from, if the spec names one."""
    if not migration.source.read_from:
        return None
    database = read_reader(migration)
    with connect_replica(migration, database) as conn:
        return Reader(database=database, server=read_server(conn), slots=read_slots(conn))


def _with_target(situation: Situation, hook: CdcRdsHook) -> Situation:
    migration = situation.migration
    if migration.lake.bucket:
        return replace(situation, lake=read_lake_facts(migration))
    identifier = migration.target.identifier
    with connect_target(migration, hook) as conn:
        return replace(
            situation,
            target_database=read_database(hook, identifier) if identifier else None,
            target_server=read_server(conn),
            target_shapes=read_target_shapes(conn),
        )


def read_source_facts(migration: Migration, database: Database, *, measure: bool = False) -> SourceFacts:
    """Return what the source says about itself, its tables and our slots."""
    with connect_source(migration, database) as conn:
        tables = read_tables(conn)
        shapes = read_shapes(conn, migration)
        if measure and migration.replication.measure_dates:
            shapes = replace(shapes, infinite_dates=count_infinite_dates(conn, migration, tables))
        if measure and migration.replication.measure_lobs:
            shapes = replace(shapes, lob_bytes=largest_lobs(conn, columns_of(migration, tables, shapes.columns)))
        return SourceFacts(
            server=read_server(conn),
            tables=tables,
            roles=frozenset(row["name"] for row in read_rows(conn, "source/list_roles.sql")),
            own_slots=read_own_slots(conn, migration),
            shapes=shapes,
        )


def _login_findings(migration: Migration, database: Database) -> Iterator[Finding]:
    """Yield what is odd about the DMS role's login; one that cannot be read raises."""
    login = dms_role_password(migration)
    if migration.dms_role.secret_arn and login.host and login.host != database.host:
        yield secret_elsewhere(migration.dms_role.secret_arn, login.host, database.host)


def _look_at_dms(situation: Situation, hook: CdcRdsHook) -> tuple[tuple[Outlook, ...], tuple[Finding, ...]]:
    """Return what DMS has and what is wrong with it; being denied a look is a finding, other errors are raised."""
    try:
        outlook, wrong = _outlook(situation, hook)
    except ClientError as err:
        if error_code(err) not in DENIED:
            raise
        cure = "give the role of the AWS connection the actions of docs/iam-policy.json"
        found = f"{error_code(err)} for {err.operation_name}"
        return (), (unknown("dms_not_checked", "DMS", found=found, cure=cure),)
    return outlook, (*wrong, *dms_findings(outlook))


def _outlook(situation: Situation, rds: CdcRdsHook) -> tuple[tuple[Outlook, ...], tuple[Finding, ...]]:
    migration = situation.migration
    hook = CdcDmsHook.of(migration)
    identifier = instance_identifier(migration)
    instance = read_instance(hook, identifier, with_tags=True)
    found: list[Outlook] = []
    target = {"target": situation.target_server} if situation.target_server else {}
    ends = {"source": situation.server, **target}
    replica = situation.reader is not None
    wrong = tuple(dms_engine_findings(identifier, instance.engine_version, ends, replica=replica)) if instance else ()
    if migration.replication.instance_identifier:
        wrong = wrong if instance else (instance_missing(migration),)
    else:
        group = read_subnet_group(hook, names.resource(migration.name), database_arn=situation.database.arn)
        found.append((f"replication subnet group {identifier}", compare_subnet_group(migration, group)))
        busy = running_tasks(hook, "replication-instance-arn", instance.arn) if instance else ()
        found.append((f"replication instance {identifier}", compare_instance(migration, instance, busy)))
    return (*found, *_endpoints(hook, situation, rds), *_task(hook, migration)), wrong


def _endpoints(hook: CdcDmsHook, situation: Situation, rds: CdcRdsHook) -> Iterator[Outlook]:
    migration = situation.migration
    reads = situation.reader.database if situation.reader else situation.database
    source = wanted_source(migration, reads, situation.server)
    in_bucket = situation.lake is not None
    target = wanted_lake(migration) if in_bucket else wanted_target(migration, _target_address(situation, rds))
    for wanted in (source, target):
        found = read_endpoint(hook, wanted.identifier, with_tags=True)
        busy = running_tasks(hook, "endpoint-arn", found.arn) if found else ()
        yield f"endpoint {wanted.identifier}", compare_endpoint(migration, wanted, found, busy)


def _target_address(situation: Situation, rds: CdcRdsHook) -> Address:
    target = situation.migration.target
    user = "" if target.secret_arn else target_credentials(situation.migration, rds).user
    if database := situation.target_database:
        return Address(host=database.host, port=database.port, user=user, engine=database.engine.value)
    return Address(host=target.host or "", port=target.port or 5432, user=user)


def _task(hook: CdcDmsHook, migration: Migration) -> Iterator[Outlook]:
    """Yield whether the task is ours; how it differs depends on resources that may not be there yet."""
    found = read_task(hook, names.resource(migration.name), with_tags=True)
    what = f"replication task {names.resource(migration.name)}"
    if found is None:
        yield what, Create()
    elif foreign := refuse_foreign(what, found.tags, migration):
        yield what, Refuse(failure=foreign)
    else:
        yield what, Nothing(adopt=names.TAG not in found.tags)

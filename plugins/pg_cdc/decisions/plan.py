"""Say what a migration is going to change, before it does, as a person would want to read it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pg_cdc.config import Migration, MigrationType, Plugin
from pg_cdc.decisions import names
from pg_cdc.decisions.dms.endpoints import makes_slot
from pg_cdc.decisions.dms.table_mappings import parse_rules, selected_tables
from pg_cdc.decisions.lake.files import may_claim, place
from pg_cdc.decisions.markdown import bullets, section, table
from pg_cdc.decisions.parameters.groups import keeps, target_group
from pg_cdc.decisions.preflight.checks import Situation
from pg_cdc.decisions.preflight.dms import Outlook, dms_changes
from pg_cdc.decisions.preflight.findings import counted, named
from pg_cdc.decisions.preflight.keys import planned_plugin
from pg_cdc.decisions.replicas.meaning import replica_changes
from pg_cdc.decisions.world import Database, Finding
from pg_cdc.failures import NotOurs

if TYPE_CHECKING:
    from pg_cdc.decisions.parameters.changes import ParameterChange

PARAMETER_COLUMNS = ("parameter", "live", "group", "wanted", "why", "needs_reboot")
AUDIT_TRIGGER = "awsdms_intercept_ddl"
GIB = 1 << 30


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What will be done. ``parameters``: those that change; ``changes``: everything else, in order."""

    parameters: tuple[Mapping[str, Any], ...]
    changes: tuple[str, ...]
    copies: str


def make_plan(situation: Situation, outlook: Sequence[Outlook]) -> Plan:
    """Return the plan for what was read."""
    return Plan(
        parameters=tuple(parameter_rows(situation.changes)),
        changes=(
            *_group_changes(situation),
            *replica_changes(
                situation.database,
                situation.groups,
                situation.changes,
                situation.replicas,
                migration=situation.migration,
            ),
            *reboots(situation.database, situation.changes),
            *_database_changes(situation),
            *_lake_changes(situation),
            *dms_changes(outlook),
            *_assessment(situation.migration),
            *_stream_changes(situation.migration),
        ),
        copies=_copies(situation),
    )


def plan_markdown(plan: Plan, migration: Migration, findings: Sequence[Finding]) -> str:
    """Return the plan for the log, the approval and the report."""
    told = table(("severity", "code", "subject", "found", "cure"), [as_row(finding) for finding in findings])
    parts = [
        f"# Plan of migration {migration.name}",
        f"{migration.replication.migration_type.value} of {migration.source.identifier}, database "
        f"{migration.source.database}, to {_target(migration)}: {plan.copies}.",
        section("Parameters", table(PARAMETER_COLUMNS, plan.parameters) or "None changes."),
        section("Other changes, in this order", bullets(plan.changes)),
        section("Findings", told),
    ]
    return "\n\n".join(part for part in parts if part)


def _target(migration: Migration) -> str:
    if migration.lake.bucket:
        return f"{place(migration)} as {migration.lake.data_format.value}"
    target = migration.target
    return f"{target.identifier or target.host}, database {target.database}"


def as_row(finding: Finding) -> dict[str, str]:
    """Return a finding as a row."""
    keys = ("severity", "code", "subject", "found", "expected", "cure")
    return {key: getattr(finding, key) for key in keys}


def parameter_rows(changes: Iterable[ParameterChange]) -> Iterator[Mapping[str, Any]]:
    """Yield a row of the parameter table for each parameter that changes."""
    for change in changes:
        if change.changes:
            yield {
                "parameter": change.name,
                "live": change.live,
                "group": change.group_value,
                "wanted": change.wanted,
                "why": change.why,
                "needs_reboot": change.needs_reboot,
            }


def _group_changes(situation: Situation) -> Iterator[str]:
    """Say whether the parameters go into the attached group or into one of our own."""
    database = situation.database
    if not any(change.changes for change in situation.changes):
        return
    group = target_group(database, situation.groups)
    if not keeps(database, group, migration=situation.migration):
        own = names.parameter_group(database.identifier, group.family)
        yield f"make the parameter group {own} with the user-set values of {group.name}"
        yield f"attach {own} to {database.identifier} in place of {group.name}"


def reboots(database: Database, changes: Sequence[ParameterChange]) -> Iterator[str]:
    """Say whom a reboot hits; which readers still need one is seen after the writer's."""
    needed = any(change.needs_reboot for change in changes)
    if database.reboots_as_one:
        if needed or any(member.pending_reboot for member in database.members):
            readers = named([member.identifier for member in database.readers])
            yield f"reboot the Multi-AZ DB cluster {database.identifier}, its readers {readers} too, without failover"
        return
    for member in (database.writer, *database.readers):
        if needed or member.pending_reboot:
            kind = "writer" if member.writer else "reader"
            yield f"reboot the {kind} {member.identifier}, unless nothing is pending then"


def _database_changes(situation: Situation) -> Iterator[str]:
    migration, server = situation.migration, situation.server
    where = f"in database {migration.source.database} of the source"
    role, schema = migration.dms_role.name, migration.dms_role.artifacts_schema
    if role not in situation.roles:
        yield f"make the role {role} (password from {_password_place(migration)})"
    yield f"see that {role} has rds_superuser and rds_replication and may read the selected schemas"
    if names.CONTROL_SCHEMA not in server.schemas:
        yield f"make the schema {names.CONTROL_SCHEMA} {where}"
    if AUDIT_TRIGGER not in server.event_triggers:
        yield f"make the schema {schema}, the table awsdms_ddl_audit and the event trigger {AUDIT_TRIGGER} {where}"
    wants = planned_plugin(migration, server) is Plugin.PGLOGICAL
    if wants and "pglogical" not in server.installed_extensions:
        yield f"make the extension pglogical {where}"


def _assessment(migration: Migration) -> Iterator[str]:
    """Say that DMS assesses a task that has not been started yet, and where its results go."""
    if migration.assessment.wanted:
        stops = "; what fails stops the run" if migration.assessment.gates else ""
        place = f"s3://{migration.assessment.bucket}/{migration.assessment.folder}"
        yield f"let DMS assess the task before its first start, with results in {place}{stops}"


def _lake_changes(situation: Situation) -> Iterator[str]:
    folder = situation.lake.folder if situation.lake else None
    try:
        if folder is not None and may_claim(situation.migration, folder):
            yield f"mark {place(situation.migration)} as this migration's"
    except NotOurs:
        return  # a finding says so


def _stream_changes(migration: Migration) -> Iterator[str]:
    prepare = migration.replication.task_settings.get("FullLoadSettings", {}).get("TargetTablePrepMode")
    if migration.replication.migration_type is not MigrationType.CDC:
        how = {"DO_NOTHING": "left as they are", "TRUNCATE_BEFORE_LOAD": "emptied first"}
        if migration.lake.bucket:
            kept = "left as they are" if prepare == "DO_NOTHING" else "removed first"
            yield f"load the tables as files; files of theirs that are there are {kept}"
        else:
            yield f"load the target's tables, which are {how.get(str(prepare), 'dropped and made anew')}"
    if migration.replication.migration_type is not MigrationType.FULL_LOAD:
        if makes_slot(migration):
            yield f"logical replication slot {names.slot(migration.name)} on {migration.source.read_from}, made for DMS"
        else:
            yield "one logical replication slot on the source, made by DMS"
        where = "from the bucket's files" if migration.lake.bucket else "on the target"
        yield f"a marker row in {names.CONTROL_SCHEMA}.{names.MARKER_TABLE}, read {where} as proof"


def _password_place(migration: Migration) -> str:
    return "its secret" if migration.dms_role.secret_arn else f"connection {migration.dms_role.conn_id}"


def _copies(situation: Situation) -> str:
    chosen = selected_tables(parse_rules(situation.migration.tables.rules), situation.tables)
    rows = sum(max(table.estimated_rows, 0) for table in chosen)
    size = sum(table.bytes for table in chosen) / GIB
    return f"{counted(len(chosen), 'table')}, about {rows:,} rows, {size:.1f} GiB"

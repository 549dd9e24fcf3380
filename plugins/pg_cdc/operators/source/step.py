"""What the steps that configure the source share."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pg_cdc.decisions.instances import broken_failure, unsettled
from pg_cdc.links.console import RdsInstanceLink
from pg_cdc.operators.base import CdcOperator
from pg_cdc.operators.turn import require_turn

if TYPE_CHECKING:
    from airflow.sdk import Context

    from pg_cdc.config import Migration
    from pg_cdc.decisions.world import Database
    from pg_cdc.facts.configuration import Configuration
    from pg_cdc.hooks.rds import CdcRdsHook
    from pg_cdc.waits import Wait

MADE = "made_before_deferral"


class RdsStep(CdcOperator):
    """A step on the source's parameters."""

    operator_extra_links = (RdsInstanceLink(),)

    def read_source(self, hook: CdcRdsHook, migration: Migration, context: Context) -> Configuration:
        """Return the configuration of the source, once every instance is available.

        :raises PreflightFailed: the spec asks for a parameter that cannot be set.
        """
        from pg_cdc.decisions.preflight.findings import refusal
        from pg_cdc.facts.configuration import read_configuration

        database = self.settled(hook, migration, context)
        require_turn(migration, context, database)
        found = read_configuration(hook, migration, database=database)
        if found.refused:
            raise refusal(found.refused)
        return found

    def settled(self, hook: CdcRdsHook, migration: Migration, context: Context) -> Database:
        """Return the source when nothing of it is on its way any more.

        :raises PreflightFailed: an instance is in a state that waiting does not end.
        :raises NotProved: an instance does not start with the parameters it was given.
        """
        from pg_cdc.facts.rds import read_database
        from pg_cdc.waits.rds import InstanceAvailable

        database = read_database(hook, migration.source.identifier)
        RdsInstanceLink.persist(
            context, region=hook.conn_region_name, identifier=database.identifier, cluster=database.is_cluster
        )
        if unsettled(database) and broken_failure(database) is None:
            self.wait(InstanceAvailable(migration=as_json(migration)), database, migration, context)
            database = read_database(hook, migration.source.identifier)
        if failure := broken_failure(database):
            raise failure
        return database

    def wait(
        self,
        wait: Wait,
        database: Database,
        migration: Migration,
        context: Context,
        *,
        since: datetime | None = None,
    ) -> None:
        """Wait for as long as a reboot may take from ``since``; None: as one of every instance may, from the start."""
        minutes = timedelta(minutes=migration.timeouts.reboot_minutes)
        begun = started(context)
        timeout = since - begun + minutes if since else minutes * (len(database.members) + 1)
        self.wait_for(wait, context, timeout=timeout, poll_seconds=migration.timeouts.poll_seconds)


def remember(context: Context, changes: Iterable[str]) -> tuple[str, ...]:
    """Return ``changes``, kept for the time after a deferral: XCom outlives one, and is cleared before a rerun."""
    made = tuple(changes)
    if made and (ti := context.get("ti")) is not None:
        ti.xcom_push(key=MADE, value=list(made))
    return made


def remembered(context: Context) -> tuple[str, ...]:
    """Return the changes this task instance made before it was deferred."""
    if (ti := context.get("ti")) is None or not hasattr(ti, "xcom_pull"):
        return ()
    return tuple(ti.xcom_pull(task_ids=ti.task_id, key=MADE) or ())


def as_json(migration: Migration) -> dict[str, Any]:
    """Return the spec as a wait carries it."""
    return migration.model_dump(mode="json")


def started(context: Context) -> datetime:
    """Return when the task instance began; a deferral does not change it."""
    return getattr(context.get("ti"), "start_date", None) or datetime.now(UTC)


def told_parameters(found: Configuration) -> list[dict[str, Any]]:
    """Return the plan's parameters as the report has them: before this migration, and after."""
    return [
        {
            "name": change.name,
            "before": found.before[change.name].told if change.name in found.before else change.before,
            "after": change.wanted,
            "apply_type": change.apply_type,
        }
        for change in found.remaining
    ]

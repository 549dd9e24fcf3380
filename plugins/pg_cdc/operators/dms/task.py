"""Make the replication task, and wait for the truth about its full load."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pg_cdc.config import MigrationType
from pg_cdc.decisions import names
from pg_cdc.decisions.outcome import Outcome
from pg_cdc.failures import NotYet
from pg_cdc.operators.dms.start import StartTaskOperator
from pg_cdc.operators.dms.step import (
    MOVING,
    TaskStep,
    existing_endpoint,
    existing_instance,
    existing_task,
    persist_links,
)

if TYPE_CHECKING:
    from airflow.sdk import Context

    from pg_cdc.config import Migration
    from pg_cdc.decisions.dms.resources import Decision
    from pg_cdc.decisions.dms.task import Task, WantedTask
    from pg_cdc.hooks.dms import CdcDmsHook

__all__ = ["EnsureTaskOperator", "StartTaskOperator", "WaitFullLoadOperator"]


class EnsureTaskOperator(TaskStep):
    """Make the replication task and, before it, the marker table that it will carry."""

    def step(self, migration: Migration, context: Context) -> Outcome:
        """Find, make or modify the task."""
        from pg_cdc.decisions.dms.resources import Refuse
        from pg_cdc.decisions.dms.task import create_request, modify_request
        from pg_cdc.hooks.dms import CdcDmsHook

        hook = CdcDmsHook.of(migration)
        wanted = self._wanted(hook, migration)
        found = self._settled(hook, migration, context)
        decision = self._decide(migration, wanted, found)
        if isinstance(decision, Refuse):
            raise decision.failure
        changes = self._marker(migration)
        what = f"replication task {names.resource(migration.name)}"
        arn = found.arn if found else ""
        acted = self.act(
            hook,
            migration,
            what,
            decision,
            arn=arn,
            create=lambda: hook.call("create_replication_task", **create_request(migration, wanted)),
            modify=lambda keys: hook.call("modify_replication_task", **modify_request(wanted, arn, keys)),
        )
        if acted:
            found = self._settled(hook, migration, context)
            self.prove(what, self._decide(migration, wanted, found))
        if found is None:
            raise NotYet(f"{what} was made, and DMS does not describe it yet")
        persist_links(context, migration, found)
        return Outcome(changes=(*changes, *acted), facts={"task": found.identifier, "arn": found.arn})

    def _wanted(self, hook: CdcDmsHook, migration: Migration) -> WantedTask:
        from pg_cdc.decisions.dms.table_mappings import build_table_mappings
        from pg_cdc.decisions.dms.task import WantedTask

        return WantedTask(
            migration_type=migration.replication.migration_type.value,
            source_endpoint_arn=existing_endpoint(hook, migration, "source").arn,
            target_endpoint_arn=existing_endpoint(hook, migration, "target").arn,
            instance_arn=existing_instance(hook, migration).arn,
            mappings=build_table_mappings(migration),
            settings=migration.replication.task_settings,
        )

    def _decide(self, migration: Migration, wanted: WantedTask, found: Task | None) -> Decision:
        from pg_cdc.decisions.dms.task import compare_task, setting_differences
        from pg_cdc.decisions.dms.task_settings import differing_keys

        keys = differing_keys(wanted.settings, found.settings) if found else ()
        differences = setting_differences(wanted.settings, found.settings, keys) if found else ()
        return compare_task(migration, wanted, found, differences)

    def _settled(self, hook: CdcDmsHook, migration: Migration, context: Context) -> Task | None:
        from pg_cdc.facts.dms import read_task

        identifier = names.resource(migration.name)
        found = read_task(hook, identifier, settings=True, with_tags=True)
        if found is None or found.status not in MOVING:
            return found
        self.wait_while_moving(migration, context, found)
        return read_task(hook, identifier, settings=True, with_tags=True)

    def _marker(self, migration: Migration) -> tuple[str, ...]:
        from pg_cdc.facts.ends import read_source
        from pg_cdc.hooks.control_tables import ensure_marker
        from pg_cdc.hooks.postgres import connect_source

        if migration.replication.migration_type is MigrationType.FULL_LOAD:
            return ()
        with connect_source(migration, read_source(migration)) as conn:
            return ensure_marker(conn, migration.dms_role.name)


class WaitFullLoadOperator(TaskStep):
    """Wait for the end of the full load and tell the truth about it, table by table."""

    def step(self, migration: Migration, context: Context) -> Outcome:
        """Judge the load by the task and its tables; wait while it is loading."""
        from pg_cdc.decisions.dms.full_load import LoadState, judge_full_load, refusal
        from pg_cdc.facts.dms import read_tables
        from pg_cdc.hooks.dms import CdcDmsHook
        from pg_cdc.waits.dms import FullLoadEnded

        hook = CdcDmsHook.of(migration)
        task = existing_task(hook, migration)
        persist_links(context, migration, task)
        tables = read_tables(hook, task.arn)
        verdict = judge_full_load(task, tables)
        if verdict.state is LoadState.LOADING:
            wait = FullLoadEnded(identifier=task.identifier, **self.sharing(migration))
            self.wait_minutes(wait, context, migration, migration.timeouts.full_load_minutes)
            task = existing_task(hook, migration)
            tables = read_tables(hook, task.arn)
            verdict = judge_full_load(task, tables)
        if verdict.state is LoadState.LOADING:
            raise NotYet(f"the statistics of {task.identifier} lag behind: {verdict.reason}")
        if failure := refusal(task, verdict):
            raise failure
        rows = [{"schema": t.schema, "table": t.table, "state": t.state, "rows": t.load_rows} for t in tables]
        return Outcome(facts={"load": verdict.state.value, "reason": verdict.reason, "tables": rows})

"""Statistics of tasks and of their tables, as describe words them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.api.errors import AwsError
from sandbox.dms.engine.changes import lsn
from sandbox.dms.engine.clock import now
from sandbox.dms.engine.progress import Progress, TableProgress, TableState
from sandbox.dms.filters import check_names, paged
from sandbox.dms.runs import Runs
from sandbox.dms.world import Resource, World

FILTERS = ("schema-name", "table-name", "table-state")
MOST_RELOADED = 10


class Statistics:
    """DescribeTableStatistics, ReloadTables."""

    def __init__(self, world: World, runs: Runs) -> None:
        self._world = world
        self._runs = runs

    def describe_table_statistics(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Describe the tables of a task; before its first start there are none."""
        task = self._task(parameters)
        filters = parameters.get("Filters") or []
        check_names(filters, FILTERS)
        wanted = {row["Name"]: {value.lower() for value in row["Values"]} for row in filters}
        tables = [t for t in list(task.progress.tables) if _passes(t, wanted)] if task.progress else []
        page = paged([_table(t) for t in tables], parameters, "TableStatistics", most=500)
        return {"ReplicationTaskArn": task.arn, **page}

    def reload_tables(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Load some tables of a running task again."""
        task = self._task(parameters)
        if task.status != "running" or task.shape["MigrationType"] == "cdc":
            raise AwsError("InvalidResourceStateFault", "Tables can be reloaded only while the task is running.")
        names = [(t["SchemaName"], t["TableName"]) for t in parameters["TablesToReload"]]
        if len(names) > MOST_RELOADED:
            raise AwsError("InvalidParameterValueException", f"At most {MOST_RELOADED} tables can be reloaded at once")
        if (parameters.get("ReloadOption") or "data-reload") != "data-reload":
            raise AwsError("SandboxNotImplemented", "The sandbox's DMS does not validate.", status=501)
        told = [task.progress.table(name) if task.progress else None for name in names]
        unknown = [".".join(name) for name, table in zip(names, told, strict=True) if table is None]
        if unknown:
            raise AwsError("ResourceNotFoundFault", f"Table {unknown[0]} is not part of the task.")
        for table in told:
            assert table
            table.state, table.reloaded = TableState.RELOADING, True
        self._runs.reload(task)
        return {"ReplicationTaskArn": task.arn}

    def _task(self, parameters: Mapping[str, Any]) -> Resource:
        return self._world.find("tasks", parameters["ReplicationTaskArn"], "Replication Task")


def task_statistics(progress: Progress, *, ended: bool) -> dict[str, Any]:
    """Return ReplicationTaskStats of a task that was started at least once."""
    until = progress.stop if ended and progress.stop else now()
    found = {
        "FullLoadProgressPercent": progress.percent(),
        "ElapsedTimeMillis": int((until - progress.start).total_seconds() * 1000) if progress.start else 0,
        "TablesLoaded": progress.count(TableState.COMPLETED),
        "TablesLoading": progress.count(TableState.LOADING, TableState.RELOADING),
        "TablesQueued": progress.count(TableState.QUEUED),
        "TablesErrored": progress.count(TableState.ERROR),
        "FreshStartDate": progress.fresh_start,
        "StartDate": progress.start,
        "StopDate": progress.stop,
        "FullLoadStartDate": progress.load_start,
        "FullLoadFinishDate": progress.load_finish,
    }
    return {name: value for name, value in found.items() if value is not None}


def checkpoint(position: str | None) -> str | None:
    """Return a RecoveryCheckpoint of an LSN."""
    if position is None:
        return None
    number = lsn(position)
    return f"checkpoint:V1#1#{number >> 32:08X}/{number & 0xFFFFFFFF:08X}#0#0#*#0#0"


def _passes(table: TableProgress, wanted: Mapping[str, set[str]]) -> bool:
    found = {"schema-name": table.schema, "table-name": table.name, "table-state": str(table.state)}
    return all(found[name].lower() in values for name, values in wanted.items())


def _table(table: TableProgress) -> dict[str, Any]:
    found = {
        "SchemaName": table.schema,
        "TableName": table.name,
        "Inserts": table.inserts,
        "Deletes": table.deletes,
        "Updates": table.updates,
        "Ddls": table.ddls,
        "AppliedInserts": table.applied_inserts,
        "AppliedDeletes": table.applied_deletes,
        "AppliedUpdates": table.applied_updates,
        "AppliedDdls": table.applied_ddls,
        "FullLoadRows": table.rows,
        "FullLoadCondtnlChkFailedRows": 0,
        "FullLoadErrorRows": table.error_rows,
        "FullLoadStartTime": table.load_started,
        "FullLoadEndTime": table.load_ended,
        "FullLoadReloaded": table.reloaded,
        "LastUpdateTime": table.last_update or table.load_ended or table.load_started,
        "TableState": str(table.state),
        "ValidationPendingRecords": 0,
        "ValidationFailedRecords": 0,
        "ValidationSuspendedRecords": 0,
        "ValidationState": "Not enabled",
    }
    return {name: value for name, value in found.items() if value is not None}

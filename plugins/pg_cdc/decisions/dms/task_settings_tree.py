"""Every key of the DMS task settings document that we know, and what may stand there. Data only.

Source: https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Tasks.CustomizingTasks.TaskSettings.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Range:
    """An integer; ``high`` None: no upper limit."""

    low: int = 0
    high: int | None = None

    def __str__(self) -> str:
        return f"of {self.low} or more" if self.high is None else f"from {self.low} to {self.high}"


@dataclass(frozen=True)
class Choice:
    """One of some words."""

    values: tuple[str, ...]


Leaf = type | Range | Choice
Tree = Mapping[str, "Leaf | Mapping[str, Leaf]"]

COUNT = Range()
ROW_POLICY = Choice(("IGNORE_RECORD", "LOG_ERROR", "SUSPEND_TABLE", "STOP_TASK"))
TABLE_POLICY = Choice(("SUSPEND_TABLE", "STOP_TASK"))
APPLY_POLICY = Choice(("IGNORE_RECORD", "LOG_ERROR", "SUSPEND_TABLE", "STOP_TASK"))
INSERT_POLICY = Choice((*APPLY_POLICY.values, "INSERT_RECORD"))
UPDATE_POLICY = Choice((*APPLY_POLICY.values, "UPDATE_RECORD"))

LOG_SEVERITIES = tuple(
    f"LOGGER_SEVERITY_{level}" for level in ("ERROR", "WARNING", "INFO", "DEFAULT", "DEBUG", "DETAILED_DEBUG")
)
READ_ONLY = frozenset({"CloudWatchLogGroup", "CloudWatchLogStream"})

TREE: Tree = {
    "TargetMetadata": {
        "TargetSchema": str,
        "SupportLobs": bool,
        "FullLobMode": bool,
        "LimitedSizeLobMode": bool,
        "LobMaxSize": COUNT,
        "LobChunkSize": COUNT,
        "InlineLobMaxSize": COUNT,
        "LoadMaxFileSize": COUNT,
        "BatchApplyEnabled": bool,
        "TaskRecoveryTableEnabled": bool,
        "ParallelLoadThreads": Range(0, 32),
        "ParallelLoadBufferSize": COUNT,
        "ParallelLoadQueuesPerThread": COUNT,
        "ParallelApplyThreads": Range(0, 32),
        "ParallelApplyBufferSize": COUNT,
        "ParallelApplyQueuesPerThread": COUNT,
    },
    "FullLoadSettings": {
        "TargetTablePrepMode": Choice(("DO_NOTHING", "DROP_AND_CREATE", "TRUNCATE_BEFORE_LOAD")),
        "CreatePkAfterFullLoad": bool,
        "StopTaskCachedChangesApplied": bool,
        "StopTaskCachedChangesNotApplied": bool,
        "MaxFullLoadSubTasks": Range(1, 49),
        "TransactionConsistencyTimeout": COUNT,
        "CommitRate": Range(1, 50000),
    },
    "Logging": {"EnableLogging": bool, "EnableLogContext": bool, "LogComponents": list, "DeleteTaskLogs": bool},
    "ControlTablesSettings": {
        "ControlSchema": str,
        "HistoryTimeslotInMinutes": COUNT,
        "historyTimeslotInMinutes": COUNT,
        "HistoryTableEnabled": bool,
        "SuspendedTablesTableEnabled": bool,
        "StatusTableEnabled": bool,
        "FullLoadExceptionTableEnabled": bool,
    },
    "StreamBufferSettings": {
        "StreamBufferCount": Range(1),
        "StreamBufferSizeInMB": Range(1),
        "CtrlStreamBufferSizeInMB": Range(1),
    },
    "ChangeProcessingDdlHandlingPolicy": {
        "HandleSourceTableDropped": bool,
        "HandleSourceTableTruncated": bool,
        "HandleSourceTableAltered": bool,
    },
    "ChangeProcessingTuning": {
        "BatchApplyPreserveTransaction": bool,
        "BatchApplyTimeoutMin": COUNT,
        "BatchApplyTimeoutMax": COUNT,
        "BatchApplyMemoryLimit": COUNT,
        "BatchSplitSize": COUNT,
        "MinTransactionSize": COUNT,
        "CommitTimeout": COUNT,
        "MemoryLimitTotal": COUNT,
        "MemoryKeepTime": COUNT,
        "StatementCacheSize": Range(0, 200),
        "RecoveryTimeout": Range(-1),
    },
    "ErrorBehavior": {
        "DataErrorPolicy": ROW_POLICY,
        "DataTruncationErrorPolicy": ROW_POLICY,
        "DataMaskingErrorPolicy": ROW_POLICY,
        "DataErrorEscalationPolicy": TABLE_POLICY,
        "DataErrorEscalationCount": COUNT,
        "EventErrorPolicy": Choice(("IGNORE", "STOP_TASK")),
        "TableErrorPolicy": TABLE_POLICY,
        "TableErrorEscalationPolicy": Choice(("STOP_TASK",)),
        "TableErrorEscalationCount": COUNT,
        "RecoverableErrorCount": Range(-1),
        "RecoverableErrorInterval": COUNT,
        "RecoverableErrorThrottling": bool,
        "RecoverableErrorThrottlingMax": COUNT,
        "RecoverableErrorStopRetryAfterThrottlingMax": bool,
        "ApplyErrorDeletePolicy": APPLY_POLICY,
        "ApplyErrorInsertPolicy": INSERT_POLICY,
        "ApplyErrorUpdatePolicy": UPDATE_POLICY,
        "ApplyErrorEscalationPolicy": APPLY_POLICY,
        "ApplyErrorEscalationCount": COUNT,
        "ApplyErrorFailOnTruncationDdl": bool,
        "FullLoadIgnoreConflicts": bool,
        "FailOnTransactionConsistencyBreached": bool,
        "FailOnNoTablesCaptured": bool,
    },
    "ValidationSettings": {
        "EnableValidation": bool,
        "ValidationMode": Choice(("ROW_LEVEL", "GROUP_LEVEL")),
        "ValidationOnly": bool,
        "ThreadCount": Range(1),
        "PartitionSize": Range(1),
        "FailureMaxCount": COUNT,
        "TableFailureMaxCount": COUNT,
        "RecordFailureDelayInMinutes": COUNT,
        "RecordFailureDelayLimitInMinutes": COUNT,
        "RecordSuspendDelayInMinutes": COUNT,
        "MaxKeyColumnSize": COUNT,
        "HandleCollationDiff": bool,
        "SkipLobColumns": bool,
        "ValidationPartialLobSize": COUNT,
        "ValidationQueryCdcDelaySeconds": COUNT,
    },
    "CharacterSetSettings": {"CharacterReplacements": list, "CharacterSetSupport": dict},
    "LoopbackPreventionSettings": {"EnableLoopbackPrevention": bool, "SourceSchema": str, "TargetSchema": str},
    "BeforeImageSettings": {
        "EnableBeforeImage": bool,
        "FieldName": str,
        "ColumnFilter": Choice(("pk-only", "non-lob", "all")),
    },
    "TTSettings": {"EnableTT": bool, "TTS3Settings": dict, "TTRecordSettings": dict},
    "ResyncSettings": {"EnableResync": bool, "ResyncSchedule": str, "MaxResyncTime": COUNT, "ValidationTaskId": str},
    "PostProcessingRules": dict,
    "FailTaskWhenCleanTaskResourceFailed": bool,
}

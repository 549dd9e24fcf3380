"""Task settings: the defaults, and a partial document merged into them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sandbox.api.errors import AwsError

PREP_MODES = ("DO_NOTHING", "DROP_AND_CREATE", "TRUNCATE_BEFORE_LOAD")
COMPONENTS = [
    "TRANSFORMATION",
    "SOURCE_UNLOAD",
    "IO",
    "TARGET_LOAD",
    "PERFORMANCE",
    "SOURCE_CAPTURE",
    "SORTER",
    "REST_SERVER",
    "VALIDATOR_EXT",
    "TARGET_APPLY",
    "TASK_MANAGER",
    "TABLES_MANAGER",
    "METADATA_MANAGER",
    "FILE_FACTORY",
    "COMMON",
    "ADDONS",
    "DATA_STRUCTURE",
    "COMMUNICATION",
    "FILE_TRANSFER",
]
SEVERITIES = ("ERROR", "WARNING", "INFO", "DEFAULT", "DEBUG", "DETAILED_DEBUG")
# The guide writes one key with a small letter; a log's deletion is asked for and never shown.
ALSO_TAKEN = {"historyTimeslotInMinutes": "HistoryTimeslotInMinutes", "DeleteTaskLogs": None}
DEFAULTS: dict[str, Any] = {
    "FullLoadSettings": {
        "TargetTablePrepMode": "DROP_AND_CREATE",
        "CreatePkAfterFullLoad": False,
        "StopTaskCachedChangesApplied": False,
        "StopTaskCachedChangesNotApplied": False,
        "MaxFullLoadSubTasks": 8,
        "TransactionConsistencyTimeout": 600,
        "CommitRate": 10000,
    },
    "TargetMetadata": {
        "TargetSchema": "",
        "SupportLobs": True,
        "FullLobMode": False,
        "LobChunkSize": 64,
        "LimitedSizeLobMode": True,
        "LobMaxSize": 32,
        "InlineLobMaxSize": 0,
        "LoadMaxFileSize": 0,
        "ParallelLoadThreads": 0,
        "ParallelLoadBufferSize": 0,
        "BatchApplyEnabled": False,
        "TaskRecoveryTableEnabled": False,
        "ParallelLoadQueuesPerThread": 0,
        "ParallelApplyThreads": 0,
        "ParallelApplyBufferSize": 0,
        "ParallelApplyQueuesPerThread": 0,
    },
    "ValidationSettings": {
        "EnableValidation": False,
        "ValidationMode": "ROW_LEVEL",
        "ThreadCount": 5,
        "PartitionSize": 10000,
        "FailureMaxCount": 10000,
        "TableFailureMaxCount": 1000,
        "RecordFailureDelayInMinutes": 5,
        "RecordSuspendDelayInMinutes": 30,
        "MaxKeyColumnSize": 8096,
        "HandleCollationDiff": False,
        "RecordFailureDelayLimitInMinutes": 0,
        "SkipLobColumns": False,
        "ValidationPartialLobSize": 0,
        "ValidationQueryCdcDelaySeconds": 0,
        "ValidationOnly": False,
    },
    "ErrorBehavior": {
        "DataErrorPolicy": "LOG_ERROR",
        "DataMaskingErrorPolicy": "STOP_TASK",
        "DataTruncationErrorPolicy": "LOG_ERROR",
        "DataErrorEscalationPolicy": "SUSPEND_TABLE",
        "DataErrorEscalationCount": 0,
        "EventErrorPolicy": "IGNORE",
        "TableErrorPolicy": "SUSPEND_TABLE",
        "TableErrorEscalationPolicy": "STOP_TASK",
        "TableErrorEscalationCount": 0,
        "RecoverableErrorCount": -1,
        "RecoverableErrorInterval": 5,
        "RecoverableErrorThrottling": True,
        "RecoverableErrorThrottlingMax": 1800,
        "RecoverableErrorStopRetryAfterThrottlingMax": True,
        "ApplyErrorDeletePolicy": "IGNORE_RECORD",
        "ApplyErrorInsertPolicy": "LOG_ERROR",
        "ApplyErrorUpdatePolicy": "LOG_ERROR",
        "ApplyErrorEscalationPolicy": "LOG_ERROR",
        "ApplyErrorEscalationCount": 0,
        "ApplyErrorFailOnTruncationDdl": False,
        "FullLoadIgnoreConflicts": True,
        "FailOnTransactionConsistencyBreached": False,
        "FailOnNoTablesCaptured": True,
    },
    "Logging": {
        "EnableLogging": False,
        "EnableLogContext": False,
        "LogComponents": [{"Id": name, "Severity": "LOGGER_SEVERITY_DEFAULT"} for name in COMPONENTS],
        "CloudWatchLogGroup": None,
        "CloudWatchLogStream": None,
    },
    "ChangeProcessingTuning": {
        "BatchApplyPreserveTransaction": True,
        "BatchApplyTimeoutMin": 1,
        "BatchApplyTimeoutMax": 30,
        "BatchApplyMemoryLimit": 500,
        "BatchSplitSize": 0,
        "MinTransactionSize": 1000,
        "CommitTimeout": 1,
        "MemoryLimitTotal": 1024,
        "MemoryKeepTime": 60,
        "StatementCacheSize": 50,
        "RecoveryTimeout": -1,
    },
    "ChangeProcessingDdlHandlingPolicy": {
        "HandleSourceTableDropped": True,
        "HandleSourceTableTruncated": True,
        "HandleSourceTableAltered": True,
    },
    "ControlTablesSettings": {
        "ControlSchema": "",
        "HistoryTimeslotInMinutes": 5,
        "HistoryTableEnabled": False,
        "SuspendedTablesTableEnabled": False,
        "StatusTableEnabled": False,
        "FullLoadExceptionTableEnabled": False,
    },
    "StreamBufferSettings": {"StreamBufferCount": 3, "StreamBufferSizeInMB": 8, "CtrlStreamBufferSizeInMB": 5},
    "TTSettings": {"EnableTT": False, "TTS3Settings": None, "TTRecordSettings": None},
    "BeforeImageSettings": None,
    "LoopbackPreventionSettings": None,
    "CharacterSetSettings": None,
    "PostProcessingRules": None,
    "ResyncSettings": None,
    "FailTaskWhenCleanTaskResourceFailed": False,
}


def merged(text: str | None, base: Mapping[str, Any] = DEFAULTS) -> dict[str, Any]:
    """Return the complete settings: ``base`` with a partial document over it, or refuse the document."""
    try:
        given = json.loads(text) if text else {}
    except ValueError as error:
        raise _error(f"Invalid json {error}") from None
    if not isinstance(given, dict):
        raise _error("a JSON object is expected")
    settings: dict[str, Any] = json.loads(json.dumps(base))
    for section, values in given.items():
        if section not in DEFAULTS:
            raise _error(f"unknown section {section}")
        _merge_section(settings, section, values)
    _check(settings)
    _refuse_undone(settings)
    return settings


def _merge_section(settings: dict[str, Any], section: str, values: Any) -> None:
    known = DEFAULTS[section]
    if not isinstance(known, dict) or values is None:
        settings[section] = values
        return
    if not isinstance(values, dict):
        raise _error(f"{section} is not an object")
    unknown = sorted(values.keys() - known.keys() - ALSO_TAKEN.keys())
    if unknown:
        raise _error(f"unknown setting {section}.{unknown[0]}")
    for name, value in values.items():
        if section == "Logging" and name == "LogComponents":
            value = _components(settings[section][name], value)
        shown = ALSO_TAKEN.get(name, name)
        if shown:
            settings[section][shown] = value


def _components(before: list[dict[str, str]], given: list[dict[str, str]]) -> list[dict[str, str]]:
    wanted = {row["Id"]: row["Severity"] for row in given}
    unknown = sorted(wanted.keys() - set(COMPONENTS))
    if unknown or any(severity.removeprefix("LOGGER_SEVERITY_") not in SEVERITIES for severity in wanted.values()):
        raise _error(f"unknown log component or severity {unknown or list(wanted.values())}")
    return [{"Id": row["Id"], "Severity": wanted.get(row["Id"], row["Severity"])} for row in before]


def _check(settings: Mapping[str, Any]) -> None:
    load, lobs = settings["FullLoadSettings"], settings["TargetMetadata"]
    if load["TargetTablePrepMode"] not in PREP_MODES:
        raise _error(f"FullLoadSettings.TargetTablePrepMode {load['TargetTablePrepMode']!r} is not one of {PREP_MODES}")
    if not 1 <= int(load["MaxFullLoadSubTasks"]) <= 49:
        raise _error("FullLoadSettings.MaxFullLoadSubTasks must be between 1 and 49")
    if not 1 <= int(load["CommitRate"]) <= 50000:
        raise _error("FullLoadSettings.CommitRate must be between 1 and 50000")
    if lobs["SupportLobs"] and bool(lobs["FullLobMode"]) == bool(lobs["LimitedSizeLobMode"]):
        raise _error("TargetMetadata: exactly one of FullLobMode and LimitedSizeLobMode has to be true")


def _refuse_undone(settings: Mapping[str, Any]) -> None:
    undone = {
        "TargetMetadata.TargetSchema": settings["TargetMetadata"]["TargetSchema"],
        "ValidationSettings.EnableValidation": settings["ValidationSettings"]["EnableValidation"],
        "ValidationSettings.ValidationOnly": settings["ValidationSettings"]["ValidationOnly"],
    }
    for name, value in undone.items():
        if value:
            raise AwsError("SandboxNotImplemented", f"The sandbox's DMS does not do {name}.", status=501)


def _error(text: str) -> AwsError:
    return AwsError("InvalidParameterValueException", f"Task Settings document error: {text}")

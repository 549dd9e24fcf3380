"""Run one step in a process that a test can kill: ``python -m tests.shell.native.worker STEP``, the spec on stdin."""

from __future__ import annotations

import json
import sys

from pg_cdc.operators.native.keeper import KeepSnapshotOperator
from pg_cdc.operators.native.load import LoadTablesOperator

STEPS = {step.__name__: step for step in (KeepSnapshotOperator, LoadTablesOperator)}


def main() -> None:
    step = STEPS[sys.argv[1]]
    step(task_id="step", migration=json.load(sys.stdin), patience_seconds=60).execute({"params": {}})


if __name__ == "__main__":
    main()

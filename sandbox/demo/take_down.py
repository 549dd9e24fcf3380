"""After the demo's migration: take it down again, twice, and show what is left."""

from __future__ import annotations

import time

from rich.console import Console
from rich.markdown import Markdown

from sandbox.demo.progress import OVER, Progress, View, steps_of
from sandbox.demo.stage import Stage
from sandbox.demo.watch import CONF, RUN_SECONDS

DAG_ID = "pg_cdc_teardown"


def take_down(stage: Stage, console: Console) -> bool:
    """Take the shop's migration down; tell whether nothing is left, and whether a second run changed nothing."""
    console.print("Taking the migration down:")
    state = _run(stage, console)
    report = stage.settings.reports / "teardown-latest.md"
    if report.exists():
        console.print(Markdown(report.read_text()) if console.is_terminal else report.read_text(), highlight=False)
    if state != "success":
        console.print(f"[red]The teardown: {state}.[/red]")
        return False
    before = max((call.number for call in stage.sandbox.log), default=0)
    again = _run(stage, console)
    changes = sorted(f"{call.service}:{call.action}" for call in stage.sandbox.log.since(before) if call.mutating)
    told = f"{len(changes)} mutating calls{': ' if changes else ''}{', '.join(changes)}"
    console.print(f"A second teardown: {again}, {told}.")
    return again == "success" and not changes


def _run(stage: Stage, console: Console) -> str:
    run_id = stage.airflow.trigger(DAG_ID, {**CONF, **stage.lake, "teardown_dry_run": False})
    ends = time.monotonic() + RUN_SECONDS
    with Progress(console) as progress:
        while time.monotonic() < ends:
            stage.airflow.check()
            state = stage.airflow.run_state(DAG_ID, run_id)
            progress.show(View(steps=steps_of(stage.airflow.task_instances(DAG_ID, run_id))))
            if state in OVER:
                return state
            time.sleep(0.7)
    return "timeout"

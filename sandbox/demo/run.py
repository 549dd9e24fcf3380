"""Run the demo from start to end: stage, migration, comparison, report; or the sandbox alone."""

from __future__ import annotations

import shlex
import time

from rich.console import Console
from rich.markdown import Markdown

from sandbox.demo.ending import compare_at_rest, note_in_report, print_ending
from sandbox.demo.processes import memory_bytes
from sandbox.demo.settings import DAGS, Settings
from sandbox.demo.shop import airflow_connections
from sandbox.demo.stage import Stage, sandbox_with_shop, stage
from sandbox.demo.take_down import take_down
from sandbox.demo.watch import migrate

HOW_TO = """
The sandbox answers at {url}; the shop has {rows:,} rows. In another terminal:

  export AWS_ENDPOINT_URL={url} AWS_DEFAULT_REGION={region}
  export AWS_ACCESS_KEY_ID=sandbox AWS_SECRET_ACCESS_KEY=sandbox
  .venv/bin/aws rds describe-db-instances
  .venv/bin/python -m sandbox psql shop

Airflow's connections to it, for a shell: . {connections}
Ctrl-C ends it."""


def demonstrate(settings: Settings, console: Console) -> int:
    """Run the demo; return the exit code: 0 when streaming was proved and every table is equal.

    With ``settings.teardown`` the migration is then taken down, and 0 also means that nothing of it is left.
    """
    begun = time.monotonic()
    console.print("Starting the sandbox, the shop and Airflow …")
    with stage(settings) as running:
        console.print(
            f"Ready after {time.monotonic() - begun:.0f} s: {running.rows:,} rows in the shop,"
            f" an application writing to it, Airflow at {running.airflow.url}"
        )
        state = migrate(running, console)
        if running.lake:
            console.print("Making every table anew from its files, by docs/examples/read_lake.py …")
        s3 = running.sandbox.client("s3") if running.lake else None
        ending = compare_at_rest(running.application, running.ends, s3)
        _print_report(running, console)
        report = note_in_report(settings.reports / "latest.json", ending)
        print_ending(console, ending)
        good = state == "success" and report.get("status") == "streaming" and ending.equal
        verdict = "Streaming was proved and every table is equal." if good else f"Not proved; the run: {state}."
        console.print(
            f"[bold]{verdict}[/bold] {time.monotonic() - begun:.0f} s,"
            f" {memory_bytes() / 2**30:.1f} GB of memory in all."
        )
        if settings.teardown:
            good = take_down(running, console) and good
        if not settings.once:
            _stay(running, console)
    return 0 if good else 1


def show_sandbox(settings: Settings, console: Console) -> int:
    """Run the sandbox with the shop, and say how to use it, until Ctrl-C."""
    with sandbox_with_shop(settings) as (sandbox, _, rows):
        connections = settings.directory / "airflow-connections.env"
        connections.touch(mode=0o600)
        lines = airflow_connections(sandbox.endpoint_url, sandbox.region, sandbox.ca_file, settings).items()
        connections.write_text("".join(f"export {name}={shlex.quote(value)}\n" for name, value in lines))
        text = HOW_TO.format(url=sandbox.endpoint_url, region=sandbox.region, rows=rows, connections=connections)
        console.print(text, soft_wrap=True, highlight=False)
        while True:
            time.sleep(3600)


def _print_report(stage: Stage, console: Console) -> None:
    path = stage.settings.reports / "latest.md"
    if path.exists():
        console.print(Markdown(path.read_text()) if console.is_terminal else path.read_text(), highlight=False)
    else:
        console.print(f"[red]No report was written to {path}.[/red]")


def _stay(stage: Stage, console: Console) -> None:
    dag_id, report = DAGS[stage.settings.engine], stage.settings.reports / "latest.md"
    console.print(
        f"\nAirflow's UI: {stage.airflow.url}/dags/{dag_id}   Report: {report}"
        "\nThe application goes on writing, and the stream goes on. Ctrl-C ends it all.",
        soft_wrap=True,
    )
    while True:
        time.sleep(5)
        stage.airflow.check()

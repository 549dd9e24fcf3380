"""The demo's end: stop writing, drain the stream, compare every table, and put the verdicts into the report."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from sandbox.demo.application import Application
from sandbox.demo.compare import CannotCompare, Verdict, compare_schema, drain
from sandbox.demo.lake import REBUILT, rebuild
from sandbox.demo.settings import SCHEMA
from sandbox.demo.shop import Ends


@dataclass(frozen=True, kw_only=True)
class Ending:
    """What the comparison said. ``problem``: why there is none."""

    verdicts: tuple[Verdict, ...] = ()
    lsn: str = ""
    drain_seconds: float = 0.0
    problem: str = ""

    @property
    def equal(self) -> bool:
        """Tell whether tables were compared and all are equal."""
        return bool(self.verdicts) and not self.problem and all(verdict.equal for verdict in self.verdicts)


def compare_at_rest(application: Application, ends: Ends, s3: Any = None) -> Ending:
    """Compare both ends while the application pauses, drained to one LSN. ``s3``: a client, if they are in a bucket."""
    try:
        if not application.pause():
            return Ending(problem="the application did not stop writing")
        with ends.connect_source() as source:
            lsn, seconds = drain(source)
            if s3 is not None:
                rebuild(s3, source, ends.connect_target)
            with ends.connect_target(**({"dbname": REBUILT} if s3 is not None else {})) as target:
                verdicts = tuple(compare_schema(source, target, SCHEMA))
        return Ending(verdicts=verdicts, lsn=lsn, drain_seconds=seconds)
    except CannotCompare as err:
        return Ending(problem=str(err))
    finally:
        application.go_on()


def note_in_report(path: Path, ending: Ending) -> dict[str, Any]:
    """Write rows and verdict of each table into the report, and return it; empty when there is none."""
    if not path.exists():
        return {}
    report: dict[str, Any] = json.loads(path.read_text())
    tables = {(table["schema"], table["table"]): table for table in report.get("tables", [])}
    for verdict in ending.verdicts:
        table = tables.setdefault((verdict.schema, verdict.table), {"schema": verdict.schema, "table": verdict.table})
        table["source_rows"], table["target_rows"] = verdict.source_rows, verdict.target_rows
        table["verdict"] = "equal" if verdict.equal else verdict.reason
    report["tables"] = list(tables.values())
    report["comparison"] = {key: value for key, value in asdict(ending).items() if key != "verdicts"} | {
        "equal": ending.equal
    }
    path.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n")
    with path.with_suffix(".md").open("a") as page:
        page.write(as_markdown(ending))
    return report


def as_markdown(ending: Ending) -> str:
    """Return the comparison as a section of the report."""
    if ending.problem:
        return f"\n## Comparison\n\nNot compared: {ending.problem}.\n"
    rows = (
        f"| {verdict.table} | {verdict.source_rows} | {verdict.target_rows} | {verdict.reason or 'equal'} |\n"
        for verdict in ending.verdicts
    )
    return (
        f"\n## Comparison\n\nWrites stopped, drained to {ending.lsn} in {ending.drain_seconds} s.\n\n"
        f"| table | source rows | target rows | verdict |\n| --- | ---: | ---: | --- |\n{''.join(rows)}"
    )


def print_ending(console: Console, ending: Ending) -> None:
    """Print the verdicts as a table."""
    if ending.problem:
        console.print(f"[red]Not compared: {ending.problem}[/red]")
        return
    console.print(f"Writes stopped, drained to {ending.lsn} in {ending.drain_seconds} s, every table compared:")
    table = Table()
    table.add_column("table")
    table.add_column("source rows", justify="right")
    table.add_column("target rows", justify="right")
    table.add_column("verdict")
    for verdict in ending.verdicts:
        counts = ("-" if rows is None else f"{rows:,}" for rows in (verdict.source_rows, verdict.target_rows))
        table.add_row(
            verdict.table, *counts, "[green]equal[/green]" if verdict.equal else f"[red]{verdict.reason}[/red]"
        )
    console.print(table)

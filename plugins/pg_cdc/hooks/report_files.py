"""Write reports where they are wanted: a directory, or any place that Airflow's ObjectStoragePath knows."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from airflow.sdk import ObjectStoragePath, conf

DESTINATION = "PG_CDC_REPORTS"


def report_directory(destination: str | None = None) -> ObjectStoragePath:
    """Return where reports go: ``destination``, else what PG_CDC_REPORTS says, else ``reports`` beside the DAGs."""
    return ObjectStoragePath(destination or os.environ.get(DESTINATION) or _beside_dags())


def write_files(directory: ObjectStoragePath, texts: Mapping[str, str]) -> None:
    """Write each text under its name."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (directory / name).write_text(text)


def write_report(destination: str | None, texts: Mapping[str, str], *names: str) -> tuple[str, ...]:
    """Write each of ``texts``, by suffix, under each of ``names``; return the places, those of the last name first."""
    directory = report_directory(destination)
    files = {f"{name}{suffix}": text for name in reversed(names) for suffix, text in texts.items()}
    write_files(directory, files)
    return tuple(str(directory / name) for name in files)


def _beside_dags() -> str:
    return str(Path(conf.get("core", "dags_folder")).resolve().parent / "reports")

"""Run the benchmarks by name, or all: ``python -m benchmarks [name] ...``; the names are those of ``ALL``."""

from __future__ import annotations

import importlib
import sys

from benchmarks.table import render

ALL = ("import_cost", "slot_scan", "preflight_scan", "step_cost", "full_load", "clone_to_streaming")


def main(names: list[str]) -> None:
    """Print one table; the slow ones come last."""
    rows = []
    for name in names or ALL:
        rows += importlib.import_module(f"benchmarks.{name}").rows()
    print(render(rows))


if __name__ == "__main__":
    main(sys.argv[1:])

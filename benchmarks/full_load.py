"""How long a whole move takes, with schema and indexes: ours with its stream attached, and what others would do.

pgbench's tables and an index more, from one server to another on this machine. PG_CDC_BENCH_SCALE (5; the bars are set
for 50) and PG_CDC_BENCH_RUNS (3) make it larger. The methods take turns, so that what else the machine does hits all.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.full_load_ends import Lab, open_lab
from benchmarks.table import Row

SCALE = int(os.environ.get("PG_CDC_BENCH_SCALE", "5"))
RUNS = int(os.environ.get("PG_CDC_BENCH_RUNS", "3"))
JOBS = "2"
ONLY = ("--table=public.pgbench_*", "--no-privileges")
BARS = {"pgcopydb clone": 1.05, "CREATE SUBSCRIPTION": 0.5, "pg_dump | pg_restore -j": 1.0}


def rows() -> list[Row]:
    """Measure every method that is installed; the ratios are those of the medians."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as place, _lab(Path(place)) as lab:
        methods = _methods(lab)
        taken: dict[str, list[float]] = {name: [] for name in methods}
        for _ in range(RUNS):
            for name, move in methods.items():
                lab.clean()
                began = time.monotonic()
                move()
                taken[name].append(time.monotonic() - began)
                lab.check(name)
    return list(_table(taken))


def _methods(lab: Lab) -> dict[str, Callable[[], None]]:
    methods = {
        "ours, stream attached": lab.migrate,
        "CREATE SUBSCRIPTION": lambda: _subscribe(lab),
        "pg_dump | pg_restore -j": lambda: _dump_and_restore(lab),
    }
    if shutil.which("pgcopydb"):
        methods["pgcopydb clone"] = lambda: _pgcopydb(lab)
    return methods


def _subscribe(lab: Lab) -> None:
    """The default way: everything is made first, indexes too, and PostgreSQL copies."""
    _restore(lab, "--section=pre-data", "--section=post-data")
    with lab.source() as conn:
        conn.execute("create publication plain for table pgbench_accounts, pgbench_branches, pgbench_tellers")
    with lab.target() as conn:
        conn.execute(f"create subscription plain connection '{lab.source_dsn(inside=True)}' publication plain")
        query = "select count(*) from pg_subscription_rel where srsubstate <> 'r'"
        while conn.execute(query).fetchone() != (0,):
            time.sleep(0.05)


def _dump_and_restore(lab: Lab) -> None:
    with tempfile.TemporaryDirectory() as place:
        _run(lab, "pg_dump", lab.source_dsn(), *ONLY, "-Fd", f"-j{JOBS}", "-Z0", "-f", f"{place}/dump")
        _run(lab, "pg_restore", "--no-owner", f"-j{JOBS}", "-d", lab.target_dsn(), f"{place}/dump")


def _pgcopydb(lab: Lab) -> None:
    with tempfile.TemporaryDirectory() as place:
        ends = ["--source", lab.source_dsn(), "--target", lab.target_dsn()]
        jobs = ["--table-jobs", JOBS, "--index-jobs", JOBS, "--no-owner", "--no-acl"]
        subprocess.run(["pgcopydb", "clone", *ends, "--dir", f"{place}/work", *jobs], check=True, capture_output=True)


def _restore(lab: Lab, *sections: str) -> None:
    for section in sections:
        with tempfile.NamedTemporaryFile() as file:
            _run(lab, "pg_dump", lab.source_dsn(), *ONLY, "-Fc", "-s", section, "-f", file.name)
            _run(lab, "pg_restore", "--no-owner", "-d", lab.target_dsn(), file.name)


def _run(lab: Lab, program: str, *arguments: str) -> None:
    subprocess.run([lab.bindir / program, *arguments], check=True, capture_output=True)


def _table(taken: dict[str, list[float]]) -> Iterator[Row]:
    ours = statistics.median(taken["ours, stream attached"])
    for name, seconds in taken.items():
        median = statistics.median(seconds)
        each = " ".join(f"{one:.2f}" for one in seconds)
        bar = BARS.get(name)
        ratio = ours / median
        verdict = "" if bar is None else "ok" if ratio <= bar else "over"
        told = "" if bar is None else f"{bar} x"
        yield Row(
            f"load of pgbench scale {SCALE}: {name}", f"{median:.2f} s ({each})", f"{ratio:.2f} x this", told, verdict
        )


@contextmanager
def _lab(place: Path) -> Iterator[Lab]:
    place.chmod(0o755)
    with open_lab(place, scale=SCALE) as lab:
        yield lab

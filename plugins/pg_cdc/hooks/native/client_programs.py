"""Run PostgreSQL's own client programs, pg_dump and psql, without a password in their arguments or output."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING

from psycopg.conninfo import make_conninfo

from pg_cdc.failures import PreflightFailed

if TYPE_CHECKING:
    from pg_cdc.hooks.postgres import Credentials

DEBIAN = Path("/usr/lib/postgresql")
SECRET_OPTIONS = frozenset({"password", "sslpassword", "oauth_client_secret"})
CHUNK = 1 << 20
FILLING_SECONDS = 0.002
"""psql writes 4 kB at a time: a reader that waits so long after a small piece is woken a hundred times less often."""


class ProgramFailed(Exception):
    """A client program ended with an error; the text is the end of what it said."""


def find_program(name: str, *, at_least: int) -> Path:
    """Return the oldest ``name`` that knows a server of major version ``at_least``.

    Looked for in PG_BINDIR and PG_BINDIRS, on PATH and where Debian keeps several versions.

    :raises PreflightFailed: there is none.
    """
    found = {path: major for path in _candidates(name) if (major := _major(path))}
    fit = {path: major for path, major in found.items() if major >= at_least}
    if fit:
        return min(fit, key=lambda path: fit[path])
    there = ", ".join(f"{path} ({major})" for path, major in found.items()) or "none"
    raise PreflightFailed(
        found=f"{name} on this worker: {there}",
        expected=f"{name} of PostgreSQL {at_least} or later",
        next=f"install postgresql-client-{at_least} on the workers, or add the directory that has it to PG_BINDIRS",
    )


def start(
    program: Path, credentials: Credentials, arguments: Iterable[str], *, application: str, settings: Iterable[str] = ()
) -> subprocess.Popen[bytes]:
    """Start a program that connects with ``credentials``. ``settings``: as ``name=value``, of its session."""
    from pg_cdc.hooks.postgres import DEFAULTS

    options = {key: value for key, value in {**DEFAULTS, **credentials.options}.items() if key not in SECRET_OPTIONS}
    options["application_name"] = application
    where = {"host": credentials.host, "port": credentials.port, "user": credentials.user, "dbname": credentials.dbname}
    environment = {
        **os.environ,
        "PGPASSWORD": credentials.password,
        "PGOPTIONS": " ".join(f"-c {setting}" for setting in settings),
        "PGCLIENTENCODING": "UTF8",
        "LC_ALL": "C.UTF-8",
    }
    return subprocess.Popen(  # noqa: S603
        [str(program), "--dbname", make_conninfo("", **{**options, **where}), *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        pipesize=CHUNK,
    )


def blocks(process: subprocess.Popen[bytes]) -> Iterator[bytes]:
    """Yield what a program writes, and end only when it has ended well.

    :raises ProgramFailed: it ended with an error, so that what it wrote is not all.
    """
    output: IO[bytes] = process.stdout  # type: ignore[assignment]
    errors: IO[bytes] = process.stderr  # type: ignore[assignment]
    try:
        while block := os.read(output.fileno(), CHUNK):
            yield block
            if len(block) < CHUNK // 4:
                time.sleep(FILLING_SECONDS)
        told = errors.read().decode(errors="replace").strip()
        if code := process.wait():
            raise ProgramFailed(f"{Path(str(process.args[0])).name} ended with {code}: {told[-2000:]}")  # type: ignore[index]
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        output.close()
        errors.close()


def _candidates(name: str) -> Iterator[Path]:
    for directory in (os.environ.get("PG_BINDIR", ""), *os.environ.get("PG_BINDIRS", "").split(os.pathsep)):
        if directory:
            yield Path(directory) / name
    yield from DEBIAN.glob(f"*/bin/{name}")
    if path := shutil.which(name):
        yield Path(path)


def _major(path: Path) -> int | None:
    if not path.is_file():
        return None
    told = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)  # noqa: S603
    match = re.search(r"\(PostgreSQL\) (\d+)", told.stdout)
    return int(match[1]) if match else None

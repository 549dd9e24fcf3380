"""Processes that end with us: whatever happens, none is left behind."""

from __future__ import annotations

import ctypes
import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
GRACE_SECONDS = 6
LIBC = ctypes.CDLL(None)


class ProcessDied(Exception):
    """A process that should run has ended; the text has the end of its log."""


class PortTaken(Exception):
    """Somebody else listens on a port that is needed."""


def require_free(port: int, variable: str, host: str = "127.0.0.1") -> None:
    """Do nothing when ``port`` can be listened on. :raises PortTaken: it cannot; ``variable`` chooses another."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as err:
            raise PortTaken(
                f"Found: port {port} is taken ({err.strerror}).\nExpected: a free port.\n"
                f"Next: end what listens there, or choose another: {variable}={port + 1}"
            ) from err


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends, so that ``end_descendants`` finds them all."""
    _prctl(PR_SET_CHILD_SUBREAPER, 1)


def end_descendants(grace_seconds: float = GRACE_SECONDS) -> None:
    """End every process below this one: politely, then not."""
    _end(psutil.Process().children(recursive=True), grace_seconds)


class Processes:
    """Long-running processes, each in a session of its own, logging to a file. Start them from the main thread."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, command: Sequence[str], *, env: Mapping[str, str], cwd: Path) -> None:
        """Start ``command``; its output goes to ``<logs>/<name>.log``."""
        with self._log(name).open("ab") as log:
            self._running[name] = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(env),
                cwd=cwd,
                start_new_session=True,
                preexec_fn=_end_with_parent,
            )

    def check(self) -> None:
        """Do nothing while all run. :raises ProcessDied: one does not."""
        for name, process in self._running.items():
            if (code := process.poll()) is not None:
                tail = "\n".join(self._log(name).read_text(errors="replace").splitlines()[-15:])
                raise ProcessDied(f"{name} ended with {code}. The end of {self._log(name)}:\n{tail}")

    def kill(self, name: str) -> None:
        """Kill one and all it started, with no chance to tidy up."""
        process = self._running.pop(name)
        for one in _family(process):
            with suppress(psutil.NoSuchProcess):
                one.kill()
        process.wait()

    def stop(self) -> None:
        """End them and all they started."""
        _end([one for process in self._running.values() for one in _family(process)], GRACE_SECONDS)
        for process in self._running.values():
            process.wait()
        self._running.clear()

    def _log(self, name: str) -> Path:
        return self._logs / f"{name}.log"


def memory_bytes() -> int:
    """Return the proportional set size of this process and all below it."""
    total = 0
    for process in (psutil.Process(), *psutil.Process().children(recursive=True)):
        with suppress(psutil.Error):
            total += process.memory_full_info().pss
    return total


def _family(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        parent = psutil.Process(process.pid)
        return [parent, *parent.children(recursive=True)]
    return []


def _end(processes: Sequence[psutil.Process], grace_seconds: float) -> None:
    for process in processes:
        with suppress(psutil.Error):
            process.terminate()
    _, left = psutil.wait_procs(processes, timeout=grace_seconds)
    for process in left:
        with suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(left, timeout=grace_seconds)


def _end_with_parent() -> None:
    _prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _prctl(option: int, value: int) -> None:
    LIBC.prctl(option, value, 0, 0, 0)

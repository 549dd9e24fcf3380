"""Processes by their id: whether they live, waiting for their end, and an undertaker for when we do not."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

UNDERTAKER = """
cat >/dev/null
for file in "$0"/*/postmaster.pid; do
    [ -f "$file" ] || continue
    pid="$(head -n 1 "$file")"
    kill -QUIT "$pid" 2>/dev/null; kill -CONT "$pid" 2>/dev/null
done
sleep 1
umount -l "$0"/*/pg_wal 2>/dev/null
rm -rf "$0" "$1"
"""
"""Waits for the end of its input, which comes when its parent ends, however it ends; then buries the servers."""


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; one that only waits to be buried does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until_gone(pids: Iterable[int], seconds: float = 10) -> None:
    """Wait until none of these processes is left."""
    deadline = time.monotonic() + seconds
    left = set(pids)
    while (left := {pid for pid in left if is_alive(pid)}) and time.monotonic() < deadline:
        time.sleep(0.02)


def hire_undertaker(root: Path, sockets: Path) -> subprocess.Popen[bytes]:
    """Start the process that stops the servers below ``root``, and deletes both directories, if we are killed."""
    return subprocess.Popen(
        ["/bin/sh", "-c", UNDERTAKER, str(root), str(sockets)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,
    )


def dismiss(undertaker: subprocess.Popen[bytes]) -> None:
    """End it: there is nothing to bury."""
    undertaker.kill()
    if undertaker.stdin:
        undertaker.stdin.close()
    undertaker.wait()

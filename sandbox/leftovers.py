"""What an earlier sandbox left in a directory: refused, or removed when asked for."""

from __future__ import annotations

import json
import shutil
import signal
from contextlib import suppress
from pathlib import Path

from sandbox.processes import is_alive, wait_until_gone

STATE_FILE = "sandbox.json"
PASSFILE = "passfile"
CONTENTS = (PASSFILE, "ca.pem", "dms.json")
"""What means nothing without the servers; call log and log are kept when a sandbox ends."""

GRACE_SECONDS = 10


class Leftovers(Exception):
    """The directory holds the state of another sandbox."""


def running_state(directory: Path) -> dict[str, str] | None:
    """Return the state of the sandbox that runs in ``directory``, or None."""
    try:
        state: dict[str, str] = json.loads((directory / STATE_FILE).read_text())
        alive = is_alive(int(state["pid"]))
    except (OSError, ValueError, KeyError):
        return None
    return state if alive else None


def refuse_leftovers(directory: Path) -> None:
    """Raise unless a sandbox can begin in ``directory``."""
    if running_state(directory):
        raise Leftovers(
            f"Found: a sandbox is running in {directory}.\nExpected: one sandbox per directory.\n"
            "Next: stop it with `python -m sandbox down`, or choose another --directory."
        )
    if (directory / STATE_FILE).exists() or _roots(directory):
        raise Leftovers(
            f"Found: {directory} holds the state of a sandbox that is not running; it cannot be taken up again.\n"
            "Expected: an empty or new directory.\nNext: `python -m sandbox up --fresh` removes it and its servers."
        )


def remove_leftovers(directory: Path) -> None:
    """Stop the servers of a sandbox that is gone, and delete its state."""
    from sandbox.postgres.small_volume import unmount

    if running_state(directory):
        refuse_leftovers(directory)
    for root in _roots(directory):
        for file in root.glob("*/postmaster.pid"):
            _stop_server(file)
        for place in root.glob("*/pg_wal"):
            unmount(place)
        _remove(root)
    for name in (STATE_FILE, *CONTENTS, "calls.jsonl", "sandbox.log"):
        (directory / name).unlink(missing_ok=True)


def _roots(directory: Path) -> list[Path]:
    # Imported here: `status` and `down` need nothing of PostgreSQL.
    from sandbox.postgres.site import server_root

    candidates = {server_root(directory, needs_traversal=needed) for needed in (False, True)}
    return [root for root in candidates if root.exists()]


def _remove(root: Path) -> None:
    """Delete a directory that its undertaker may be deleting at the same time."""
    while root.exists():
        with suppress(FileNotFoundError):
            shutil.rmtree(root)


def _stop_server(file: Path) -> None:
    import psutil

    with suppress(OSError, ValueError, IndexError, psutil.NoSuchProcess):
        process = psutil.Process(int(file.read_text().split()[0]))
        if str(file.parent) not in " ".join(process.cmdline()):
            return
        process.send_signal(signal.SIGQUIT)
        process.send_signal(signal.SIGCONT)
        wait_until_gone([process.pid], GRACE_SECONDS)

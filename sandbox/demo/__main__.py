"""``python -m sandbox.demo``: the demo; ``--sandbox-only``: without Airflow; ``--clean``: stop and remove leftovers."""

from __future__ import annotations

import argparse
import signal
import sys
from types import FrameType

from rich.console import Console

from sandbox.demo.processes import PortTaken, ProcessDied, adopt_orphans, end_descendants
from sandbox.demo.run import demonstrate, show_sandbox
from sandbox.demo.settings import BadSetting, settings_from
from sandbox.demo.stage import clear_place
from sandbox.leftovers import Leftovers
from sandbox.postgres.binaries import NoPostgres


def main() -> int:
    """Run what was asked for; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.demo", description=__doc__)
    parser.add_argument("--sandbox-only", action="store_true", help="the sandbox with the shop, without Airflow")
    parser.add_argument("--clean", action="store_true", help="stop what a killed demo left running, and remove it")
    arguments = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else 140)
    adopt_orphans()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        settings = settings_from()
        if arguments.clean:
            clear_place(settings)
            return 0
        return show_sandbox(settings, console) if arguments.sandbox_only else demonstrate(settings, console)
    except KeyboardInterrupt:
        console.print("\nStopping.")
        return 130
    except (BadSetting, Leftovers, NoPostgres, PortTaken, ProcessDied) as err:
        console.print(str(err), style="red", markup=False, highlight=False)
        return 1
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        end_descendants()


def _interrupt(number: int, frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())

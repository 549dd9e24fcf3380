"""``python -m sandbox``: up, down, status, psql, fault, calls."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from sandbox.leftovers import STATE_FILE, Leftovers, remove_leftovers, running_state

DIRECTORY = Path(".sandbox")
PORT = 4599
START_SECONDS = 180
STOP_SECONDS = 60
FAULT_OPTIONS = (
    ("service", str), ("action", str), ("calls", int), ("seconds", float), ("identifier", str), ("slot", str),
    ("free_bytes", int),
)  # fmt: skip


class NotRunning(Exception):
    """There is no sandbox to talk to."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return its exit code."""
    options = _parser().parse_args(arguments)
    try:
        return options.run(options) or 0
    except (Leftovers, NotRunning) as err:
        print(err, file=sys.stderr)
        return 1


def up(options: argparse.Namespace) -> int:
    """Run a sandbox until it is told to end, or in the background."""
    if options.fresh:
        remove_leftovers(options.directory)
    if options.detach:
        return _detach(options)
    return _serve(options)


def down(options: argparse.Namespace) -> int:
    """End the sandbox and wait until it is gone."""
    pid = int(_state(options.directory)["pid"])
    os.kill(pid, signal.SIGTERM)
    ends = time.monotonic() + STOP_SECONDS
    while running_state(options.directory):
        if time.monotonic() > ends:
            print(f"the sandbox (process {pid}) did not end within {STOP_SECONDS} s", file=sys.stderr)
            return 1
        time.sleep(0.1)
    return 0


def status(options: argparse.Namespace) -> int:
    """Say what runs."""
    state = _page(options.directory, "status")
    if options.json:
        print(json.dumps(state, indent=2))
        return 0
    print(f"AWS endpoint  {state['aws_endpoint_url']}  ({state['region']}, PostgreSQL {state['postgres']})")
    for server in state["servers"]:
        print(f"{server['identifier']:24}{server['role']:8}{server['status']:12}{server['dsn']}")
    return 0


def psql(options: argparse.Namespace) -> int:
    """Become psql, as the master user of an instance or cluster."""
    at = _page(options.directory, "login", identifier=options.name)
    tls = {"PGSSLMODE": "verify-full", "PGSSLROOTCERT": at["ca_file"]}
    environment = {**os.environ, **tls, "PGPASSFILE": at["passfile"]}
    os.execve(at["psql"], ["psql", at["dsn"], *options.arguments], environment)  # noqa: S606


def fault(options: argparse.Namespace) -> int:
    """List, switch on or clear faults."""
    wanted: dict[str, Any] = {}
    if options.what == "clear":
        wanted = {"clear": True}
    elif options.what == "on":
        if not options.kind:
            print("fault on: which? `python -m sandbox fault list` names them", file=sys.stderr)
            return 2
        names = tuple(name for name, _ in FAULT_OPTIONS)
        given = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
        wanted = {"on": options.kind, **given}
    print(json.dumps(_page(options.directory, "faults", **wanted), indent=2))
    return 0


def calls(options: argparse.Namespace) -> int:
    """Print the call log, a line per call."""
    wanted = {"since": options.since, **({"mutating": True} if options.mutating else {})}
    for call in _page(options.directory, "calls", **wanted):
        print(json.dumps(call))
    return 0


def _serve(options: argparse.Namespace) -> int:
    from sandbox.postgres.binaries import NoPostgres
    from sandbox.postgres.ports import PortTaken
    from sandbox.sandbox import Sandbox

    asked_to_end = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: asked_to_end.set())
    given = {name: getattr(options, name) for name in ("port", "region", "pace", "host", "bind")}
    sandbox = Sandbox(options.directory, **given)
    try:
        sandbox.start()
    except (PortTaken, NoPostgres) as err:
        print(err, file=sys.stderr)
        return 1
    print(f"AWS endpoint: {sandbox.endpoint_url}   CA: {sandbox.ca_file}   end with Ctrl-C", flush=True)
    try:
        while not asked_to_end.wait(1):
            pass
    finally:
        sandbox.stop()
    return 0


def _detach(options: argparse.Namespace) -> int:
    options.directory.mkdir(parents=True, exist_ok=True)
    log_file = options.directory / "sandbox.log"
    command = [sys.executable, "-m", "sandbox", "up"]
    for name in ("directory", "port", "region", "pace", "host", "bind"):
        command += [f"--{name}", str(getattr(options, name))]
    with log_file.open("w") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    ends = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < ends:
        if (state := running_state(options.directory)) and int(state["pid"]) == process.pid:
            print(state["aws_endpoint_url"])
            return 0
        time.sleep(0.1)
    print(log_file.read_text().strip(), file=sys.stderr)
    return 1


def _state(directory: Path) -> dict[str, str]:
    state = running_state(directory)
    if state is None:
        raise NotRunning(
            f"Found: no sandbox is running in {directory} (no live {STATE_FILE}).\nExpected: one.\n"
            "Next: `python -m sandbox up`, or name its --directory."
        )
    return state


def _page(directory: Path, page: str, **wanted: Any) -> Any:
    request = urllib.request.Request(  # noqa: S310
        f"{_state(directory)['aws_endpoint_url']}/_sandbox/{page}",
        data=json.dumps(wanted).encode(),
        headers={"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            return json.load(answer)
    except urllib.error.HTTPError as err:
        raise NotRunning(json.load(err).get("error", str(err))) from None


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--directory", type=Path, default=DIRECTORY, help="where its state is (default: %(default)s)")
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")

    one = commands.add_parser("up", parents=[common], help="start a sandbox")
    one.add_argument("--port", type=int, default=PORT, help="of the AWS endpoint; 0: any (default: %(default)s)")
    one.add_argument("--region", default="eu-west-1")
    one.add_argument("--pace", type=float, default=0.005, help="AWS's durations times this (default: %(default)s)")
    one.add_argument("--host", default="localhost", help="the name clients reach this machine by")
    one.add_argument("--bind", default="127.0.0.1", help="the address to listen on")
    one.add_argument("--detach", action="store_true", help="return when it is up")
    one.add_argument("--fresh", action="store_true", help="remove what a dead sandbox left, servers included")
    one.set_defaults(run=up)

    commands.add_parser("down", parents=[common], help="stop it").set_defaults(run=down)

    one = commands.add_parser("status", parents=[common], help="say what runs")
    one.add_argument("--json", action="store_true")
    one.set_defaults(run=status)

    one = commands.add_parser("psql", parents=[common], help="psql as the master user")
    one.add_argument("name", help="instance or cluster identifier")
    one.add_argument("arguments", nargs=argparse.REMAINDER, help="for psql")
    one.set_defaults(run=psql)

    one = commands.add_parser("fault", parents=[common], help="switch faults")
    one.add_argument("what", choices=("list", "on", "clear"))
    one.add_argument("kind", nargs="?")
    for name, kind in FAULT_OPTIONS:
        one.add_argument(f"--{name.replace('_', '-')}", type=kind)
    one.set_defaults(run=fault)

    one = commands.add_parser("calls", parents=[common], help="print the call log")
    one.add_argument("--mutating", action="store_true", help="only calls that changed something")
    one.add_argument("--since", type=int, default=0, help="only calls after this number")
    one.set_defaults(run=calls)
    return parser


if __name__ == "__main__":
    sys.exit(main())

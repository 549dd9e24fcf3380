"""The sandbox: an AWS endpoint over real PostgreSQL servers, in this process."""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import boto3
from werkzeug.serving import WSGIRequestHandler, make_server

from sandbox.acts import Acts
from sandbox.api.call_log import CallLog
from sandbox.api.dispatch import Gateway
from sandbox.api.errors import AwsError
from sandbox.api.faults import Faults
from sandbox.buckets import MotoBuckets
from sandbox.cloudwatch.service import CloudWatchService
from sandbox.dms.service import DmsService
from sandbox.leftovers import CONTENTS, PASSFILE, STATE_FILE, refuse_leftovers
from sandbox.moto_world import account_ready_for_dms, read_network, read_secret
from sandbox.postgres.ports import PortTaken, is_free
from sandbox.postgres.roles import RoleKeeper
from sandbox.postgres.site import prepare_site
from sandbox.processes import dismiss, hire_undertaker
from sandbox.rds.assumptions import Assumptions
from sandbox.rds.catalogue_data import LIBRARIES
from sandbox.rds.service import RdsService

log = logging.getLogger(__name__)

ACCOUNT = "123456789012"
PACE = 0.005
"""AWS's durations times this: creating an instance takes 1.5 s instead of five minutes."""


class Sandbox:
    """One sandbox in ``directory``, which must be empty or new; ``port`` 0: any.

    ``host`` is the name that describe calls give for every server, ``bind`` the address everything listens on:
    both are for clients on other machines or containers.
    """

    def __init__(
        self,
        directory: Path,
        *,
        port: int = 0,
        region: str = "eu-west-1",
        pace: float = PACE,
        host: str = "localhost",
        bind: str = "127.0.0.1",
        assumptions: Assumptions | None = None,
    ) -> None:
        self.directory = Path(directory).resolve()
        self.port = port
        self.region = region
        self.pace = pace
        self.host = host
        self.bind = bind
        self.assumptions = assumptions or Assumptions()
        self._ending = ExitStack()
        acts = Acts(self)
        self.faults = Faults(acts.by_name(), acts.end)

    def __enter__(self) -> Sandbox:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start. :raises PortTaken: somebody listens on ``port``; Leftovers: ``directory`` is in use."""
        if self.port and not is_free(self.port, self.bind):
            raise PortTaken(
                f"Found: port {self.port} on {self.bind} is taken.\nExpected: a free port for the AWS endpoint.\n"
                "Next: end what listens there, or choose another port with --port."
            )
        self.directory.mkdir(parents=True, exist_ok=True)
        refuse_leftovers(self.directory)
        for name in ("calls.jsonl", "dms.json"):
            (self.directory / name).unlink(missing_ok=True)
        self._site = prepare_site(
            self.directory,
            host=self.host,
            bind="localhost" if self.bind == "127.0.0.1" else "*",
            libraries=LIBRARIES,
        )
        self._ending.callback(self._clean_up)
        undertaker = hire_undertaker(self._site.root, self._site.sockets)
        self._ending.callback(dismiss, undertaker)
        try:
            self._start_services()
            self._listen()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End every server and thread, and remove what they wrote; the call log stays."""
        self._ending.close()

    def _start_services(self) -> None:
        for binaries in self._site.installations:
            if not binaries.has_pglogical:
                log.warning("pglogical is not installed for %s: test_decoding it is", binaries.bindir)
        self._ending.enter_context(account_ready_for_dms(ACCOUNT))
        self.log = CallLog(self.directory / "calls.jsonl")
        self.rds = RdsService(
            self._site,
            region=self.region,
            account=ACCOUNT,
            pace=self.pace,
            network=partial(read_network, ACCOUNT, self.region),
            assumptions=self.assumptions,
        )
        self._ending.callback(self.rds.stop)
        self.dms = DmsService(
            region=self.region,
            account=ACCOUNT,
            pace=self.pace,
            directory=self.directory,
            secret=partial(read_secret, ACCOUNT, self.region),
            buckets=MotoBuckets(ACCOUNT, self.region),
        )
        self._ending.callback(self.dms.stop)
        keeper = RoleKeeper(self.rds.primaries)
        keeper.start()
        self._ending.callback(keeper.stop)

    def _listen(self) -> None:
        gateway = Gateway(
            {"rds": self.rds, "dms": self.dms, "cloudwatch": CloudWatchService(self.rds)},
            log=self.log,
            faults=self.faults,
            region=self.region,
            pages=self._pages(),
        )
        server = make_server(self.bind, self.port, gateway, threaded=True, request_handler=_Quiet)
        self.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, args=(0.1,), name="sandbox-aws", daemon=True)
        thread.start()

        def stop() -> None:
            server.shutdown()
            server.server_close()
            thread.join(timeout=10)

        self._ending.callback(stop)
        state = {"pid": os.getpid(), "aws_endpoint_url": self.endpoint_url, "root": str(self._site.root)}
        (self.directory / STATE_FILE).write_text(json.dumps(state))

    def _clean_up(self) -> None:
        self._site.remove()
        for name in (STATE_FILE, *CONTENTS):
            (self.directory / name).unlink(missing_ok=True)

    @property
    def endpoint_url(self) -> str:
        """Return the AWS endpoint."""
        return f"http://{'127.0.0.1' if self.host == 'localhost' else self.host}:{self.port}"

    @property
    def ca_file(self) -> Path:
        """Return the CA that signed the servers' certificate."""
        return self._site.ca_file

    def client(self, service: str, **options: Any) -> Any:
        """Return a boto3 client of ``service`` against this sandbox."""
        return boto3.client(  # type: ignore[call-overload]
            service,
            endpoint_url=self.endpoint_url,
            region_name=self.region,
            aws_access_key_id="sandbox",
            aws_secret_access_key="sandbox",  # noqa: S106
            **options,
        )

    def master_password(self, identifier: str) -> str:
        """Return the master user's password of an instance or cluster."""
        found = self.rds.clusters.get(identifier) or self.rds.find_instance(identifier)
        return found.password

    def status(self) -> dict[str, Any]:
        """Return what ``python -m sandbox status`` prints."""
        return {
            "aws_endpoint_url": self.endpoint_url,
            "region": self.region,
            "pid": os.getpid(),
            "ca_file": str(self.ca_file),
            "postgres": self._site.binaries.version,
            "versions": list(self._site.versions),
            "pglogical": self._site.binaries.has_pglogical,
            "servers": self.rds.servers(),
        }

    def _pages(self) -> dict[str, Any]:
        return {
            "status": lambda _: self.status(),
            "calls": self._calls,
            "login": self._login,
            "faults": self._switch_faults,
        }

    def _calls(self, wanted: Mapping[str, Any]) -> list[dict[str, Any]]:
        calls = [asdict(call) for call in self.log.since(int(wanted.get("since") or 0))]
        return [call for call in calls if call["mutating"] or not wanted.get("mutating")]

    def _switch_faults(self, wanted: Mapping[str, Any]) -> Any:
        if wanted.get("clear"):
            self.faults.clear()
        elif kind := wanted.get("on"):
            self.faults.switch_on(kind, **{key: value for key, value in wanted.items() if key != "on"})
        return self.faults.listing()

    def _login(self, wanted: Mapping[str, Any]) -> dict[str, str]:
        """Write every master password into a file of the user's own, and tell where to log in."""
        identifier = str(wanted.get("identifier", "")).lower()
        servers = self.rds.servers()
        passfile = self.directory / PASSFILE
        passfile.touch(mode=0o600)
        lines = (f"*:{one['port']}:*:*:{self.rds.instances[one['identifier']].password}" for one in servers)
        passfile.write_text("".join(line + "\n" for line in lines))
        chosen = [one for one in servers if one["identifier"] == identifier]
        chosen += [one for one in servers if one["cluster"] == identifier and one["role"] == "writer"]
        if not chosen:
            known = ", ".join(one["identifier"] for one in servers) or "none"
            raise AwsError("DBInstanceNotFound", f"no server {identifier!r}; there is: {known}", status=404)
        program = str(self.rds.instances[chosen[0]["identifier"]].server.binaries.bindir / "psql")
        return {"dsn": chosen[0]["dsn"], "passfile": str(passfile), "ca_file": str(self.ca_file), "psql": program}


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        """Say nothing: the call log has it."""

"""What all servers of one sandbox share: where they live, who runs them, certificates, and the template."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import stat
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from sandbox.postgres.binaries import Binaries, find_installations
from sandbox.postgres.roles import TEMPLATE_SQL
from sandbox.postgres.tls import make_certificates

ADMIN = "rdsadmin"
STUBS = ("rdsutils", "rds_casts")
"""Libraries that RDS preloads by itself: SHOW prints them, so modules of these names exist here, doing nothing."""


@dataclass(frozen=True, kw_only=True)
class Site:
    """The place of all servers. ``host``: the name they are told to clients by; ``bind``: where they listen.

    ``installations``: one a major, the default first. ``libraries``: names that may be preloaded on AWS.
    """

    installations: tuple[Binaries, ...]
    root: Path
    sockets: Path
    ca_file: Path
    certificate: Path
    key: Path
    passfile: Path
    host: str = "localhost"
    bind: str = "localhost"
    libraries: Sequence[str] = ()
    admin_password: str = field(default="", repr=False)
    _making: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def binaries(self) -> Binaries:
        """Return the installation of servers that ask for none."""
        return self.installations[0]

    @property
    def versions(self) -> tuple[str, ...]:
        """Return the versions there are, the default first."""
        return tuple(one.version for one in self.installations)

    def installation(self, major: int) -> Binaries | None:
        """Return the installation of a major version, None: there is none."""
        return next((one for one in self.installations if one.major == major), None)

    def template(self, binaries: Binaries) -> Path:
        """Return the data directory that new servers of a major are copied from; it is made when first asked for."""
        place = self.root / f"template-{binaries.major}"
        with self._making:
            if not place.exists():
                _make_template(self, binaries, place)
        return place

    def stubs(self, binaries: Binaries) -> Path:
        """Return the directory of a major's stand-ins for AWS's libraries; it is made when first asked for."""
        place = self.root / f"lib-{binaries.major}"
        with self._making:
            if not place.exists():
                _make_stubs(self, binaries, place)
        return place

    def connect(self, port: int, dbname: str = "postgres") -> psycopg.Connection:
        """Connect as the hidden superuser, through the socket."""
        return psycopg.connect(
            host=str(self.sockets),
            port=port,
            user=ADMIN,
            password=self.admin_password,
            dbname=dbname,
            autocommit=True,
            connect_timeout=5,
            application_name="rdsadmin",
        )

    def remove(self) -> None:
        """Delete everything the servers wrote."""
        shutil.rmtree(self.root, ignore_errors=True)
        shutil.rmtree(self.sockets, ignore_errors=True)


def prepare_site(
    directory: Path, *, host: str = "localhost", bind: str = "localhost", libraries: Sequence[str] = ()
) -> Site:
    """Make the directories, certificates and the default template of a sandbox in ``directory``.

    ``libraries``: names that may be preloaded on AWS; those not installed here get a stand-in.
    """
    installations = find_installations()
    account = installations[0].account
    root = server_root(directory, needs_traversal=account.uid is not None)
    root.mkdir(parents=True, exist_ok=False)
    account.own(root, 0o700)
    sockets = account.own(Path(tempfile.mkdtemp(prefix="pgcdc-", dir="/tmp")), 0o700)
    ca, certificate, key = make_certificates(directory, names=(host,))
    for path, mode in ((certificate, 0o644), (key, 0o600)):
        shutil.copy(path, root / path.name)
        path.unlink()
        account.own(root / path.name, mode)
    password = secrets.token_urlsafe(24)
    passfile = root / "passfile"
    passfile.touch(mode=0o600)
    passfile.write_text(f"*:*:*:{ADMIN}:{password}\n")
    account.own(passfile, 0o600)
    site = Site(
        installations=installations,
        root=root,
        sockets=sockets,
        ca_file=ca,
        certificate=root / certificate.name,
        key=root / key.name,
        passfile=passfile,
        host=host,
        bind=bind,
        libraries=libraries,
        admin_password=password,
    )
    site.template(site.binaries)
    return site


def server_root(directory: Path, *, needs_traversal: bool) -> Path:
    """Return where the data directories go: below ``directory``, unless the servers' user cannot get there."""
    directory = directory.resolve()
    open_to_all = all(path.stat().st_mode & stat.S_IXOTH for path in (directory, *directory.parents) if path.exists())
    if open_to_all or not needs_traversal:
        return directory / "servers"
    mark = hashlib.sha256(os.fsencode(directory)).hexdigest()[:12]
    return Path("/var/tmp") / f"pg-cdc-sandbox-{mark}"  # noqa: S108


def _make_stubs(site: Site, binaries: Binaries, place: Path) -> None:
    place.mkdir()
    binaries.account.own(place, 0o755)
    for name in (*STUBS, *site.libraries):
        if name != "pglogical" and not binaries.has_library(name):
            shutil.copy(binaries.libdir / "test_decoding.so", place / f"{name}.so")
            (place / f"{name}.so").chmod(0o755)


def _make_template(site: Site, binaries: Binaries, place: Path) -> None:
    pwfile = site.root / "pwfile"
    pwfile.touch(mode=0o600)
    pwfile.write_text(site.admin_password)
    binaries.account.own(pwfile, 0o600)
    binaries.run(
        "initdb", "-D", place, "-U", ADMIN, f"--pwfile={pwfile}", "-A", "scram-sha-256", "--no-sync",
        "--locale=C.UTF-8", "--encoding=UTF8", check=True,
    )  # fmt: skip
    pwfile.unlink()
    # Single-user mode wants each statement on one line.
    statements = "\n".join(" ".join(statement.split()) for statement in TEMPLATE_SQL)
    script = site.root / "template.sql"
    script.write_text(statements + "\n")
    with script.open() as file:
        done = binaries.run("postgres", "--single", "-D", place, "-F", "template1", stdin=file)
    script.unlink()
    if done.returncode or "ERROR" in done.stderr:
        raise RuntimeError(f"the template could not be made: {done.stderr.strip()}")

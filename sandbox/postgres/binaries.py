"""Find PostgreSQL's programs, and the user they run as: PostgreSQL refuses root."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import IO, Any

DEBIAN = Path("/usr/lib/postgresql")
SUPPORTED = range(13, 18)
USERS = ("postgres", "nobody")


class NoPostgres(Exception):
    """No usable PostgreSQL on this machine."""


@dataclass(frozen=True)
class Account:
    """The operating system user of the servers. ``uid`` None: ours."""

    uid: int | None = None
    gid: int | None = None

    @property
    def popen(self) -> dict[str, Any]:
        """Return the arguments by which subprocess becomes this user."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.uid is not None else {}

    def own(self, path: Path, mode: int) -> Path:
        """Give ``path`` to this user."""
        path.chmod(mode)
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)
        return path


@dataclass(frozen=True)
class Binaries:
    """One PostgreSQL installation. ``version`` as ``15.18``."""

    bindir: Path
    version: str
    account: Account = field(default_factory=Account)

    @property
    def major(self) -> int:
        """Return the major version."""
        return int(self.version.split(".")[0])

    @cached_property
    def libdir(self) -> Path:
        """Return the directory of the loadable modules."""
        beside, pg_config = self.bindir.parent / "lib", self.bindir / "pg_config"
        # First what lies beside the programs, as the server looks: Debian's pg_config tells where it was installed to.
        if not (beside / "test_decoding.so").exists() and pg_config.exists():
            return Path(subprocess.run([pg_config, "--pkglibdir"], capture_output=True, text=True).stdout.strip())
        return beside

    @cached_property
    def settings(self) -> frozenset[str]:
        """Return the names of the settings this server knows."""
        answer = self.run("postgres", "--describe-config", check=True).stdout
        return frozenset(line.split("\t")[0] for line in answer.splitlines() if line)

    @property
    def has_pglogical(self) -> bool:
        """Tell whether pglogical can be preloaded."""
        return self.has_library("pglogical")

    def has_library(self, name: str) -> bool:
        """Tell whether the module ``name`` is installed."""
        return (self.libdir / f"{name}.so").exists()

    def run(
        self,
        program: str,
        *arguments: object,
        check: bool = False,
        env: dict[str, str] | None = None,
        stdin: IO[str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run ``program`` as the servers' user. :raises RuntimeError: it failed and ``check`` is set."""
        done = subprocess.run(
            [self.bindir / program, *map(str, arguments)],
            capture_output=True,
            text=True,
            cwd="/",
            stdin=stdin or subprocess.DEVNULL,
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", **(env or {})},
            **self.account.popen,
        )
        if check and done.returncode:
            raise RuntimeError(f"{program} ended with {done.returncode}: {done.stderr.strip() or done.stdout.strip()}")
        return done


def find_binaries() -> Binaries:
    """Return the installation that ``PG_BINDIR`` names, else the newest of Debian's.

    :raises NoPostgres: there is none, or it is too old or too new.
    """
    return find_installations()[0]


def find_installations() -> tuple[Binaries, ...]:
    """Return one installation a major, the default of ``find_binaries`` first.

    Besides it: those that ``PG_BINDIRS`` lists, as PATH lists directories, and, unless ``PG_BINDIR`` chooses, Debian's.

    :raises NoPostgres: there is none, or one that was named is none, or too old or too new.
    """
    chosen = os.environ.get("PG_BINDIR")
    listed = [Path(text) for text in os.environ.get("PG_BINDIRS", "").split(os.pathsep) if text]
    places = [Path(chosen)] if chosen else _debian()
    if not places:
        raise NoPostgres(
            f"Found: no PostgreSQL server below {DEBIAN}.\nExpected: PostgreSQL 13 to 17.\n"
            "Next: install postgresql-15 and postgresql-15-pglogical, or set PG_BINDIR to its bin directory."
        )
    account = find_account()
    found: dict[int, Binaries] = {}
    for bindir in (*places, *listed):
        one = Binaries(bindir=bindir, version=_version(bindir), account=account)
        found.setdefault(one.major, one)
    return tuple(found.values())


def _debian() -> list[Path]:
    """Return the bin directories of Debian's packages, the newest first."""
    found = [path for path in DEBIAN.glob("*/bin") if path.parent.name.isdigit() and (path / "initdb").exists()]
    known = [path for path in found if int(path.parent.name) in SUPPORTED]
    return sorted(known, key=lambda path: int(path.parent.name), reverse=True)


def _version(bindir: Path) -> str:
    program = bindir / "postgres"
    if not (program.exists() and (bindir / "initdb").exists()):
        raise NoPostgres(
            f"Found: no postgres and initdb in {bindir} (PG_BINDIR or PG_BINDIRS).\n"
            "Expected: a server's bin directory.\nNext: correct PG_BINDIR or PG_BINDIRS, or unset it."
        )
    text = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    version = re.search(r"\d+\.\d+", text)
    if not version or int(version[0].split(".")[0]) not in SUPPORTED:
        raise NoPostgres(
            f"Found: {text.strip()} in {bindir}.\nExpected: PostgreSQL 13 to 17.\nNext: set PG_BINDIR to such a server."
        )
    return version[0]


def find_account() -> Account:
    """Return who runs the servers: us, or when we are root an unprivileged user."""
    if os.geteuid() != 0:
        return Account()
    for name in USERS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise NoPostgres("Found: root, and neither user postgres nor nobody.\nExpected: one.\nNext: run as another user.")


def copy_tree(source: Path, target: Path) -> None:
    """Copy a data directory with owners and modes, sharing blocks where the file system can."""
    cp = shutil.which("cp") or "/bin/cp"
    subprocess.run([cp, "-a", "--reflink=auto", source, target], check=True, capture_output=True)

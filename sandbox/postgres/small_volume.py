"""A volume for WAL that can be full: a file system of its own where we may mount one, else a size that is watched."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sandbox.postgres.binaries import Account

SEGMENT = 16 << 20
FULL = "No space left on device"


def used(directory: Path) -> int:
    """Return the bytes a directory takes on its file system; files that vanish meanwhile count nothing."""
    total = 0
    for place, _, files in os.walk(directory):
        for name in files:
            with suppress(OSError):
                total += os.lstat(os.path.join(place, name)).st_blocks * 512
    return total


@dataclass
class SmallVolume:
    """The volume of ``place``, of ``size`` bytes. ``mounted``: a file system of that size, so writes really fail."""

    place: Path
    size: int
    mounted: bool

    @property
    def free(self) -> int:
        """Return what is left of it."""
        if self.mounted:
            room = os.statvfs(self.place)
            return room.f_bavail * room.f_frsize
        return max(self.size - used(self.place), 0)

    def grow(self, more: int) -> None:
        """Make it larger, while it is in use."""
        self.size += more
        if self.mounted:
            _mount("-o", f"remount,size={self.size}", self.place)

    def give_back(self) -> None:
        """Unmount it; what is on it is lost."""
        if self.mounted:
            unmount(self.place)
            self.mounted = False


def make_small(place: Path, *, free: int, account: Account) -> SmallVolume:
    """Put the files of ``place`` on a volume where ``free`` bytes are left. Nobody may be using them."""
    size = used(place) + free
    aside = place.with_name(place.name + ".aside")
    place.rename(aside)
    place.mkdir()
    account.own(place, 0o700)
    mounted = _mount("-t", "tmpfs", "-o", f"size={size},mode=0700", "tmpfs", place)
    if mounted:
        account.own(place, 0o700)
        subprocess.run(["/bin/cp", "-a", f"{aside}/.", place], check=True, capture_output=True)
        shutil.rmtree(aside)
    else:
        place.rmdir()
        aside.rename(place)
    return SmallVolume(place, size, mounted)


def unmount(place: Path) -> None:
    """Unmount ``place`` if something is mounted there."""
    if os.path.ismount(place):
        subprocess.run(["umount", "-l", place], check=False, capture_output=True)


def _mount(*arguments: object) -> bool:
    try:
        return subprocess.run(["mount", *map(str, arguments)], check=False, capture_output=True).returncode == 0
    except OSError:
        return False

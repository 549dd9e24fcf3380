"""A replication slot's file: how a single slot is made a lost one, while its server is down."""

from __future__ import annotations

import struct
from pathlib import Path

MAGIC = 0x1051CA1
CHECKED_FROM = 8
"""The checksum covers everything behind itself."""

RESTART_LSN, INVALIDATED = 96, 104
WAL_REMOVED = 1
POLYNOMIAL = 0x82F63B78


class NotASlotFile(Exception):
    """The file is not as PostgreSQL 13 to 17 write it."""


def mark_lost(file: Path, *, major: int) -> None:
    """Write into a slot's file what PostgreSQL writes when it removes the slot's WAL.

    :raises NotASlotFile: nothing is written.
    """
    content = bytearray(file.read_bytes())
    magic, checksum = struct.unpack_from("=II", content)
    if magic != MAGIC or len(content) <= INVALIDATED + 8 or checksum != crc32c(content[CHECKED_FROM:]):
        raise NotASlotFile(f"{file} is not the file of a slot")
    (restart,) = struct.unpack_from("=Q", content, RESTART_LSN)
    struct.pack_into("=Q", content, RESTART_LSN, 0)
    if major >= 16:
        struct.pack_into("=I", content, INVALIDATED, WAL_REMOVED)
    else:
        struct.pack_into("=Q", content, INVALIDATED, restart)
    struct.pack_into("=I", content, 4, crc32c(content[CHECKED_FROM:]))
    with file.open("r+b") as slot:
        slot.write(content)


def crc32c(data: bytes | bytearray) -> int:
    """Return the checksum that PostgreSQL uses."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (POLYNOMIAL if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF

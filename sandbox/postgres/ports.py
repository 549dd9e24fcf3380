"""Ports for servers."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterable

PORTS = range(15000, 31000)
"""Below the kernel's ephemeral ports, so that no outgoing connection takes a port while its server restarts."""


class PortTaken(Exception):
    """Somebody else listens there."""


def free_port(taken: Iterable[int] = ()) -> int:
    """Return a port nobody listens on."""
    used = set(taken)
    while True:
        port = random.choice(PORTS)  # noqa: S311
        if port not in used and is_free(port):
            return port


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Tell whether ``port`` can be listened on."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True

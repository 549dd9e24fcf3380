"""Which output plugins a server lets a role with REPLICATION name. Pure.

Minor releases since August 2026 refuse every library that ``output_plugin_libraries`` does not list; by default it
lists PostgreSQL's own two. A server without the setting loads any.
Source: https://www.postgresql.org/docs/current/runtime-config-replication.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pg_cdc.config import Plugin

ALLOWED = "output_plugin_libraries"

LIBRARIES = {
    Plugin.PGLOGICAL: ("pglogical_output", "pglogical"),
    Plugin.TEST_DECODING: ("test_decoding",),
}
"""What a slot's plugin may be named where the spec says so; the first is what is asked for in the message."""

NATIVE = ("pgoutput",)


def may_decode_with(libraries: Iterable[str], settings: Mapping[str, str]) -> bool:
    """Tell whether the server takes one of ``libraries``."""
    if ALLOWED not in settings:
        return True
    allowed = {name.strip().strip('"').removeprefix("$libdir/") for name in settings[ALLOWED].split(",")}
    return not allowed.isdisjoint(libraries)

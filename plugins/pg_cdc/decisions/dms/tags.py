"""The tags of what is made in DMS: whose it is, and when it is to go. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from pg_cdc.config import Migration
from pg_cdc.decisions import names


def expiry_differs(migration: Migration, tags: Mapping[str, str]) -> bool:
    """Tell whether a resource says another time than the spec, or any where the spec says none."""
    return tags.get(names.EXPIRES) != migration.safety.expires_at


def tag_list(migration: Migration) -> list[dict[str, str]]:
    """Return our tags in the shape of AWS's ``Tags``."""
    tags = names.tags(migration.name)
    if migration.safety.expires_at:
        tags[names.EXPIRES] = migration.safety.expires_at
    return [{"Key": key, "Value": value} for key, value in tags.items()]

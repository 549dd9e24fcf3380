"""Every name we give to something: made from the migration's name or the source's, never from a date."""

from __future__ import annotations

TAG = "pg-cdc:migration"
EXPIRES = "pg-cdc:expires-at"
CONTROL_SCHEMA = "pgcdc"
MARKER_TABLE = "marker"


def parameter_group(identifier: str, family: str) -> str:
    """Return the name of our parameter group for the database ``identifier``."""
    return f"pg-cdc-{identifier}-{family.replace('.', '-')}"


def resource(migration: str) -> str:
    """Return the name of the subnet group, the replication instance and the task."""
    return f"pg-cdc-{migration}"


def endpoint(migration: str, end: str) -> str:
    """Return the endpoint identifier; ``end`` is ``source`` or ``target``."""
    return f"pg-cdc-{migration}-{end}"


def slot(migration: str) -> str:
    """Return the name of the slot that is made for DMS on a read replica; elsewhere DMS makes and names its own."""
    return f"pg_cdc_dms_{migration.replace('-', '_')}"


def tags(migration: str) -> dict[str, str]:
    """Return the tag that says a resource is ours."""
    return {TAG: migration}

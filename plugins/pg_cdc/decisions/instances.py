"""Decide what the status of a DB instance means: ready, on its way, or broken. Pure.

Source: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/accessing-monitoring.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pg_cdc.failures import NotProved, PreflightFailed

if TYPE_CHECKING:
    from pg_cdc.decisions.world import Database, Member

AVAILABLE = "available"
APPLYING = "applying"
BROKEN_PARAMETERS = "incompatible-parameters"
BROKEN = frozenset(
    {
        BROKEN_PARAMETERS,
        "deleting",
        "failed",
        "inaccessible-encryption-credentials",
        "inaccessible-encryption-credentials-recoverable",
        "incompatible-credentials",
        "incompatible-network",
        "incompatible-option-group",
        "incompatible-restore",
        "insufficient-capacity",
        "restore-error",
        "stopped",
        "storage-full",
    }
)
"""Statuses that waiting does not end."""


def unsettled(database: Database) -> tuple[str, ...]:
    """Return, in words, what of the database is still on its way."""
    told = [] if database.status == AVAILABLE else [f"{database.identifier} is {database.status}"]
    told += [
        f"{member.identifier} is {member.status}"
        for member in database.members
        if member.status != AVAILABLE and member.identifier != database.identifier
    ]
    told += [f"{member.identifier} is applying parameters" for member in database.members if _applying(member)]
    return tuple(told)


def is_broken(database: Database) -> bool:
    """Tell whether the database, or a member, is in a state that waiting does not end."""
    return database.status in BROKEN or any(member.status in BROKEN for member in database.members)


def broken_failure(database: Database) -> PreflightFailed | NotProved | None:
    """Return why nothing can be done with the database as it is, or None."""
    broken = [member for member in database.members if member.status in BROKEN]
    if not broken and database.status not in BROKEN:
        return None
    told = [(one.identifier, one.status) for one in broken] or [(database.identifier, database.status)]
    found = ", ".join(f"{identifier} is {status}" for identifier, status in told)
    if any(member.status == BROKEN_PARAMETERS for member in broken):
        group = database.cluster_parameter_group or database.writer.parameter_group
        return NotProved(
            found=f"{found}: its server does not start with the values of parameter group {group}",
            expected="a server that starts",
            next=f"in {group} put back the values that set_parameters shows as before, reboot the instance, see its "
            "log for the value the server refused, then trigger again",
        )
    return PreflightFailed(
        found=found,
        expected="every instance available",
        next="bring it back (start it, give it storage, or remove it), then clear this task",
    )


def _applying(member: Member) -> bool:
    return APPLYING in (member.apply_status, member.cluster_apply_status)

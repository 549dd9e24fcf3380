"""Say what was found on the source, in the words of people who run it. Pure."""

from __future__ import annotations

from typing import Any

from pg_cdc.decisions.dms.table_mappings import parse_rules, selected_tables
from pg_cdc.decisions.preflight.checks import Situation
from pg_cdc.decisions.world import ParameterGroup

SETTINGS = (
    "wal_level",
    "rds.logical_replication",
    "shared_preload_libraries",
    "max_replication_slots",
    "max_wal_senders",
    "max_worker_processes",
    "max_logical_replication_workers",
    "wal_sender_timeout",
)


def inventory(situation: Situation) -> dict[str, Any]:
    """Return the facts that ``inspect_source`` logs and hands to the report."""
    database, server = situation.database, situation.server
    chosen = selected_tables(parse_rules(situation.migration.tables.rules), situation.tables)
    return {
        "identifier": database.identifier,
        "engine": database.engine.value,
        "version": database.version,
        "status": database.status,
        "writer": database.writer.identifier,
        "readers": [member.identifier for member in database.readers],
        "pending_reboot": [member.identifier for member in database.members if member.pending_reboot],
        "parameter_groups": [_group(group) for group in situation.groups],
        "settings": {name: server.settings[name] for name in SETTINGS if name in server.settings},
        "slots": [
            {"name": slot.name, "type": slot.slot_type, "active": slot.active, "retained_bytes": slot.retained_bytes}
            for slot in server.slots
        ],
        "wal_senders_used": server.wal_senders_used,
        "extensions": list(server.installed_extensions),
        "tables": len(situation.tables),
        "selected_tables": len(chosen),
        "selected_bytes": sum(table.bytes for table in chosen),
        "estimated_rows": sum(max(table.estimated_rows, 0) for table in chosen),
        "without_key": [
            f"{table.schema}.{table.name}" for table in chosen if _lacks_key(table.kind, table.has_primary_key)
        ],
    }


def _group(group: ParameterGroup) -> dict[str, Any]:
    by_user = sorted(name for name, parameter in group.parameters.items() if parameter.source == "user")
    return {"name": group.name, "cluster": group.cluster, "users": list(group.users), "set_by_user": by_user}


def _lacks_key(kind: str, has_primary_key: bool) -> bool:
    return kind == "r" and not has_primary_key

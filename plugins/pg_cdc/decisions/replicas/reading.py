"""What has to be so for DMS to read changes from a read replica: each thing that is not, with its cure. Pure.

Source: https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.PostgreSQL.html
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from pg_cdc.config import Migration, MigrationType, Plugin
from pg_cdc.decisions import names
from pg_cdc.decisions.preflight.findings import error, note
from pg_cdc.decisions.versions import DECODES_ON_STANDBY, major_of
from pg_cdc.decisions.world import Database, Engine, Finding, Server, Slot

FIELD = "source.read_from"


@dataclass(frozen=True, kw_only=True)
class Reader:
    """The read replica that DMS is to read from, and what its server says."""

    database: Database
    server: Server
    slots: tuple[Slot, ...] = ()


def reader_findings(
    migration: Migration, source: Database, reader: Reader | None, own_slots: Collection[str]
) -> Iterator[Finding]:
    """Yield what keeps DMS from reading there; nothing where it reads from the source."""
    if reader is None:
        return
    place = reader.database.identifier
    if source.engine is not Engine.RDS or source.reboots_as_one or reader.database.replica_of != source.identifier:
        yield error(
            "not_its_read_replica",
            FIELD,
            found=f"{place}, which follows {reader.database.replica_of or 'nobody'}",
            expected=f"a read replica of the RDS instance {source.identifier}: readers of clusters decode nothing",
            cure=f"name one of {', '.join(source.replicas) or 'its replicas, once there is one'}, or leave it empty",
        )
        return
    if major_of(reader.server.version_num) < DECODES_ON_STANDBY:
        yield error(
            "replica_too_old_to_decode",
            place,
            found=f"PostgreSQL {major_of(reader.server.version_num)}",
            expected=f"PostgreSQL {DECODES_ON_STANDBY} or later: before, a standby decodes nothing",
            cure=f"leave {FIELD} empty, and DMS reads from {source.identifier}",
        )
        return
    yield from _asked(migration)
    if migration.replication.migration_type is not MigrationType.FULL_LOAD:
        yield from _settings(reader)
        yield from _slots(migration, reader, own_slots)


def _asked(migration: Migration) -> Iterator[Finding]:
    if migration.replication.plugin is Plugin.PGLOGICAL:
        yield error(
            "replica_needs_test_decoding",
            "replication.plugin",
            found="pglogical",
            expected="test_decoding, or auto: the slot on a replica is made for it",
            cure="put replication.plugin auto",
        )
    if migration.replication.migration_type is MigrationType.CDC:
        yield error(
            "replica_needs_full_load",
            "replication.migration_type",
            found="cdc",
            expected="full-load-and-cdc: changes alone need a start position as well",
            cure=f"put full-load-and-cdc, or leave {FIELD} empty",
        )


def _settings(reader: Reader) -> Iterator[Finding]:
    place, settings = reader.database.identifier, reader.server.settings
    group = reader.database.writer.parameter_group
    if settings.get("wal_level") != "logical":
        yield error(
            "replica_not_logical",
            place,
            found=f"wal_level {settings.get('wal_level')} on the replica",
            expected="logical: rds.logical_replication 1 on both, each after a reboot",
            cure=f"set rds.logical_replication 1 in a group of the replica's own (now {group}), and reboot it",
        )
    if settings.get("hot_standby_feedback") != "on":
        yield error(
            "replica_without_feedback",
            place,
            found="hot_standby_feedback off: vacuum on the primary would take rows that the slot needs, and it is lost",
            expected="hot_standby_feedback on",
            cure=f"set hot_standby_feedback 1 in a group of the replica's own (now {group}); no reboot",
        )


def _slots(migration: Migration, reader: Reader, own_slots: Collection[str]) -> Iterator[Finding]:
    place, name = reader.database.identifier, names.slot(migration.name)
    there = {slot.name for slot in reader.slots}
    if name in there:
        if name not in own_slots:
            yield error(
                "replica_slot_taken",
                place,
                found=f"slot {name}, which the ledger does not give to this migration",
                expected="no slot of that name",
                cure="see whose it is, and drop it or give the migration another name",
            )
        return
    most = int(reader.server.settings.get("max_replication_slots", "0"))
    if len(there) >= most:
        yield error(
            "replica_without_free_slot",
            place,
            found=f"{len(there)} of {most} slots in use on the replica",
            expected="a free one",
            cure="raise max_replication_slots in the replica's group and reboot it, or drop a slot that nobody needs",
        )
    yield note(
        "replica_slot_fills_replica",
        place,
        found=f"slot {name} holds back WAL on the replica, not on the primary",
        cure="pg_cdc_slot_hygiene looks at the replica too, and tells of its alarms",
    )

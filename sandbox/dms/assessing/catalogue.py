"""The individual assessments of a PostgreSQL source, by AWS's names; what is not looked into here is ``skipped``.

Source: https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Tasks.AssessmentReport.PG.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from sandbox.dms.assessing import server, tables
from sandbox.dms.assessing.subject import Subject, Verdict

PREFIX = "postgres-check-"


class Check(NamedTuple):
    """One assessment. ``changes``: it applies only to tasks that capture changes."""

    look: Callable[[Subject], Verdict]
    changes: bool = False


def skipped(_: Subject) -> Verdict:
    """Look into nothing."""
    return Verdict("skipped", "the sandbox does not look into this")


CHECKS = {
    f"{PREFIX}dbversion": Check(server.dbversion),
    f"{PREFIX}wallevel": Check(server.wallevel, changes=True),
    f"{PREFIX}maxwalsenders": Check(server.maxwalsenders, changes=True),
    f"{PREFIX}replication-slots-count": Check(server.replication_slots_count, changes=True),
    f"{PREFIX}walsenderstimeout": Check(server.walsenderstimeout, changes=True),
    f"{PREFIX}maxslot-wal-keep-size": Check(server.maxslot_wal_keep_size, changes=True),
    f"{PREFIX}for-logical-decoding-work-mem": Check(server.logical_decoding_work_mem, changes=True),
    f"{PREFIX}longrunningtxn": Check(server.longrunningtxn, changes=True),
    f"{PREFIX}preparedtxn": Check(server.preparedtxn, changes=True),
    f"{PREFIX}pglogical": Check(server.pglogical, changes=True),
    f"{PREFIX}ddl-event-trigger": Check(server.ddl_event_trigger, changes=True),
    f"{PREFIX}pk": Check(tables.pk, changes=True),
    f"{PREFIX}pk-lob": Check(tables.pk_lob),
    f"{PREFIX}pk-validity": Check(tables.pk_validity),
    f"{PREFIX}similar-table-name": Check(tables.similar_table_name),
    f"{PREFIX}table-with-array": Check(tables.table_with_array),
    f"{PREFIX}limited-lob-size": Check(tables.limited_lob_size),
    f"{PREFIX}select-object-privileges": Check(tables.select_object_privileges),
    f"{PREFIX}postgis-data-type": Check(skipped),
    f"{PREFIX}target-privileges": Check(server.target_privileges),
    f"{PREFIX}target-secondary-indexes": Check(tables.target_secondary_indexes),
    f"{PREFIX}session-replication-role": Check(tables.session_replication_role),
    f"{PREFIX}batch-apply-target-pk-ui-absence": Check(tables.batch_apply_key_absence, changes=True),
    f"{PREFIX}batch-apply-target-pk-ui-simultaneously": Check(tables.batch_apply_key_and_unique, changes=True),
    "postgres-batch-apply-lob-mode": Check(tables.batch_apply_lob_mode, changes=True),
    "unsupported-data-types-in-source": Check(tables.unsupported_data_types),
    "table-with-no-primary-key-or-unique-constraint": Check(tables.no_key_or_unique, changes=True),
    "table-with-lob-but-without-primary-key-or-unique-constraint": Check(tables.lob_without_key),
    "full-lob-not-nullable-at-target": Check(tables.full_lob_not_nullable),
}
ALL = tuple(CHECKS)


def applicable(kind: str) -> tuple[str, ...]:
    """Return the names that apply to a task of the migration type ``kind``."""
    return tuple(name for name, check in CHECKS.items() if kind != "full-load" or not check.changes)

"""Which of our findings asks the same as an individual assessment of DMS: its cure is theirs too. Pure.

docs/findings.md shows the same, the other way round.
Source: https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Tasks.AssessmentReport.PG.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pg_cdc.decisions.world import Finding

PREFIX = "postgres-check-"

CODES: Mapping[str, tuple[str, ...]] = {
    "dbversion": ("version_too_old_for_dms", "version_too_old_for_multi_az_cluster", "dms_version_too_old"),
    "pglogical": ("version_too_old_for_pglogical", "pglogical_not_available", "output_plugin_not_allowed"),
    "replication-slots-count": ("no_free_slot",),
    "maxwalsenders": ("no_free_sender",),
    "preparedtxn": ("prepared_transaction",),
    "longrunningtxn": ("long_transaction",),
    "maxslot-wal-keep-size": ("slot_wal_limited",),
    "for-logical-decoding-work-mem": ("decoding_spills_early",),
    "ddl-event-trigger": ("source_is_subscriber",),
    "similar-table-name": ("names_differ_by_case",),
    "pk": ("table_without_key",),
    "table-with-no-primary-key-or-unique-constraint": ("table_without_key",),
    "pk-validity": ("validation_without_key",),
    "limited-lob-size": ("lob_column", "lob_too_long"),
    "pk-lob": ("lob_in_key",),
    "table-with-lob-but-without-primary-key-or-unique-constraint": ("lob_without_key",),
    "table-with-array": ("array_without_key",),
    "postgres-batch-apply-lob-mode": ("batch_apply_full_lob",),
    "unsupported-data-types-in-source": ("type_changed", "type_unknown_to_dms", "large_object"),
    "postgis-data-type": ("postgis_missing_on_target",),
    "select-object-privileges": ("select_not_grantable",),
    "target-privileges": ("target_privilege_missing", "target_table_not_ours"),
    "session-replication-role": ("target_foreign_key", "target_trigger"),
    "target-secondary-indexes": ("target_secondary_index",),
    "full-lob-not-nullable-at-target": ("target_lob_not_null",),
    "batch-apply-target-pk-ui-absence": ("batch_apply_without_key",),
    "batch-apply-target-pk-ui-simultaneously": ("batch_apply_key_and_unique",),
}
"""AWS's key without its prefix, to the codes of our findings."""

PROVED = {
    "wallevel": "rds.logical_replication 1 and a reboot of the writer: clear set_parameters and what follows",
    "walsenderstimeout": "wal_sender_timeout 0, or 10000 to 299999: clear set_parameters and what follows",
    "pglogical": "pglogical in shared_preload_libraries, a reboot, CREATE EXTENSION pglogical; or replication.plugin"
    " test_decoding, which needs none of them",
    "ddl-event-trigger": "ALTER EVENT TRIGGER awsdms_intercept_ddl ENABLE ALWAYS; it matters only where the source is a"
    " subscriber itself",
    "select-object-privileges": "clear ensure_dms_role: it grants SELECT on the tables of today",
}
"""What cures an assessment when our own checks find nothing: mostly, a step of the run has set it."""


def key_of(assessment: str) -> str:
    """Return AWS's key without its prefix."""
    return assessment.removeprefix(PREFIX)


def cure_of(assessment: str, findings: Sequence[Finding], place: str) -> str:
    """Return how to cure an individual assessment: by our own findings where they say the same."""
    key = key_of(assessment)
    codes = CODES.get(key, ())
    if ours := [finding for finding in findings if finding.code in codes]:
        return "; ".join(f"[{finding.code}] {finding.subject}: {finding.cure}" for finding in ours)
    if key in PROVED:
        return PROVED[key]
    same = f"our own checks ({', '.join(codes)}) find nothing now; " if codes else "our own checks do not ask this; "
    return f"{same}see its result in {place}"

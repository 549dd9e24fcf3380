"""Which part of PostgreSQL can be set where: in RDS's parameter groups, in Aurora's, or by nobody. Data only.

From a team's notes on what is configurable in RDS and in Aurora. They say that RDS runs the checkpointer too; its
groups take ``checkpoint_timeout`` all the same, so on RDS IsModifiable decides, and ``rds`` only says why not.
Source: https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/AuroraPostgreSQL.Reference.ParameterGroups.html
Source: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Appendix.PostgreSQL.CommonDBATasks.Parameters.html
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Component:
    """A part of PostgreSQL and its ``parameters``. ``rds``, ``aurora``: why not to be set there; empty: it can be."""

    name: str
    parameters: tuple[str, ...]
    rds: str = ""
    aurora: str = ""


COMPONENTS = (
    Component(
        name="shared buffers",
        parameters=("shared_buffers",),
        aurora="Aurora sizes its page cache itself: there is no file system cache below it",
    ),
    Component(
        name="WAL buffers",
        parameters=("wal_buffers",),
        aurora="Aurora sends its log to the storage volume, and sizes the buffers for that itself",
    ),
    Component(name="work memory", parameters=("work_mem",)),
    Component(name="maintenance work memory", parameters=("maintenance_work_mem",)),
    Component(
        name="checkpointer",
        parameters=(
            "checkpoint_completion_target",
            "checkpoint_flush_after",
            "checkpoint_timeout",
            "checkpoint_warning",
        ),
        rds="RDS runs the checkpointer",
        aurora="Aurora makes no checkpoints: its storage applies the log, and recovery is instant",
    ),
    Component(
        name="background writer",
        parameters=("bgwriter_delay", "bgwriter_flush_after", "bgwriter_lru_maxpages", "bgwriter_lru_multiplier"),
        aurora="Aurora writes no pages: its storage makes them from the log",
    ),
    Component(
        name="WAL archiving",
        parameters=("archive_command", "archive_library", "archive_mode", "archive_timeout"),
        rds="RDS archives WAL to S3 itself",
        aurora="Aurora archives no WAL: its storage is backed up continuously",
    ),
    Component(name="WAL retention", parameters=("wal_keep_size", "max_wal_size")),
    Component(
        name="WAL level",
        parameters=("wal_level",),
        rds="rds.logical_replication sets it",
        aurora="rds.logical_replication sets it",
    ),
    Component(name="replication slots", parameters=("max_replication_slots",)),
    Component(
        name="autovacuum", parameters=("autovacuum", "autovacuum_vacuum_cost_delay", "autovacuum_vacuum_cost_limit")
    ),
    Component(
        name="storage",
        parameters=("data_directory",),
        rds="RDS lays out the volume",
        aurora="Aurora's volume is its own, and grows by itself",
    ),
)

BY_PARAMETER = {parameter: component for component in COMPONENTS for parameter in component.parameters}

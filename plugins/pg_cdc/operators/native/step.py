"""What the steps of native replication share: one migration, both ends, and waiting for either."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from pg_cdc.failures import SpecInvalid
from pg_cdc.operators.base import CdcOperator

if TYPE_CHECKING:
    from airflow.sdk import Context
    from psycopg import Connection

    from pg_cdc.config import Migration
    from pg_cdc.decisions.world import Database
    from pg_cdc.hooks.postgres import Credentials
    from pg_cdc.waits import Wait


class Ends(NamedTuple):
    """Where the two ends are, and how to log in as admin. ``target_database`` None: it is not on RDS."""

    database: Database
    target_database: Database | None
    source: Credentials
    target: Credentials

    @contextmanager
    def both(self) -> Iterator[tuple[Connection[Any], Connection[Any]]]:
        """Yield a connection to the source and one to the target."""
        with self.source.connect() as source, self.target.connect() as target:
            yield source, target

    def classes(self) -> tuple[str | None, str | None]:
        """Return the instance classes of source and target."""
        there = self.target_database
        return self.database.writer.instance_class, there.writer.instance_class if there else None

    def address(self) -> dict[str, Any]:
        """Return where the source is, for a wait."""
        return {"host": self.source.host, "port": self.source.port}


def as_native(migration: Migration) -> Migration:
    """Return the spec with the plugin that is part of PostgreSQL: no library is preloaded for the sake of DMS."""
    from pg_cdc.config import Plugin

    replication = migration.replication.model_copy(update={"plugin": Plugin.TEST_DECODING})
    return migration.model_copy(update={"replication": replication})


class NativeSpec(CdcOperator):
    """A step that reads the spec as native replication means it."""

    def spec(self, context: Context) -> Migration:
        """Return the migration of this run. :raises SpecInvalid: its target is a bucket."""
        migration = super().spec(context)
        if migration.lake.bucket:
            raise SpecInvalid(
                found=f"lake.bucket {migration.lake.bucket}",
                expected="a database: a bucket subscribes to nothing",
                next="run pg_cdc_migrate, which copies to buckets by DMS; or leave lake.bucket empty",
            )
        return as_native(migration)


class NativeStep(NativeSpec):
    """A step between the two ends."""

    def ends(self, migration: Migration) -> Ends:
        """Return the two ends as they are found now."""
        from pg_cdc.facts.rds import read_database
        from pg_cdc.hooks.postgres import source_credentials, target_credentials
        from pg_cdc.hooks.rds import CdcRdsHook

        hook = CdcRdsHook.of(migration)
        database = read_database(hook, migration.source.identifier)
        identifier = migration.target.identifier
        there = read_database(hook, identifier) if identifier else None
        return Ends(database, there, source_credentials(migration, database), target_credentials(migration, hook))

    def wait_minutes(self, wait: Wait, context: Context, migration: Migration, minutes: int) -> None:
        """Wait for at most ``minutes``."""
        timeout = timedelta(minutes=minutes)
        # These looks ask PostgreSQL only, which has no limit of calls as AWS has.
        self.wait_for(wait, context, timeout=timeout, poll_seconds=migration.timeouts.poll_seconds, first_pause=0.05)

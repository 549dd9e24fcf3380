"""Make what comes after the rows: indexes several at a time, then constraints, then triggers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING, Any

from pg_cdc.decisions.outcome import Outcome
from pg_cdc.failures import Differs, NotProved, NotYet
from pg_cdc.operators.native.step import Ends, NativeStep

if TYPE_CHECKING:
    from airflow.sdk import Context
    from psycopg import Connection

    from pg_cdc.config import Migration
    from pg_cdc.decisions.native.indexes import IndexPlan, Shape
    from pg_cdc.decisions.native.world import Name
    from pg_cdc.hooks.native.indexes import Sessions

Act = Callable[["Connection[Any]", Any], object]


class BuildIndexesOperator(NativeStep):
    """Make the indexes, constraints and triggers that the target lacks, before changes are applied to its tables."""

    def step(self, migration: Migration, context: Context) -> Outcome:
        """Make them, once the rows are there; pglogical's tables have them before."""
        from pg_cdc.decisions.native.pglogical import is_pglogical
        from pg_cdc.facts.native.objects import read_snapshot

        ends = self.ends(migration)
        if not is_pglogical(migration):
            with ends.source.connect() as conn:
                snapshot = read_snapshot(conn, migration)
            if snapshot is None or not snapshot.loaded:
                raise NotYet("not every table is loaded yet: indexes come after the rows")
        return IndexBuilder(ends, migration, self.log).run(self.task_id)


class IndexBuilder:
    """Makes what the target lacks, whatever step asks for it."""

    def __init__(self, ends: Ends, migration: Migration, log: Any) -> None:
        self.ends, self.migration, self.log = ends, migration, log

    def run(self, task_id: str) -> Outcome:
        """Plan by what both ends have, make it, and plan again as proof."""
        from pg_cdc.decisions.native.indexes import not_copied, plan_indexes

        tables, source, target = self._shapes()
        changes = self._make(plan_indexes(source, target, tables))
        if changes:
            tables, source, target = self._shapes()
            if not (left := plan_indexes(source, target, tables)).is_empty():
                raise NotProved(
                    found=f"the target still lacks {left}",
                    expected="the indexes and constraints of the source",
                    next=f"clear {task_id}",
                )
        facts = {"indexes": len(target.indexes), "constraints": len(target.constraints)}
        return Outcome(changes=changes, facts=facts, warnings=tuple(not_copied(source, target, tables)))

    def _shapes(self) -> tuple[frozenset[Name], Shape, Shape]:
        from pg_cdc.facts.native.objects import read_copied_schema
        from pg_cdc.facts.native.shape import read_shape

        with self.ends.both() as (source, target):
            tables = read_copied_schema(target, self.migration.name)
            return tables, read_shape(source, tables), read_shape(target, tables)

    def _make(self, plan: IndexPlan) -> tuple[str, ...]:
        from pg_cdc.decisions.native.load import helpers, index_jobs
        from pg_cdc.hooks.native.indexes import Sessions

        if plan.is_empty():
            return ()
        target_class = self.ends.classes()[1]
        jobs = index_jobs(self.migration.native.index_jobs, target_class)
        self.log.info("%d indexes to build, %d at a time", len(plan.build), jobs)
        workers = helpers(jobs, len(plan.build), target_class)
        with closing(Sessions(self.ends.target, jobs=jobs, workers=workers)) as sessions:
            return self._make_all(sessions, jobs, plan)

    def _make_all(self, sessions: Sessions, jobs: int, plan: IndexPlan) -> tuple[str, ...]:
        from pg_cdc.facts.native.objects import read_copied_schema
        from pg_cdc.hooks.native import indexes as write

        made = self._parallel(sessions, jobs, write.build, plan.build)
        serial: tuple[tuple[Act, Sequence[Any]], ...] = (
            (write.constrain, plan.constrain),
            (write.attach, plan.attach),
            (write.identify, plan.identify),
            (write.add_key, plan.keys),
        )
        for act, items in serial:
            made += self._parallel(sessions, 1, act, items)
        made += self._parallel(sessions, jobs, write.validate, plan.validate)
        made += self._parallel(sessions, 1, write.make_object, plan.objects)
        with sessions.taken() as conn:
            tables = sorted(read_copied_schema(conn, self.migration.name))
        self._parallel(sessions, jobs, write.analyze, tables)
        return tuple(made)

    def _parallel(self, sessions: Sessions, jobs: int, act: Act, items: Sequence[Any]) -> list[str]:
        """Do ``act`` to each item, ``jobs`` at a time; the first failure is raised once the others have ended."""
        import psycopg

        def one(item: Any) -> str:
            with sessions.taken() as conn:
                done = str(act(conn, item))
            self.log.info("%s", done)
            return done

        try:
            with ThreadPoolExecutor(max_workers=jobs, thread_name_prefix="index") as pool:
                return list(pool.map(one, items))
        except (psycopg.errors.IntegrityError, psycopg.errors.UndefinedFunction) as err:
            raise Differs(
                found=f"the target does not take it ({err.sqlstate}): {err.diag.message_primary}",
                expected="the index or constraint that the source has",
                next="see whether the source's own is valid; a foreign key there may be NOT VALID or its data broken",
            ) from err

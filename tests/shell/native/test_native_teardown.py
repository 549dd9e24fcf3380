"""From any point of a migration, a takedown leaves nothing of it, touches nothing of others, and can be run again."""

from __future__ import annotations

import pytest

from pg_cdc.config.teardown import Keep, Teardown
from pg_cdc.decisions.teardown.residue import Fate, Residue, is_clean, judge_all
from pg_cdc.facts.native.remains import native_traces
from pg_cdc.operators.native.teardown import DropSubscriptionOperator, RemoveNativeObjectsOperator
from pg_cdc.operators.teardown.sql import DropSlotOperator
from pg_cdc.spec import migration_from_mapping
from tests.cases import all_but_exhaustive
from tests.shell.native.conftest import PREPARE, STREAM, Pair

DOWN = (DropSubscriptionOperator, DropSlotOperator, RemoveNativeObjectsOperator)
TRACES = """
select 'slot', slot_name::text from pg_replication_slots where database = current_database()
union all select 'publication', pubname from pg_publication
union all select 'subscription', subname from pg_subscription where subdbid = (
    select oid from pg_database where datname = current_database())
union all select 'schema', nspname from pg_namespace where nspname = 'pgcdc_native'
union all select 'identity', relname from pg_class where relreplident = 'f'
"""


def traces(pair: Pair) -> list[tuple[str, str]]:
    with pair.on_source() as source, pair.on_target() as target:
        return source.execute(TRACES).fetchall() + target.execute(TRACES).fetchall()


def residue(pair: Pair, *keep: Keep) -> tuple[Residue, ...]:
    return judge_all(native_traces(migration_from_mapping(pair.migration), Teardown(keep=list(keep))))


STEPS = range(len(PREPARE) + 1 + len(STREAM) + 1)


@pytest.mark.parametrize("steps", all_but_exhaustive(STEPS, {len(PREPARE), STEPS[-1]}))
def test_a_takedown_after_so_many_steps_leaves_nothing(pair, steps):
    pair.run_all(PREPARE[:steps])
    if steps > len(PREPARE):
        pair.load()
        pair.run_all(STREAM[: steps - len(PREPARE) - 1])

    pair.run_all(DOWN)

    assert traces(pair) == []
    assert is_clean(residue(pair))
    assert all(said["changes"] == [] for said in pair.run_all(DOWN).values())


@pytest.mark.exhaustive
def test_what_is_left_is_told_with_the_command_that_removes_it(pair):
    pair.migrate()

    left = [line for line in residue(pair) if line.fate is Fate.LEFT]

    assert {line.kind for line in left} == {"subscription", "publication", "replica identity", "rows"}
    assert all(line.command for line in left)
    assert {line.kind for line in residue(pair, Keep.SOURCE) if line.fate is Fate.LEFT} == {"subscription", "rows"}


def test_a_subscription_of_somebody_else_stays(pair):
    pair.migrate()
    with pair.on_target() as conn:
        (name,) = conn.execute("select subname from pg_subscription where subname ~ %s", (pair.name[5:],)).fetchone()
        conn.execute(f"comment on subscription {name} is 'theirs'")

    pair.run(DropSubscriptionOperator)

    assert ("subscription", name) in traces(pair)


@pytest.mark.exhaustive
def test_the_tables_and_the_objects_of_others_stay(pair):
    pair.migrate()
    with pair.on_source() as conn:
        conn.execute("create publication theirs for table shop.customers")
        conn.execute("select pg_create_logical_replication_slot('theirs_' || current_database(), 'pgoutput')")

    pair.run_all(DOWN)

    assert {kind for kind, _ in traces(pair)} == {"publication", "slot"}
    with pair.on_target() as conn:
        assert conn.execute("select count(*) from shop.customers").fetchone() == (2000,)


@pytest.mark.exhaustive
def test_a_migration_can_be_run_again_after_its_takedown_and_the_drop_of_its_tables(pair):
    pair.migrate()
    pair.run_all(DOWN)
    with pair.on_target() as conn:
        conn.execute("drop schema shop cascade")

    pair.migrate()

    assert len(pair.slots()) == 1

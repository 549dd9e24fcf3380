"""Drop the slots that may go, each judged once more from fresh facts; end the readers that a person named."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from pg_cdc.decisions.outcome import Outcome
from pg_cdc.operators.hygiene.check import looks_of, one_line
from pg_cdc.operators.hygiene.decide import APPROVE_TASK, plan_of
from pg_cdc.operators.hygiene.step import HygieneOperator, Server, migrations_on, mode_of

if TYPE_CHECKING:
    from airflow.sdk import Context

    from pg_cdc.config import Migration
    from pg_cdc.config.hygiene import Hygiene
    from pg_cdc.decisions.slots.policy import Policy
    from pg_cdc.decisions.slots.report import DropLine
    from pg_cdc.decisions.slots.world import SourceFacts


class DropOrphansOperator(HygieneOperator):
    """Drop what was decided, and nothing that has changed since. One server's failure leaves the others their turn."""

    def work(self, hygiene: Hygiene, context: Context) -> Outcome:
        """Drop."""
        from pg_cdc.decisions.slots.report import DropLine

        lines: list[DropLine] = []
        errors: list[str] = []
        policy = hygiene.policy()
        chosen = self._chosen(hygiene, context)
        acting = self._acting(context)
        for server in acting:
            slots = chosen.get(server["label"], frozenset())
            if not slots and not _names_reader(server, policy):
                continue
            try:
                lines += act_on(server, slots, policy)
            except Exception as err:
                self.log.warning("%s: nothing dropped", server["label"], exc_info=True)
                errors.append(f"{server['label']}: {one_line(err)}")
                lines += [
                    DropLine(identifier=server["label"], slot=slot, dropped=False, text=one_line(err)) for slot in slots
                ]
        return Outcome(
            changes=tuple(f"{line.identifier}: {line.text}" for line in lines if line.dropped),
            facts={"drops": [asdict(line) for line in lines], "errors": errors},
            warnings=tuple(f"{line.identifier}: {line.text}" for line in lines if not line.dropped),
        )

    def _acting(self, context: Context) -> list[Server]:
        """Return the servers that this run acts on: none, when it was cleared long after it looked."""
        from pg_cdc.facts.run import read_run

        asked = read_run(context, own_task=self.task_id).returned.get(APPROVE_TASK, {})
        mode = mode_of(context, waited_seconds=asked.get("seconds", 0.0))
        self.log.info("%s", mode.why)
        return [look["server"] for look in looks_of(context) if look["acts"] and mode.acts]

    def _chosen(self, hygiene: Hygiene, context: Context) -> dict[str, frozenset[str]]:
        plan = plan_of(looks_of(context), hygiene)
        labels = {label for label, _ in plan.drops}
        return {label: frozenset(v.name for where, v in plan.drops if where == label) for label in labels}


def act_on(server: Server, slots: frozenset[str], policy: Policy) -> list[DropLine]:
    """Drop those of ``slots`` that may still go, and end the readers that ``policy`` names."""
    from pg_cdc.decisions.slots.report import DropLine
    from pg_cdc.facts.slots.server import read_source_facts
    from pg_cdc.hooks.slots.books import open_books

    label, migrations = server["label"], migrations_on(server)
    facts = read_source_facts(migrations)
    with open_books(migrations[0], facts) as (book, why):
        if book is None:
            return [DropLine(identifier=label, slot=slot, dropped=False, text=why) for slot in sorted(slots)]
        facts = replace(facts, watches=book.watches())
        found = [*_drop(label, migrations[0], facts, slots, policy), *_terminate(label, migrations[0], facts, policy)]
    return found


def _drop(
    label: str, migration: Migration, facts: SourceFacts, slots: frozenset[str], policy: Policy
) -> Iterator[DropLine]:
    from pg_cdc.decisions.slots.report import DropLine
    from pg_cdc.decisions.slots.verdicts import judge_source
    from pg_cdc.hooks.slots.drop import drop_slot

    judged = {verdict.name: verdict for verdict in judge_source(facts, policy)}
    for name in sorted(slots):
        verdict = judged.get(name)
        if verdict is None:
            yield DropLine(identifier=label, slot=name, dropped=False, text=f"slot {name} is gone already")
        elif not verdict.drop:
            why = f"slot {name} not dropped: {'; '.join(verdict.reasons)}"
            yield DropLine(identifier=label, slot=name, dropped=False, text=why)
        else:
            result = drop_slot(migration, facts.identifier, verdict.slot, verdict.owner)
            yield DropLine(identifier=label, slot=name, dropped=result.dropped, text=result.text)


def _terminate(label: str, migration: Migration, facts: SourceFacts, policy: Policy) -> Iterator[DropLine]:
    from pg_cdc.decisions.slots.actions import terminations
    from pg_cdc.decisions.slots.report import DropLine
    from pg_cdc.hooks.slots.drop import terminate_backend

    for reader in terminations(facts, policy):
        result = terminate_backend(migration, reader.identifier, reader.slot, reader.pid)
        yield DropLine(identifier=label, slot=reader.slot, dropped=False, text=result.text)


def _names_reader(server: Server, policy: Policy) -> bool:
    return not policy.dry_run and any(path.startswith(f"{server['identifier']}/") for path in policy.terminate)

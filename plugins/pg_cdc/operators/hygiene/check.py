"""Look at one server, judge its slots, and write down what was seen. What cannot be checked is data, not an error."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pg_cdc.decisions.outcome import Outcome
from pg_cdc.operators.hygiene.step import HygieneOperator, Server, interval_of, migrations_on, mode_of

if TYPE_CHECKING:
    from airflow.sdk import Context

    from pg_cdc.config import Migration
    from pg_cdc.config.hygiene import Hygiene
    from pg_cdc.decisions.slots.policy import Policy
    from pg_cdc.decisions.slots.report import SourceReport
    from pg_cdc.decisions.slots.verdicts import Verdict
    from pg_cdc.decisions.slots.world import SourceFacts

log = logging.getLogger(__name__)

AT_MOST = timedelta(minutes=2)


@dataclass(frozen=True, kw_only=True)
class Look:
    """What a check came to. ``acts``: this run may drop slots there; ``alarms``: what people are not told of yet."""

    report: SourceReport
    acts: bool = False
    changes: tuple[str, ...] = ()
    alarms: tuple[dict[str, Any], ...] = ()


class CheckSourceOperator(HygieneOperator):
    """Look at one server. It never fails for what it finds or for what it cannot reach: the report does.

    :param source: the server, as ``list_sources`` gives it.
    """

    def __init__(self, *, source: Server, **kwargs: Any) -> None:
        super().__init__(**{"retries": 0, "execution_timeout": AT_MOST, **kwargs})
        self.source = source

    def work(self, hygiene: Hygiene, context: Context) -> Outcome:
        """Look, judge, write down, and send the gauges."""
        from pg_cdc.decisions.slots.report import source_values

        policy = hygiene.policy()
        look = self._look(hygiene, policy, context)
        if look.report.error:
            self.log.warning("%s: could not check: %s", self.source["label"], look.report.error)
        for verdict in look.report.verdicts:
            self.log.info("%s: %s", verdict.name, "; ".join((verdict.kind, *verdict.reasons)))
        found = {
            "server": dict(self.source),
            "acts": look.acts,
            "alarms": list(look.alarms),
            "report": source_values(look.report, policy),
        }
        return Outcome(changes=look.changes, facts=found, warnings=look.report.notes)

    def _look(self, hygiene: Hygiene, policy: Policy, context: Context) -> Look:
        from pg_cdc.decisions.slots.report import SourceReport

        label = self.source["label"]
        try:
            if self.source["error"]:
                return Look(report=SourceReport(identifier=label, error=self.source["error"]))
            migrations = migrations_on(self.source)
            if mode_of(context).acts:
                return look_now(label, migrations, policy, keep_days=hygiene.keep_days)
            start, end = interval_of(context)
            return look_back(label, migrations, policy, start=start, end=end)
        except Exception as err:
            self.log.warning("%s could not be checked", label, exc_info=True)
            return Look(report=SourceReport(identifier=label, error=one_line(err)))


def look_now(label: str, migrations: tuple[Migration, ...], policy: Policy, *, keep_days: float) -> Look:
    """Look at a server, and keep its books, unless another run is doing so. What was seen is told in any case."""
    from pg_cdc.decisions.slots.report import SourceReport, metrics
    from pg_cdc.decisions.slots.verdicts import judge_source
    from pg_cdc.facts.slots.server import read_source_facts
    from pg_cdc.hooks.metrics import send_gauges

    facts = read_source_facts(migrations)
    try:
        look = _keep_books(label, migrations[0], facts, policy, keep_days=keep_days)
    except Exception as err:
        log.warning("%s: its books could not be kept", label, exc_info=True)
        error = f"its books could not be kept: {one_line(err)}"
        verdicts = judge_source(facts, policy)
        look = Look(report=SourceReport(identifier=label, facts=facts, verdicts=verdicts, error=error, notes=(error,)))
    send_gauges(metrics(label, look.report.verdicts))
    return look


def _keep_books(label: str, migration: Migration, facts: SourceFacts, policy: Policy, *, keep_days: float) -> Look:
    """Judge by what the books say now that no other run can change them, and write down what is seen."""
    from pg_cdc.decisions.slots.report import SourceReport
    from pg_cdc.decisions.slots.verdicts import judge_source
    from pg_cdc.hooks.slots.books import open_books, write_down

    with open_books(migration, facts) as (book, why):
        facts = replace(facts, watches=book.watches()) if book else facts
        verdicts = judge_source(facts, policy)
        changes = write_down(book, migration, facts, verdicts, keep_days=keep_days) if book else ()
    report = SourceReport(identifier=label, facts=facts, verdicts=verdicts, notes=(why,) if why else ())
    look = Look(report=report, acts=book is not None and not facts.in_recovery, changes=changes)
    return replace(look, alarms=_alarms(facts, verdicts)) if book else look


def _alarms(facts: SourceFacts, verdicts: tuple[Verdict, ...]) -> tuple[dict[str, Any], ...]:
    from pg_cdc.decisions.slots.actions import changed_alarms

    return tuple(asdict(alarm) for alarm in changed_alarms(facts.identifier, verdicts, facts.watches))


def look_back(label: str, migrations: tuple[Migration, ...], policy: Policy, *, start: float, end: float) -> Look:
    """Tell how the slots stood in an interval of the past. Writes nothing."""
    from pg_cdc.decisions.slots.past import facts_of_the_past
    from pg_cdc.decisions.slots.report import SourceReport
    from pg_cdc.decisions.slots.verdicts import judge_source
    from pg_cdc.facts.slots.server import read_source_facts
    from pg_cdc.hooks.slots.books import read_books

    now = read_source_facts(migrations)
    books = read_books(migrations[0], since=start - 86400, until=end)
    then = facts_of_the_past(now, books, start=start, end=end)
    if then is None:
        empty = replace(now, at=end, slots=(), looks={}, history={}, watches={}, cache_rates=())
        return Look(
            report=SourceReport(identifier=label, facts=empty, notes=("nothing was written down in this interval",))
        )
    return Look(report=SourceReport(identifier=label, facts=then, verdicts=judge_source(then, policy)))


def one_line(err: BaseException) -> str:
    """Return an error in one line, as the report has it."""
    found = getattr(err, "found", None) or str(err) or type(err).__name__
    return " ".join(str(found).split())


def looks_of(context: Context) -> list[Mapping[str, Any]]:
    """Return what the checks of this run came to, and a failure for each that left nothing."""
    ti: Any = context["ti"]
    servers = ti.xcom_pull(task_ids="list_sources", map_indexes=-1) or []
    left = ti.xcom_pull(task_ids="check_source") or []
    done = {
        each["facts"]["server"]["label"]: each["facts"] for each in ([left] if isinstance(left, dict) else left) if each
    }
    return [done.get(server["label"]) or _left_nothing(server) for server in servers]


def _left_nothing(server: Server) -> dict[str, Any]:
    error = server["error"] or f"its check ended without a result within {AT_MOST}"
    report = {"identifier": server["label"], "checked": False, "error": error, "slots": [], "notes": []}
    return {"server": dict(server), "acts": False, "alarms": [], "report": report}

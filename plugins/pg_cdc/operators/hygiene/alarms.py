"""Tell people of alarms, once for each change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pg_cdc.decisions.outcome import Outcome
from pg_cdc.failures import NotYet
from pg_cdc.operators.hygiene.check import looks_of
from pg_cdc.operators.hygiene.step import HygieneOperator, migrations_on, mode_of

if TYPE_CHECKING:
    from airflow.sdk import Context

    from pg_cdc.config.hygiene import Hygiene
    from pg_cdc.decisions.slots.actions import AlarmChange
    from pg_cdc.decisions.slots.world import Watch


class RaiseAlarmsOperator(HygieneOperator):
    """Tell people of each severity that is not the one last told. What could not be told is told by the next try."""

    def work(self, hygiene: Hygiene, context: Context) -> Outcome:
        """Tell."""
        from pg_cdc.hooks.notify import read_notifiers

        looks = [look for look in looks_of(context) if look["alarms"]]
        if not looks or not mode_of(context).acts:
            return Outcome(facts={"alarms": []})
        notifiers = read_notifiers()
        if not notifiers:
            texts = tuple(
                f"nobody is told, for no notifier is named: {a['text']}" for look in looks for a in look["alarms"]
            )
            return Outcome(facts={"alarms": []}, warnings=texts)
        told: list[dict[str, Any]] = []
        failed: list[str] = []
        for look in looks:
            try:
                told += [vars(change) for change in self._tell(look, notifiers, context)]
            except Exception as err:
                self.log.warning("%s: not all alarms were told", look["server"]["label"], exc_info=True)
                failed.append(f"{look['server']['label']}: {err}")
        if failed:
            raise NotYet("; ".join(failed))
        return Outcome(changes=tuple(f"told of {alarm['text']}" for alarm in told), facts={"alarms": told})

    def _tell(
        self, look: Mapping[str, Any], notifiers: list[dict[str, Any]], context: Context
    ) -> Iterator[AlarmChange]:
        """Tell of one server's changes, remembering each as soon as it is told."""
        from pg_cdc.decisions.slots.actions import changed_alarms
        from pg_cdc.decisions.slots.alarms import alarm_of, told_watches
        from pg_cdc.decisions.slots.verdict_values import verdict_of
        from pg_cdc.hooks.notify import tell
        from pg_cdc.hooks.slots.books import open_books

        verdicts = tuple(map(verdict_of, look["report"]["slots"]))
        with open_books(migrations_on(look["server"])[0]) as (book, why):
            if book is None:
                raise NotYet(why)
            watches: Mapping[str, Watch] = book.watches()
            for change in changed_alarms(look["server"]["identifier"], verdicts, watches):
                tell(notifiers, alarm_of(change), context)
                watches = told_watches(watches, change, at=look["report"]["at"])
                book.save_watches(watches)
                yield change

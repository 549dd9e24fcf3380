"""Over all servers: which slots are to be dropped, and whether a human has to allow it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pg_cdc.decisions.outcome import Outcome
from pg_cdc.failures import CdcFailure, NotYet
from pg_cdc.hooks.memo import hooks_shared
from pg_cdc.operators.gate import GateOperator, Question
from pg_cdc.operators.hygiene.check import looks_of
from pg_cdc.operators.hygiene.step import HygieneOperator, migrations_on, mode_of

if TYPE_CHECKING:
    from airflow.sdk import Context

    from pg_cdc.config.hygiene import Hygiene
    from pg_cdc.decisions.slots.actions import DropPlan, Judged

WAITING = ("awaiting_input", "deferred")
APPROVE_TASK = "approve_drops"
NOT_ASKED = "not asked for"


class DecideOperator(HygieneOperator):
    """Say what this run is going to do, from what all checks came to."""

    def work(self, hygiene: Hygiene, context: Context) -> Outcome:
        """Decide."""
        mode, looks = mode_of(context), looks_of(context)
        plan = plan_of(looks, hygiene)
        self.log.info("%s; %s", mode.why, plan.why)
        return Outcome(
            facts={
                "acts": mode.acts,
                "mode": mode.why,
                "why": plan.why,
                "needs_approval": plan.needs_approval,
                "drops": names(plan.drops),
                "withheld": names(plan.withheld),
                "alarms": [alarm for look in looks for alarm in look["alarms"]],
            },
            warnings=tuple(f"{label}: {error}" for label, error in _unchecked(looks)),
        )


class ApproveDropsOperator(HygieneOperator, GateOperator):
    """Ask, when many slots or much WAL are to go; while another run waits for an answer, this one drops nothing."""

    def work(self, hygiene: Hygiene, context: Context) -> Outcome:
        """Ask, or go on without approval when none is needed."""
        if not plan_of(looks_of(context), hygiene).needs_approval:
            return Outcome(facts={"approval": NOT_ASKED})
        if other := self._asked_already(context):
            self.log.info("Run %s waits for an answer to the same: this one drops nothing.", other)
            return Outcome(facts={"approval": f"waits for an answer in run {other}"})
        self._tell_so_far(hygiene, context)
        self._call_people(context)
        self.ask(context)
        return Outcome(facts={"approval": "asked for"})

    def execute(self, context: Context) -> dict[str, Any]:
        """Skip the drops when another run waits for an answer."""
        done = super().execute(context)
        if done["facts"]["approval"].startswith("waits"):
            self.end_here(context, done)
        return done

    def execute_complete(self, context: Context, event: dict[str, Any]) -> dict[str, Any]:
        """Go on when approved. A rejection gives each slot its grace anew: the next run must not ask the same again."""
        if event.get("chosen_options") == ["Reject"]:
            self._put_off(context)
        return super().execute_complete(context, event)

    def question(self, context: Context) -> Question:
        """Return what is asked: all that is to go, and why each may."""
        from pg_cdc.decisions.preflight.findings import counted

        hygiene = self.spec(context)
        plan = plan_of(looks_of(context), hygiene)
        return Question(
            subject=f"Drop {counted(len(plan.drops), 'replication slot')} whose owner is gone",
            body=_body(plan),
            minutes=hygiene.approval_minutes,
            again="the next run asks again; name the slots in protect to keep them for good",
        )

    def _tell_so_far(self, hygiene: Hygiene, context: Context) -> None:
        """Write the report now: an answer may take a day."""
        from pg_cdc.facts.run import read_run
        from pg_cdc.operators.hygiene.report import make_report, write_report

        run = read_run(context, own_task=self.task_id)
        write_report(make_report(hygiene, context, run, note="the drops wait for an answer"), context)

    def _call_people(self, context: Context) -> None:
        """Tell people that they are asked; where that fails, the question still stands under Required Actions."""
        from pg_cdc.hooks.notify import read_notifiers, tell

        question = self.question(context)
        call = {"title": question.subject, "text": question.body, "source": "", "slot": "", "before": ""}
        try:
            tell(read_notifiers(), {**call, "severity": "approval"}, context)
        except (NotYet, CdcFailure) as err:
            self.log.warning("Nobody was told of the question: %s", err)

    def _put_off(self, context: Context) -> None:
        from pg_cdc.decisions.slots.alarms import put_off
        from pg_cdc.hooks.slots.books import open_books

        looks = looks_of(context)
        chosen = plan_of(looks, self.spec(context)).drops
        for look in looks:
            label = look["server"]["label"]
            slots = frozenset(verdict.name for where, verdict in chosen if where == label)
            try:
                if slots:
                    with hooks_shared(), open_books(migrations_on(look["server"])[0]) as (book, _):
                        changed = book.save_watches(put_off(book.watches(), slots, at=time.time())) if book else ()
                        self.log.info("%s: grace begins anew for %s", label, ", ".join(changed) or "no slot")
            except Exception:
                self.log.warning("%s: grace does not begin anew", label, exc_info=True)

    def _asked_already(self, context: Context) -> str:
        """Return the run that waits for an answer to the same question, if one does."""
        ti: Any = context["ti"]
        runs: Mapping[str, Mapping[str, Any]] = ti.get_task_states(dag_id=ti.dag_id, task_ids=[self.task_id])
        others = (
            run_id
            for run_id, states in runs.items()
            if run_id != ti.run_id and any(str(state) in WAITING for state in states.values())
        )
        return next(others, "")


def plan_of(looks: Iterable[Mapping[str, Any]], hygiene: Hygiene) -> DropPlan:
    """Return what is to be dropped, by the labels of the servers; nothing where this run does not act."""
    from pg_cdc.decisions.slots.actions import choose_drops

    return choose_drops(judged_on(look for look in looks if look["acts"]), hygiene.policy(), acts=True)


def judged_on(looks: Iterable[Mapping[str, Any]]) -> tuple[Judged, ...]:
    """Return the verdicts on all slots, each with the label of its server."""
    from pg_cdc.decisions.slots.verdict_values import verdict_of

    return tuple((look["server"]["label"], verdict_of(slot)) for look in looks for slot in look["report"]["slots"])


def names(judged: Sequence[Judged]) -> list[str]:
    """Return the slots as ``server/slot``."""
    from pg_cdc.decisions.slots.policy import qualified

    return [qualified(label, verdict.name) for label, verdict in judged]


def _unchecked(looks: Iterable[Mapping[str, Any]]) -> list[tuple[str, str]]:
    return [(look["server"]["label"], look["report"]["error"]) for look in looks if not look["report"]["checked"]]


def _body(plan: DropPlan) -> str:
    from pg_cdc.decisions.amounts import bytes_text
    from pg_cdc.decisions.markdown import table

    rows = [
        {
            "slot": name,
            "held_back": "" if verdict.retained_bytes is None else bytes_text(verdict.retained_bytes),
            "why": "; ".join(verdict.reasons),
        }
        for name, (_, verdict) in zip(names(plan.drops), plan.drops, strict=True)
    ]
    return f"{plan.why}.\n\n{table(('slot', 'held_back', 'why'), rows)}\n\nEach is looked at once more before it goes."

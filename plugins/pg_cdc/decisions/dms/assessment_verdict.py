"""Judge an assessment run that is over: what passed, what is to be known, what stops the migration and its cure. Pure.

Source: https://docs.aws.amazon.com/dms/latest/APIReference/API_ReplicationTaskIndividualAssessment.html
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from pg_cdc.decisions.dms.assessment import GOOD, AssessmentRun
from pg_cdc.decisions.dms.assessment_cures import cure_of
from pg_cdc.decisions.preflight.findings import counted
from pg_cdc.decisions.world import Finding
from pg_cdc.failures import AssessmentFailed

PASSED, WARNING, SKIPPED = "passed", "warning", "skipped"
FINE = (PASSED, SKIPPED)


class Individual(NamedTuple):
    """One individual assessment, by AWS's name and AWS's word."""

    name: str
    status: str


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What a run came to. ``failed``: everything that is no pass and no warning; ``cures``: by name."""

    run: AssessmentRun
    individuals: tuple[Individual, ...]
    warned: tuple[Individual, ...]
    failed: tuple[Individual, ...]
    cures: dict[str, str]

    @property
    def good(self) -> bool:
        """Tell whether the task may be started. What could not be checked has not passed."""
        return self.run.status in GOOD and not self.failed

    @property
    def told(self) -> str:
        """Return the run and its outcome in words."""
        parts = [f"{sum(one.status == status for one in self.individuals)} {status}" for status in _words(self)]
        why = f" ({self.run.last_failure})" if self.run.status not in GOOD and self.run.last_failure else ""
        return f"assessment run {self.run.name} is {self.run.status}{why}: {', '.join(parts) or 'nothing was assessed'}"


def _words(judgement: Judgement) -> list[str]:
    return list(dict.fromkeys(sorted(one.status for one in judgement.individuals)))


def needs_cures(individuals: Iterable[Individual]) -> bool:
    """Tell whether anything is to be cured, so that the findings are worth reading."""
    return any(one.status not in FINE for one in individuals)


def judge_assessment(
    run: AssessmentRun, individuals: Sequence[Individual], findings: Sequence[Finding] = ()
) -> Judgement:
    """Return the judgement on ``run``. ``findings``: those of our own checks, as they are now."""
    listed = tuple(sorted(individuals))
    return Judgement(
        run=run,
        individuals=listed,
        warned=tuple(one for one in listed if one.status == WARNING),
        failed=tuple(one for one in listed if one.status not in (*FINE, WARNING)),
        cures={one.name: cure_of(one.name, findings, run.place) for one in listed if one.status not in FINE},
    )


def refusal(judgement: Judgement) -> AssessmentFailed:
    """Return the failure that names every individual assessment in the way, each with its own cure."""
    names = [f"{one.name}: {one.status}" for one in judgement.failed]
    cures = [f"{one.name}: {judgement.cures[one.name]}" for one in judgement.failed]
    return AssessmentFailed(
        found=_lines(judgement.told, names),
        expected="every individual assessment passed, or with a warning, before the task is started",
        next=_lines(
            f"cure them and clear assess, which then assesses anew; what DMS found is in {judgement.run.place}."
            " To go on without one: assessment.exclude; without the gate: assessment.mode warn",
            cures,
        ),
    )


def warnings(judgement: Judgement) -> tuple[str, ...]:
    """Return what a person should know although the run goes on."""
    told = tuple(
        f"assessment {one.name}: {one.status}. {judgement.cures[one.name]}"
        for one in (*judgement.failed, *judgement.warned)
    )
    return told if judgement.good else (judgement.told, *told)


def as_values(judgement: Judgement) -> dict[str, Any]:
    """Return the judgement as the report's JSON values."""
    run = judgement.run
    rows = [{"name": one.name, "status": one.status} for one in judgement.individuals]
    return {"run": run.name, "status": run.status, "results_in": run.place, "individual": rows}


def summary(judgement: Judgement) -> str:
    """Return the judgement for the log."""
    return f"{judgement.told}; {counted(len(judgement.failed), 'individual assessment')} in the way"


def _lines(first: str, rest: Sequence[str]) -> str:
    return first + "".join(f"\n  {line}" for line in rest)

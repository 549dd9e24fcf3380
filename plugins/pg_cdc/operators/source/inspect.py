"""Look at everything, find what would go wrong, and say what will be changed. These steps change nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pg_cdc.decisions.outcome import Outcome
from pg_cdc.operators.base import CdcOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from pg_cdc.config import Migration
    from pg_cdc.decisions.parameters.changes import ParameterChange


class InspectSourceOperator(CdcOperator):
    """Read RDS, both servers, the secrets and DMS, and tell what is there; what cannot be reached fails here."""

    def step(self, migration: Migration, context: Context) -> Outcome:
        """Read and tell."""
        from pg_cdc.decisions.inventory import inventory
        from pg_cdc.facts.survey import read_survey

        found = inventory(read_survey(migration).situation)
        for name, value in found.items():
            self.log.info("%s: %s", name, value)
        return Outcome(facts=found)


class PreflightOperator(CdcOperator):
    """Run all checks; go on only when none of them found an error and all of them could be made."""

    def step(self, migration: Migration, context: Context) -> Outcome:
        """Check."""
        from pg_cdc.decisions.markdown import table
        from pg_cdc.decisions.plan import as_row
        from pg_cdc.decisions.preflight.checks import preflight
        from pg_cdc.decisions.preflight.findings import blocking, counted, refusal
        from pg_cdc.facts.survey import read_survey

        survey = read_survey(migration, measure=True)
        findings = preflight(survey.situation)
        rows = [as_row(finding) for finding in findings]
        self.log.info("%s\n%s", counted(len(rows), "finding"), table(tuple(rows[0]) if rows else (), rows))
        if bad := blocking(findings):
            raise refusal(bad)
        return Outcome(
            facts={"findings": rows},
            warnings=tuple(f"{f.subject}: {f.found}. {f.cure}" for f in findings if f.severity == "warning"),
        )


class PlanOperator(CdcOperator):
    """Say what will be changed, from the facts as they are now."""

    def step(self, migration: Migration, context: Context) -> Outcome:
        """Plan."""
        from pg_cdc.decisions.plan import make_plan, plan_markdown
        from pg_cdc.decisions.preflight.checks import preflight
        from pg_cdc.facts.survey import read_survey

        survey = read_survey(migration)
        plan = make_plan(survey.situation, survey.outlook)
        text = plan_markdown(plan, migration, preflight(survey.situation))
        self.log.info("%s", text)
        return Outcome(
            facts={
                "parameters": [parameter_row(change) for change in survey.situation.changes],
                "changes": list(plan.changes),
                "markdown": text,
            }
        )


def parameter_row(change: ParameterChange) -> dict[str, object]:
    """Return a parameter of the plan as the report has it."""
    keys = ("name", "wanted", "apply_type", "needs_reboot", "changes")
    return {"before": change.live, **{key: getattr(change, key) for key in keys}}

"""Look at everything, find what would go wrong, and say what will be changed. These steps change nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pg_cdc.operators.base import CdcOperator
from pg_cdc.operators.survey import judge_findings, tell_inventory, tell_plan

if TYPE_CHECKING:
    from airflow.sdk import Context

    from pg_cdc.config import Migration
    from pg_cdc.decisions.outcome import Outcome


class InspectSourceOperator(CdcOperator):
    """Read RDS, both servers, the secrets and DMS, and tell what is there; what cannot be reached fails here."""

    def step(self, migration: Migration, context: Context) -> Outcome:
        """Read and tell."""
        from pg_cdc.decisions.inventory import inventory
        from pg_cdc.facts.survey import read_survey

        return tell_inventory(self, inventory(read_survey(migration).situation))


class PreflightOperator(CdcOperator):
    """Run all checks; go on only when none of them found an error and all of them could be made."""

    def step(self, migration: Migration, context: Context) -> Outcome:
        """Check."""
        from pg_cdc.decisions.preflight.checks import preflight
        from pg_cdc.facts.survey import read_survey

        return judge_findings(self, preflight(read_survey(migration, measure=True).situation))


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
        return tell_plan(self, survey.situation.changes, plan.changes, text)

"""Look at both ends, find what would go wrong with native replication, and say what will be changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pg_cdc.operators.native.step import NativeStep
from pg_cdc.operators.survey import judge_findings, tell_inventory, tell_plan

if TYPE_CHECKING:
    from airflow.sdk import Context

    from pg_cdc.config import Migration
    from pg_cdc.decisions.outcome import Outcome


class NativeInspectOperator(NativeStep):
    """Read RDS and both servers, and tell what is there; what cannot be reached fails here."""

    def step(self, migration: Migration, context: Context) -> Outcome:
        """Read and tell."""
        from pg_cdc.decisions.native.plan import native_inventory
        from pg_cdc.facts.native.survey import read_native_survey

        return tell_inventory(self, native_inventory(read_native_survey(migration)))


class NativePreflightOperator(NativeStep):
    """Run all checks; go on only when none of them found an error and all of them could be made."""

    def step(self, migration: Migration, context: Context) -> Outcome:
        """Check."""
        from pg_cdc.decisions.native.preflight import native_preflight
        from pg_cdc.decisions.preflight.engine_advice import advice_finding
        from pg_cdc.facts.native.survey import read_native_survey

        situation = read_native_survey(migration)
        return judge_findings(self, (*native_preflight(situation), advice_finding(situation)))


class NativePlanOperator(NativeStep):
    """Say what will be changed, from the facts as they are now."""

    def step(self, migration: Migration, context: Context) -> Outcome:
        """Plan."""
        from pg_cdc.decisions.native.plan import make_native_plan
        from pg_cdc.decisions.native.preflight import native_preflight
        from pg_cdc.decisions.plan import plan_markdown
        from pg_cdc.decisions.preflight.engine_advice import advice_finding
        from pg_cdc.facts.native.survey import read_native_survey

        situation = read_native_survey(migration)
        plan = make_native_plan(situation)
        text = plan_markdown(plan, migration, (*native_preflight(situation), advice_finding(situation)))
        return tell_plan(self, situation.changes, plan.changes, text)

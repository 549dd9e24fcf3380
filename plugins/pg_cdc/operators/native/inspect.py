"""Look at both ends, find what would go wrong with native replication, and say what will be changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pg_cdc.decisions.outcome import Outcome
from pg_cdc.operators.native.step import NativeStep

if TYPE_CHECKING:
    from airflow.sdk import Context

    from pg_cdc.config import Migration


class NativeInspectOperator(NativeStep):
    """Read RDS and both servers, and tell what is there; what cannot be reached fails here."""

    def step(self, migration: Migration, context: Context) -> Outcome:
        """Read and tell."""
        from pg_cdc.decisions.native.plan import native_inventory
        from pg_cdc.facts.native.survey import read_native_survey

        found = native_inventory(read_native_survey(migration))
        for name, value in found.items():
            self.log.info("%s: %s", name, value)
        return Outcome(facts=found)


class NativePreflightOperator(NativeStep):
    """Run all checks; go on only when none of them found an error and all of them could be made."""

    def step(self, migration: Migration, context: Context) -> Outcome:
        """Check."""
        from pg_cdc.decisions.markdown import table
        from pg_cdc.decisions.native.preflight import native_preflight
        from pg_cdc.decisions.plan import as_row
        from pg_cdc.decisions.preflight.engine_advice import advice_finding
        from pg_cdc.decisions.preflight.findings import blocking, counted, refusal
        from pg_cdc.facts.native.survey import read_native_survey

        situation = read_native_survey(migration)
        findings = (*native_preflight(situation), advice_finding(situation))
        rows = [as_row(finding) for finding in findings]
        self.log.info("%s\n%s", counted(len(rows), "finding"), table(tuple(rows[0]) if rows else (), rows))
        if bad := blocking(findings):
            raise refusal(bad)
        return Outcome(
            facts={"findings": rows},
            warnings=tuple(f"{f.subject}: {f.found}. {f.cure}" for f in findings if f.severity == "warning"),
        )


class NativePlanOperator(NativeStep):
    """Say what will be changed, from the facts as they are now."""

    def step(self, migration: Migration, context: Context) -> Outcome:
        """Plan."""
        from pg_cdc.decisions.native.plan import make_native_plan
        from pg_cdc.decisions.native.preflight import native_preflight
        from pg_cdc.decisions.plan import plan_markdown
        from pg_cdc.decisions.preflight.engine_advice import advice_finding
        from pg_cdc.facts.native.survey import read_native_survey
        from pg_cdc.operators.source.inspect import parameter_row

        situation = read_native_survey(migration)
        plan = make_native_plan(situation)
        text = plan_markdown(plan, migration, (*native_preflight(situation), advice_finding(situation)))
        self.log.info("%s", text)
        return Outcome(
            facts={
                "parameters": [parameter_row(change) for change in situation.changes],
                "changes": list(plan.changes),
                "markdown": text,
            }
        )

"""What the steps of both roads that change nothing come to: an inventory, findings, a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pg_cdc.decisions.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pg_cdc.decisions.parameters.changes import ParameterChange
    from pg_cdc.decisions.world import Finding
    from pg_cdc.operators.base import CdcOperator


def tell_inventory(step: CdcOperator, found: Mapping[str, Any]) -> Outcome:
    """Log what is there."""
    for name, value in found.items():
        step.log.info("%s: %s", name, value)
    return Outcome(facts=found)


def judge_findings(step: CdcOperator, findings: Sequence[Finding]) -> Outcome:
    """Log all findings, warn of those that are warnings. :raises CdcFailure: one is an error, or was not checked."""
    from pg_cdc.decisions.markdown import table
    from pg_cdc.decisions.plan import as_row
    from pg_cdc.decisions.preflight.findings import blocking, counted, refusal

    rows = [as_row(finding) for finding in findings]
    step.log.info("%s\n%s", counted(len(rows), "finding"), table(tuple(rows[0]) if rows else (), rows))
    if bad := blocking(findings):
        raise refusal(bad)
    return Outcome(
        facts={"findings": rows},
        warnings=tuple(f"{f.subject}: {f.found}. {f.cure}" for f in findings if f.severity == "warning"),
    )


def tell_plan(
    step: CdcOperator, parameters: Sequence[ParameterChange], changes: Sequence[str], markdown: str
) -> Outcome:
    """Log the plan, and keep it for the approval and the report."""
    step.log.info("%s", markdown)
    rows = [parameter_row(change) for change in parameters]
    return Outcome(facts={"parameters": rows, "changes": list(changes), "markdown": markdown})


def parameter_row(change: ParameterChange) -> dict[str, object]:
    """Return a parameter of the plan as the report has it."""
    keys = ("name", "wanted", "apply_type", "needs_reboot", "changes")
    return {"before": change.live, **{key: getattr(change, key) for key in keys}}

"""What is waited for while DMS assesses a task. All waits of an account share one description of all runs."""

from __future__ import annotations

from dataclasses import dataclass

from pg_cdc.waits import Look
from pg_cdc.waits.dms import DmsWait


@dataclass(frozen=True, kw_only=True)
class AssessmentEnded(DmsWait):
    """Waits until a premigration assessment run is over, for better or worse, or gone. ``arn``: of the run."""

    arn: str
    name: str

    def look(self) -> Look:
        """Look at the status and say how far it is."""
        from pg_cdc.decisions.dms.assessment import AT_WORK
        from pg_cdc.facts.assessment import run_from

        rows = self.shared("assessment runs", lambda: self.hook().assessment_runs(MaxRecords=100))
        row = next((row for row in rows if row["ReplicationTaskAssessmentRunArn"] == self.arn), None)
        if row is None:
            return Look(done=True, progress=f"assessment run {self.name} is gone")
        run = run_from(row)
        told = f"assessment run {run.name} is {run.status}, {run.done} of {run.count} assessments are done"
        return Look(done=run.status not in AT_WORK, progress=told)

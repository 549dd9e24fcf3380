"""What is waited for when parameters are put back."""

from __future__ import annotations

from dataclasses import dataclass

from pg_cdc.waits import Look
from pg_cdc.waits.rds import RdsWait


@dataclass(frozen=True, kw_only=True)
class ParametersRestored(RdsWait):
    """The groups show that the parameters ``names`` are back: a describe may lag behind the change."""

    names: list[str]

    def look(self) -> Look:
        """Look at the groups, beside what was recorded."""
        from pg_cdc.decisions.teardown.restore_parameters import plan_restore
        from pg_cdc.facts.teardown.restore import read_parameter_facts

        plan = plan_restore(read_parameter_facts(self.hook, self.spec()))
        late = sorted(one.name for one in plan.sets if one.name in self.names)
        told = f"{', '.join(late)} not back yet" if late else "all parameters are back in their group"
        return Look(done=not late, progress=told)

"""Read what Airflow knows of the run that a task is in: states, durations, and what the steps left behind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pg_cdc.decisions.report import Step

if TYPE_CHECKING:
    from airflow.sdk import Context


@dataclass(frozen=True)
class Run:
    """A run. ``returned``: what each finished step returned."""

    steps: tuple[Step, ...] = ()
    returned: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def facts(self, task_id: str) -> Mapping[str, Any]:
        """Return the facts of a step; empty when it has none."""
        facts: Mapping[str, Any] = self.returned.get(task_id, {}).get("facts", {})
        return facts

    def warnings(self) -> list[str]:
        """Return the warnings of all steps, each once."""
        found = (warning for returned in self.returned.values() for warning in returned.get("warnings", ()))
        return list(dict.fromkeys(found))


def read_run(context: Context, *, own_task: str) -> Run:
    """Return the run of ``context`` but for ``own_task``; outside of a run there is nothing to read."""
    ti: Any = context.get("ti")
    if ti is None:
        return Run()
    steps = tuple(step for step in _steps(ti, context) if step.task_id != own_task)
    returned = {step.task_id: _left(ti, step.task_id, "return_value") for step in steps if step.state == "success"}
    return Run(steps=steps, returned={task_id: value for task_id, value in returned.items() if value})


def _steps(ti: Any, context: Context) -> Iterator[Step]:
    dag: Any = context["dag"]
    states = ti.get_task_states(dag_id=ti.dag_id, run_ids=[ti.run_id]).get(ti.run_id, {})
    seconds = {row["task_id"]: row["duration"] for row in ti.get_task_breadcrumbs(ti.dag_id, ti.run_id)}
    for task in dag.topological_sort():
        state = states.get(task.task_id)
        duration = seconds.get(task.task_id)
        yield Step(
            task_id=task.task_id,
            state=state,
            seconds=None if duration is None else round(duration, 1),
            failure=_left(ti, task.task_id, "failure") if state == "failed" else {},
        )


def _left(ti: Any, task_id: str, key: str) -> Mapping[str, Any]:
    value = ti.xcom_pull(task_ids=task_id, key=key, map_indexes=-1)
    return value if isinstance(value, dict) else {}

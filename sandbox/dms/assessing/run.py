"""The thread of one assessment run: states in AWS's order, a check at a time, the results in the bucket."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sandbox.dms import durations
from sandbox.dms.assessing.catalogue import CHECKS
from sandbox.dms.assessing.subject import Subject, Verdict
from sandbox.dms.endpoints import extra_attributes
from sandbox.dms.engine.clock import now
from sandbox.dms.engine.selection import Selection
from sandbox.dms.engine.servers import Address
from sandbox.dms.engine.source import read_selected
from sandbox.dms.mappings import parse_mappings
from sandbox.dms.world import Resource, World


class AssessmentRun(threading.Thread):
    """Assess ``task``, and tell of it in ``run``. The task is ``testing`` from now until the end."""

    def __init__(self, world: World, run: Resource, task: Resource) -> None:
        super().__init__(name="dms-assessment", daemon=True)
        self._world = world
        self._run = run
        self._task = task
        self._before = task.status
        self._ends = threading.Event()
        task.status = "testing"

    def stop(self) -> None:
        """Look at nothing more, and wait for the end."""
        self._ends.set()
        self.join(timeout=10)

    def run(self) -> None:
        """Go through the states."""
        try:
            self._pass_time(durations.ASSESSMENT_STARTING)
            self._tell("provisioning")
            self._pass_time(durations.ASSESSMENT_PROVISIONING)
            self._tell("running")
            with self._subject() as subject:
                for one in self._run.private["individual"]:
                    self._assess(one, subject)
            self._tell(self._status())
        except Exception as error:
            self._run.shape["LastFailureMessage"] = str(error).strip()
            self._tell("error-executing")
        finally:
            with self._world.lock:
                self._task.status = self._before

    def _pass_time(self, seconds: float) -> None:
        self._ends.wait(seconds * self._world.pace)

    def _tell(self, status: str) -> None:
        with self._world.lock:
            self._run.status = status

    def _status(self) -> str:
        """Return the status of the whole: the worst of its parts, and a warning when nothing was looked at."""
        found = {one.status for one in self._run.private["individual"]}
        if found & {"failed", "error"}:
            return "failed"
        return "warning" if "warning" in found or found == {"skipped"} else "passed"

    @contextmanager
    def _subject(self) -> Iterator[Subject]:
        """Connect to both ends, as the task would."""
        with self._world.lock:
            source = self._world.find("endpoints", self._task.shape["SourceEndpointArn"], "Endpoint")
            target = self._world.find("endpoints", self._task.shape["TargetEndpointArn"], "Endpoint")
            addresses = [Address.of(end, self._world.secret) for end in (source, target)]
        settings = {**source.private["settings"], **extra_attributes(source.shape.get("ExtraConnectionAttributes"))}
        selection = Selection(parse_mappings(self._task.shape["TableMappings"]))
        with addresses[0].psycopg() as there, addresses[1].psycopg() as here:
            yield Subject(
                source=there,
                target=here,
                tables=tuple(read_selected(there, selection)),
                task_settings=json.loads(self._task.shape["ReplicationTaskSettings"]),
                source_settings=settings,
                target_settings=target.private["settings"],
                captures=self._task.shape["MigrationType"] != "full-load",
            )

    def _assess(self, one: Resource, subject: Subject) -> None:
        with self._world.lock:
            one.status = "running"
            one.shape["ReplicationTaskIndividualAssessmentStartDate"] = now()
        self._pass_time(durations.ASSESSMENT_CHECK)
        try:
            verdict = CHECKS[one.key].look(subject)
        except Exception as error:
            verdict = Verdict("error", str(error).strip())
        self._write(one.key, verdict)
        with self._world.lock:
            one.status = verdict.status
            self._run.shape["AssessmentProgress"]["IndividualAssessmentCompletedCount"] += 1
            if verdict.status in ("failed", "error"):
                self._run.shape["LastFailureMessage"] = f"{one.key}: {verdict.found}"

    def _write(self, name: str, verdict: Verdict) -> None:
        shape = self._run.shape
        place = [shape["ResultLocationFolder"].strip("/"), shape["AssessmentRunName"], f"{name}.json"]
        result = {
            "individual-assessment-name": name,
            "status": verdict.status,
            "found": verdict.found,
            "objects": list(verdict.objects),
        }
        key = "/".join(part for part in place if part)
        self._world.buckets.put(shape["ResultLocationBucket"], key, json.dumps(result, indent=2).encode())

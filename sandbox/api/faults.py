"""Faults on demand: switched on by name, for N calls or for a time."""

from __future__ import annotations

import fnmatch
import inspect
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from sandbox.api.errors import AwsError


@dataclass(kw_only=True)
class Fault:
    """One switched-on fault.

    ``before``: the call has no effect; otherwise the effect is done and the answer is lost.
    ``stale``: a Describe call is answered as it was the last time.
    """

    name: str
    service: str = "*"
    action: str = "*"
    calls: int = 1
    until: float | None = None
    code: str = "InternalFailure"
    text: str = "We encountered an internal error. Please try again."
    status: int = 500
    before: bool = True
    stale: bool = False
    taken: int = field(default=0)

    def error(self) -> AwsError:
        """Return the refusal this fault answers with."""
        return AwsError(self.code, self.text, status=self.status)


KINDS: Mapping[str, dict[str, Any]] = {
    "throttle": {"code": "ThrottlingException", "text": "Rate exceeded", "status": 400},
    "server-error": {},
    "timeout-after-effect": {"code": "RequestTimeout", "text": "the answer was lost", "status": 504, "before": False},
    "stale-describe": {"action": "Describe*", "before": False, "stale": True},
}


class Faults:
    """The switchboard. ``acts``: faults that happen at once, rather than to calls; ``end`` ends those that last."""

    def __init__(
        self, acts: Mapping[str, Callable[..., None]] | None = None, end: Callable[[], None] = lambda: None
    ) -> None:
        self._acts = dict(acts or {})
        self._end = end
        self._on: list[Fault] = []
        self._lock = threading.Lock()

    @property
    def kinds(self) -> list[str]:
        """Return every name that can be switched on."""
        return sorted({*KINDS, *self._acts})

    def switch_on(
        self,
        kind: str,
        *,
        service: str = "*",
        action: str | None = None,
        calls: int = 1,
        seconds: float | None = None,
        identifier: str | None = None,
        **options: Any,
    ) -> Fault:
        """Switch on ``kind`` for the next ``calls`` matching calls, or for ``seconds``.

        One that acts at once is given ``identifier``, ``seconds`` and its own ``options``.
        """
        if kind in self._acts:
            self._act(kind, {"identifier": identifier, "seconds": seconds, **options})
            return Fault(name=kind)
        if kind not in KINDS:
            raise AwsError("SandboxUnknownFault", f"no fault {kind!r}; known: {', '.join(self.kinds)}")
        if options:
            raise AwsError("SandboxFaultOptions", f"{kind} takes no {', '.join(options)}")
        until = time.monotonic() + float(seconds) if seconds else None
        fault = Fault(name=kind, service=service, calls=int(calls), until=until, **KINDS[kind])
        fault.action = action or fault.action
        with self._lock:
            self._on.append(fault)
        return fault

    def _act(self, kind: str, options: Mapping[str, Any]) -> None:
        given = {name: value for name, value in options.items() if value is not None}
        takes = inspect.signature(self._acts[kind]).parameters
        needs = [name for name, one in takes.items() if one.default is one.empty and name not in given]
        if needs:
            raise AwsError("SandboxFaultIncomplete", f"{kind} needs {', '.join(needs)}")
        if strange := [name for name in given if name not in takes]:
            raise AwsError("SandboxFaultOptions", f"{kind} takes no {', '.join(strange)}")
        self._acts[kind](**given)

    def clear(self) -> None:
        """Switch every fault off."""
        with self._lock:
            self._on.clear()
        self._end()

    def listing(self) -> dict[str, Any]:
        """Return what is on and what could be."""
        with self._lock:
            return {"on": [asdict(fault) for fault in self._on], "kinds": self.kinds}

    def take(self, service: str, action: str) -> Fault | None:
        """Return the fault this call meets, counted, or None."""
        with self._lock:
            for fault in list(self._on):
                if fault.until is not None and time.monotonic() > fault.until:
                    self._on.remove(fault)
                elif fnmatch.fnmatch(service, fault.service) and fnmatch.fnmatch(action, fault.action):
                    fault.taken += 1
                    if fault.until is None and fault.taken >= fault.calls:
                        self._on.remove(fault)
                    return fault
        return None

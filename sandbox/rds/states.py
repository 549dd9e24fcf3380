"""Time in the sandbox: how long AWS takes, at which pace, and who does the work meanwhile."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

log = logging.getLogger(__name__)

SECONDS = {
    "create-cluster": 60,
    "create-instance": 300,
    "create-replica": 300,
    "reboot": 60,
    "attach": 30,
    "apply": 15,
    "modify": 30,
    "promote": 120,
    "failover": 30,
    "start": 120,
    "stop": 120,
    "delete": 60,
    "visible": 3,
}
"""About what AWS takes; multiplied by the sandbox's pace."""


class Jobs:
    """Runs the long halves of API calls in threads."""

    def __init__(self, pace: float) -> None:
        self.pace = pace
        self._stopping = threading.Event()
        self._threads: set[threading.Thread] = set()
        self._lock = threading.Lock()

    def run(self, kind: str, work: Callable[[], None], *, then: Callable[[], None] | None = None) -> None:
        """Do ``work`` in the background; call ``then`` when both it and the time of ``kind`` are over."""
        thread = threading.Thread(target=self._do, args=(kind, work, then), name=f"sandbox-{kind}", daemon=True)
        with self._lock:
            self._threads = {one for one in self._threads if one.is_alive()} | {thread}
            thread.start()

    def after(self, kind: str, then: Callable[[], None]) -> None:
        """Call ``then`` when the time of ``kind`` is over."""
        self.run(kind, lambda: None, then=then)

    def delay(self, seconds: float) -> bool:
        """Wait; True: the sandbox stops."""
        return self._stopping.wait(max(seconds, 0))

    @property
    def stopping(self) -> bool:
        """Tell whether the sandbox stops."""
        return self._stopping.is_set()

    def stop(self) -> None:
        """Let running work end, and skip what would follow."""
        self._stopping.set()
        for thread in list(self._threads):
            thread.join(timeout=60)

    def _do(self, kind: str, work: Callable[[], None], then: Callable[[], None] | None) -> None:
        begun = time.monotonic()
        try:
            work()
            if self.delay(SECONDS[kind] * self.pace - (time.monotonic() - begun)):
                return
            if then:
                then()
        except Exception:
            log.exception("%s went wrong", kind)


@dataclass
class Status:
    """A status that describe calls see a moment late."""

    pace: float
    value: str
    _before: str = ""
    _until: float = field(default=0.0)

    def set(self, value: str) -> None:
        """Change it."""
        self._before, self._until = self.shown, time.monotonic() + SECONDS["visible"] * self.pace
        self.value = value

    @property
    def shown(self) -> str:
        """Return what a describe tells now."""
        return self._before if self._before and time.monotonic() < self._until else self.value

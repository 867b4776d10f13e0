"""Waits for what the job needs: logs that once, and gives up in the end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from flink_scripts.clock import Clock
from flink_scripts.errors import NotReadyError, RestError, Stopped
from flink_scripts.health import Health

READY_SECONDS = 300.0
PAUSE_SECONDS = 0.25

_T = TypeVar("_T")


class Waiter:
    """Waits, puts the reason into the health answer, and gives up after READY_SECONDS for one thing."""

    def __init__(
        self, health: Health, clock: Clock, stop: threading.Event, log: Callable[[str], None]
    ) -> None:
        self._health = health
        self._clock = clock
        self._stop = stop
        self._log = log
        self._what: str | None = None
        self._since = 0.0

    def until(self, what: str, ask: Callable[[], _T]) -> _T:
        """Ask until there is an answer. Raises NotReadyError, which says what was missing, or Stopped."""
        while True:
            try:
                answer = ask()
            except (RestError, NotReadyError) as error:
                self.missing(what, str(error))
            else:
                self.reset()
                return answer
            self.pause(PAUSE_SECONDS)

    def missing(self, what: str, reason: str) -> None:
        """Record that something is missing. Raises NotReadyError when it has been missing for too long."""
        now = self._clock.now()
        if what != self._what:
            self._what, self._since = what, now
        said = f"waiting for {what}: {reason}"
        if said != self._health.reason:
            self._log(said)
        self._health.reason = said
        if now - self._since > READY_SECONDS:
            raise NotReadyError(f"gave up after {READY_SECONDS:.0f} s {said}")

    def reset(self) -> None:
        """Record that nothing is missing now."""
        self._what = None

    def pause(self, seconds: float) -> None:
        """Wait so many seconds. Raises Stopped as soon as the stop event is set."""
        if self._clock.wait(self._stop, seconds):
            raise Stopped

"""Time, behind an interface that tests can replace."""

from __future__ import annotations

import threading
import time


class Clock:
    """The machine's own clock."""

    def now(self) -> float:
        """Seconds on a clock that never goes back."""
        return time.monotonic()

    def utc_ms(self) -> int:
        """Milliseconds since 1970."""
        return time.time_ns() // 1_000_000

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait until the event is set, at most so many seconds. Returns whether it is set."""
        return event.wait(seconds)

    def sleep(self, seconds: float) -> None:
        """Wait, whatever happens."""
        time.sleep(seconds)

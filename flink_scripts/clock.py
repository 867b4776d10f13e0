"""The passing of time, in a form that tests can hold in their hands."""

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
        """Let time pass, at most until the event is set; whether it is set."""
        return event.wait(seconds)

    def sleep(self, seconds: float) -> None:
        """Let time pass, whatever happens."""
        time.sleep(seconds)

"""Timestamps in Marathon's form: ISO 8601, UTC, milliseconds."""

import threading
import time
from datetime import UTC, datetime

_lock = threading.Lock()
_last = ""


def stamp(seconds: float | None = None) -> str:
    """Returns seconds since the epoch, now by default, in the form "2026-11-22T02:20:55.123Z"."""
    moment = datetime.fromtimestamp(time.time() if seconds is None else seconds, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def seconds_of(text: str) -> float:
    """Returns a timestamp as seconds since the epoch."""
    return datetime.fromisoformat(text).timestamp()


def new_version() -> str:
    """Returns the time now as the name of a version. No two calls in a process return the same."""
    global _last
    with _lock:
        text = stamp()
        while text <= _last:
            time.sleep(0.001)
            text = stamp()
        _last = text
        return text

"""A reading of the cluster that components share for a moment."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

# Components that are checked or wait at the same time share a reading of up to this age.
SNAPSHOT_SECONDS = 0.4

T = TypeVar("T")


class Snapshot(Generic[T]):
    """The result of `take`, taken again when it is too old. Threads that need it at once take it once."""

    def __init__(self, take: Callable[[], T]) -> None:
        self._take = take
        self._lock = threading.Lock()
        self._taken: tuple[float, T] | None = None

    def read(self, *, fresh: bool = False) -> T:
        """The result. fresh: take it now."""
        with self._lock:
            if fresh or self._taken is None or time.monotonic() - self._taken[0] > SNAPSHOT_SECONDS:
                taken = self._take()
                self._taken = time.monotonic(), taken
            return self._taken[1]

    def forget(self) -> None:
        """Take it again at the next reading, because something has changed."""
        with self._lock:
            self._taken = None

"""What running queries have done, for the log and for health checks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql.streaming.query import StreamingQuery

_STILL_SECONDS = 120.0
"""A batch that takes longer is stuck. A write waits a minute for a store that is not available."""


class Progress:
    """The last batch of each query, and when it last finished one or had nothing to do."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        """now: a monotonic clock, in seconds."""
        self._now = now
        self._heard: dict[str, tuple[str, float]] = {}
        self.batches: dict[str, int] = {}

    def look(self, queries: Sequence[StreamingQuery]) -> Iterator[str]:
        """A line for each new batch that was not empty."""
        for query in queries:
            reports = query.recentProgress
            last = reports[-1].timestamp if reports else ""
            idle = not query.status["isTriggerActive"]
            if idle or self._heard.get(query.name, ("never", 0.0))[0] != last:
                self._heard[query.name] = (last, self._now())
            for report in reports:
                if report.batchId > self.batches.get(query.name, -1):
                    self.batches[query.name] = report.batchId
                    if (line := progress_line(report)) is not None:
                        yield line

    def problem(self) -> str | None:
        """Why the queries are not healthy; None if they are."""
        if not self._heard:
            return "the queries are starting"
        silent = {name: self._now() - at for name, (_, at) in self._heard.items()}
        name = max(silent, key=lambda each: silent[each])
        return (
            f"{name} has not finished a batch for {silent[name]:.0f} s"
            if silent[name] > _STILL_SECONDS
            else None
        )


def progress_line(progress: Any) -> str | None:
    """A readable line on what a batch did; None if it was empty."""
    parts = []
    observed = progress.observedMetrics.get("records")
    if observed is not None and observed["all"]:
        parts.append(f"{observed['all']} records")
        if observed["broken"]:
            parts.append(f"{observed['broken']} of them invalid, such as {observed['such_as']}")
    for state in progress.stateOperators:
        if state.numRowsDroppedByWatermark:
            parts.append(f"{state.numRowsDroppedByWatermark} too late for their window")
    return f"{progress.name}, batch {progress.batchId}: {'; '.join(parts)}" if parts else None

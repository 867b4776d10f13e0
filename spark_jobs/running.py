"""Running a flow's queries until they end, one fails, or the process gets a signal."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from spark_jobs.errors import SourceError
from spark_jobs.session import SessionSettings, spark_session
from spark_jobs.stream import StreamSettings, progress_line, start
from stores.base import Store
from task_runtime.process import log_to_stderr, stop_event

if TYPE_CHECKING:
    from pyspark.sql.streaming.query import StreamingQuery

_LOG = logging.getLogger("spark_jobs")
_LOOK_SECONDS = 1.0


def run(store: Store, settings: StreamSettings, *, once: bool) -> None:
    """Run the queries, and say what they do.

    SIGTERM and Ctrl-C end them; the next run repeats a batch that was cut off. Raises what `start` raises,
    and SourceError when a query fails.
    """
    log_to_stderr("spark_jobs")
    stop = stop_event()
    with spark_session(f"stream {settings.flow}", SessionSettings.from_environ()) as session:
        queries = start(session, store, settings, once=once)
        _LOG.info("storing %s from %s", settings.flow, ", ".join(settings.topics))
        told: dict[str, int] = {}
        while not stop.is_set() and any(query.isActive for query in queries):
            stop.wait(_LOOK_SECONDS)
            _tell(queries, told)
            if any(query.exception() is not None for query in queries):
                break
        for query in queries:
            query.stop()
        _tell(queries, told)
        for query in queries:
            if (failed := query.exception()) is not None:
                raise SourceError(f"{query.name} failed: {failed}")


def _tell(queries: Sequence[StreamingQuery], told: dict[str, int]) -> None:
    """Log each batch that was not empty, once."""
    for query in queries:
        for progress in query.recentProgress:
            if progress.batchId > told.get(query.name, -1):
                told[query.name] = progress.batchId
                if (line := progress_line(progress)) is not None:
                    _LOG.info("%s", line)

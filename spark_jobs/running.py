"""Running the queries of flows until they end, one fails, or the process gets a signal."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from spark_jobs.errors import SourceError
from spark_jobs.progress import Progress
from spark_jobs.session import SessionSettings, spark_session
from spark_jobs.stream import StreamSettings, start
from stores.base import Store
from task_runtime.health_log import serve_health
from task_runtime.process import log_to_stderr, stop_event

if TYPE_CHECKING:
    from pyspark.sql.streaming.query import StreamingQuery

_LOG = logging.getLogger("spark_jobs")
_LOOK_SECONDS = 1.0


def run(store: Store, flows: Sequence[StreamSettings], *, once: bool) -> None:
    """Run the queries of the flows, say what they do, and serve /health at PORT0 if that is set.

    SIGTERM and Ctrl-C end them; the next run repeats a batch that was cut off. Raises what `start` raises,
    and SourceError when a query fails.
    """
    log_to_stderr("spark_jobs")
    stop = stop_event()
    names = ", ".join(each.flow for each in flows)
    progress = Progress()
    with _health(progress), spark_session(f"stream {names}", SessionSettings.from_environ()) as session:
        queries: list[StreamingQuery] = []
        for settings in flows:
            queries += start(session, store, settings, once=once)
        _LOG.info("storing %s", names)
        while not stop.is_set() and any(query.isActive for query in queries):
            stop.wait(_LOOK_SECONDS)
            _tell(progress, queries)
            if any(query.exception() is not None for query in queries):
                break
        for query in queries:
            query.stop()
        _tell(progress, queries)
        for query in queries:
            if (failed := query.exception()) is not None:
                raise SourceError(f"{query.name} failed: {failed}")


def _tell(progress: Progress, queries: Sequence[StreamingQuery]) -> None:
    for line in progress.look(queries):
        _LOG.info("%s", line)


@contextmanager
def _health(progress: Progress, environ: Mapping[str, str] = os.environ) -> Iterator[None]:
    def page() -> tuple[int, dict[str, Any]]:
        reason = progress.problem()
        return (503 if reason else 200), {"reason": reason, "batches": progress.batches}

    with serve_health(page, _LOG.info, environ):
        yield

"""Watches which topics exist, in the background. It never creates one."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from kafka_topic.brokers import Brokers
from kafka_topic.errors import KafkaTopicError

_LOG = logging.getLogger(__name__)
_ASK_SECONDS = 2.0
_MISSING_SECONDS = 0.5
_PRESENT_SECONDS = 2.0


class TopicWatch:
    """Keeps `present` up to date, in a thread of its own, so that a slow broker does not delay the ticks.

    trouble: why the last look failed, "" if it did not.
    """

    def __init__(self, bootstrap_servers: str, topics: Iterable[str]) -> None:
        self.present: frozenset[str] = frozenset()
        self.trouble = ""
        self._topics = frozenset(topics)
        self._brokers = Brokers(bootstrap_servers, timeout=_ASK_SECONDS)
        self._stop = threading.Event()
        self._reported = ""
        self._thread = threading.Thread(target=self._watch, name="topic-watch", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(_ASK_SECONDS + 1)

    @property
    def missing(self) -> list[str]:
        """The topics that do not exist or have not been found yet."""
        return sorted(self._topics - self.present)

    def _watch(self) -> None:
        while not self._stop.is_set():
            try:
                self.present = frozenset(self._brokers.partitions(self._topics))
                self.trouble = ""
                problem = f"waiting for topics that don't exist yet: {', '.join(self.missing)}; create them"
                self._report(problem if self.missing else "all topics are there")
            except KafkaTopicError as error:
                # Keep what is known: ticks wait in the queue until the broker is back.
                self.trouble = str(error)
                self._report(f"waiting: {error}")
            self._stop.wait(_MISSING_SECONDS if self.missing else _PRESENT_SECONDS)

    def _report(self, text: str) -> None:
        if text != self._reported:
            self._reported = text
            _LOG.info("%s", text)

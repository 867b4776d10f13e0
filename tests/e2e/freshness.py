"""How fresh the windows of a deployed bundle are."""

from __future__ import annotations

import json
import threading
import time
from datetime import UTC, datetime

from confluent_kafka import Consumer, TopicPartition

from tests.e2e.cluster import Cluster


class Reader(threading.Thread):
    """Reads `movingaverage` from now on; knows the newest window of each position and when it came."""

    def __init__(self, cluster: Cluster) -> None:
        super().__init__(daemon=True)
        self._positions = cluster.positions
        # An outage must not be lengthened by the consumer that measures it.
        self._consumer = Consumer(
            {
                "bootstrap.servers": cluster.bootstrap_servers,
                "group.id": "freshness",
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "reconnect.backoff.ms": 50,
                "reconnect.backoff.max.ms": 100,
                "topic.metadata.refresh.fast.interval.ms": 100,
                "log_level": 0,
                "error_cb": lambda error: None,
            }
        )
        partitions = self._consumer.list_topics(cluster.topic, timeout=10).topics[cluster.topic].partitions
        self._consumer.assign([TopicPartition(cluster.topic, number, -1) for number in partitions])
        self._lock = threading.Lock()
        self._newest: dict[str, float] = {}
        self._end = threading.Event()

    def __enter__(self) -> Reader:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self.join()

    def run(self) -> None:
        while not self._end.is_set():
            message = self._consumer.poll(0.1)
            if message is None or message.error():
                continue
            record = json.loads(message.value())
            end = datetime.fromisoformat(record["window_end"]).replace(tzinfo=UTC).timestamp()
            with self._lock:
                self._newest[record["symbol"]] = max(end, self._newest.get(record["symbol"], end))
        self._consumer.close()

    def fresh(self, after: float, seconds: float) -> int:
        """How many positions have a window that ends after `after` and at most `seconds` ago."""
        now = time.time()
        with self._lock:
            newest = dict(self._newest)
        return sum(
            end > after and now - end <= seconds
            for symbol, end in newest.items()
            if symbol in self._positions
        )

    def all_fresh(self, after: float, seconds: float) -> bool:
        """The same of every position."""
        return self.fresh(after, seconds) == len(self._positions)

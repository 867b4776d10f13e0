"""Topics, through Kafka's own admin protocol."""

import contextlib
from typing import Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from local_dcos.errors import NodeError

SECONDS = 10.0


class Topics:
    """Calls to the broker. They block, so they need a thread."""

    def __init__(self, address: str) -> None:
        # Silent: the client would log every failed connection while the broker starts.
        self._admin = AdminClient({"bootstrap.servers": address, "log_level": 0}, logger=_Silent())

    def is_ready(self) -> bool:
        """Whether the broker answers and lists itself."""
        with contextlib.suppress(KafkaException):
            return bool(self._admin.list_topics(timeout=1.0).brokers)
        return False

    def names(self) -> list[str]:
        return sorted(self._admin.list_topics(timeout=SECONDS).topics)

    def describe(self, name: str) -> dict[str, Any] | None:
        """Returns a topic in the form of the SDK; None if it does not exist."""
        topic = self._admin.list_topics(timeout=SECONDS).topics.get(name)
        if topic is None:
            return None
        partitions = [
            {
                str(number): {
                    "controller_epoch": 1,
                    "isr": list(partition.isrs),
                    "leader": partition.leader,
                    "leader_epoch": 0,
                    "version": 1,
                }
            }
            for number, partition in sorted(topic.partitions.items())
        ]
        return {"partitions": partitions}

    def create(self, name: str, partitions: int, replication: int) -> None:
        topic = NewTopic(name, num_partitions=partitions, replication_factor=replication)
        self._finish(self._admin.create_topics([topic], operation_timeout=SECONDS))

    def delete(self, name: str) -> None:
        self._finish(self._admin.delete_topics([name], operation_timeout=SECONDS))

    @staticmethod
    def _finish(futures: dict[str, Any]) -> None:
        for future in futures.values():
            try:
                future.result(SECONDS + 5)
            except KafkaException as error:
                raise NodeError(error.args[0].str()) from error


class _Silent:
    """A logger that discards everything."""

    def log(self, *_: object) -> None:
        return

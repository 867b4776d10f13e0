"""Topics, through Kafka's own admin protocol."""

import contextlib
import logging
from collections.abc import Mapping
from typing import Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import (
    AdminClient,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialAlteration,
    UserScramCredentialUpsertion,
)
from confluent_kafka.cimpl import NewTopic

from local_dcos.errors import NodeError

SECONDS = 10.0
# Kafka's own default. A password of 256 random bits needs no more.
SCRAM_ITERATIONS = 4096
_silent = logging.getLogger(__name__)
_silent.disabled = True


class Topics:
    """Calls to the broker. They block, so they need a thread."""

    def __init__(self, address: str, security: Mapping[str, str]) -> None:
        # Silent: the client would log every failed connection while the broker starts.
        settings: dict[str, Any] = {"bootstrap.servers": address, "log_level": 0, **security}
        self._admin = AdminClient(settings, logger=_silent)

    def is_ready(self, cluster: str) -> bool:
        """Whether a broker of the Kafka cluster with this id answers and lists itself.

        If another program's broker has taken the port, it answers first, and ours is about to fail.
        """
        with contextlib.suppress(KafkaException):
            found = self._admin.list_topics(timeout=1.0)
            return bool(found.brokers) and found.cluster_id == cluster
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

    def set_passwords(self, passwords: Mapping[str, str]) -> None:
        """Lets these users log in with these passwords only.

        Raises:
            NodeError: The broker refused.
        """
        credential = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, SCRAM_ITERATIONS)
        changes: list[UserScramCredentialAlteration] = [
            UserScramCredentialUpsertion(user, credential, password.encode())
            for user, password in passwords.items()
        ]
        if changes:
            self._finish(self._admin.alter_user_scram_credentials(changes))

    @staticmethod
    def _finish(futures: dict[str, Any]) -> None:
        for future in futures.values():
            try:
                future.result(SECONDS + 5)
            except KafkaException as error:
                raise NodeError(error.args[0].str()) from error

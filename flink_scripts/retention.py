"""Keeping the settings of the job's topics as the app's environment names them."""

from __future__ import annotations

import time

from flink_scripts.errors import NotReadyError, SettingsError
from flink_scripts.settings import Environment
from kafka_topic.config import Difference, parse_retention
from kafka_topic.errors import BrokerUnreachableError, KafkaTopicError
from kafka_topic.keep import keep
from kafka_topic.names import Topics

# Topics of new positions appear while the job runs.
EVERY_SECONDS = 15.0
_CALL_SECONDS = 5.0


class TopicRetention:
    """Sets what differs, before the job is submitted and every while after that."""

    def __init__(self, env: Environment) -> None:
        self._servers = env.text("KAFKA_BOOTSTRAP_SERVERS")
        self._shorten = env.text("TOPIC_SHORTEN", "false") == "true"
        try:
            self._topics = Topics(env.text("TOPIC_PREFIX", ""))
            self._wanted = parse_retention(env.text("TOPIC_RETENTION_MS", ""))
        except KafkaTopicError as error:
            raise SettingsError(f"TOPIC_PREFIX, TOPIC_RETENTION_MS: {error}") from error
        self._next = 0.0
        self._said: list[str] = []

    @property
    def due(self) -> bool:
        """Whether it is time to look again."""
        return time.monotonic() >= self._next

    def apply(self) -> list[str]:
        """Set what differs; returns what is new to say about it.

        Raises NotReadyError when Kafka doesn't answer. What Kafka refuses is said and holds up no data.
        """
        self._next = time.monotonic() + EVERY_SECONDS
        try:
            done, left = keep(
                self._servers, self._topics, self._wanted, shorten=self._shorten, timeout=_CALL_SECONDS
            )
            said = [f"left {_shown(each)}: TOPIC_SHORTEN is not true" for each in left]
        except BrokerUnreachableError as error:
            raise NotReadyError(str(error)) from error
        except KafkaTopicError as error:
            done, said = [], [f"topics stay as they are: {error}"]
        new = [line for line in said if line not in self._said]
        self._said = said
        return [*(f"set {_shown(each)}" for each in done), *new]


def _shown(each: Difference) -> str:
    return f"{each.name} of {each.topic}, {each.current}, to {each.wanted}"

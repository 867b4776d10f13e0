"""Gives topics the settings that they should have. It runs inside the cluster, where brokers are in reach."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from kafka_topic.brokers import Brokers
from kafka_topic.config import Difference, config_of, differences, divided
from kafka_topic.errors import BrokerUnreachableError, KafkaTopicError
from kafka_topic.names import Topics

_CALL_SECONDS = 5.0


def reconcile(
    bootstrap_servers: str,
    topics: Topics,
    retention: Mapping[str, timedelta],
    *,
    allow_decrease: bool,
    timeout: float = 10.0,
) -> tuple[list[Difference], list[Difference]]:
    """Change settings that differ on the bundle's existing topics; returns what changed and what was left.

    retention: by kind of topic. allow_decrease: whether a retention may become shorter, which deletes
    records. Without it, a longer retention is left, as is what only the topic's owner can decide
    (`Difference.stays`). A second call changes nothing.
    Raises BrokerUnreachableError when no broker answers, KafkaTopicError when Kafka refuses a change.
    """
    brokers = Brokers(bootstrap_servers, timeout=timeout)
    wanted = {name: config_of(kind, retention) for name in brokers.names() if (kind := topics.kind(name))}
    found = list(differences(wanted, brokers.configs(wanted)))
    done, left = divided(found, allow_decrease=allow_decrease)
    changes: dict[str, dict[str, str]] = {}
    for each in done:
        changes.setdefault(each.topic, {})[each.name] = each.wanted
    brokers.set_configs(changes)
    return done, left


class TopicReconciler:
    """Runs `reconcile` for one bundle, again and again: topics of new positions appear while it runs."""

    def __init__(
        self,
        bootstrap_servers: str,
        topics: Topics,
        retention: Mapping[str, timedelta],
        *,
        allow_decrease: bool,
    ) -> None:
        self._servers = bootstrap_servers
        self._topics = topics
        self._retention = retention
        self._allow_decrease = allow_decrease
        self._reported: list[str] = []

    def run(self) -> list[str]:
        """Change what differs; returns a line for each change, and one for each setting newly left as it is.

        Raises BrokerUnreachableError when no broker answers. A change that Kafka refuses is only reported:
        the data flows without it.
        """
        try:
            done, left = reconcile(
                self._servers,
                self._topics,
                self._retention,
                allow_decrease=self._allow_decrease,
                timeout=_CALL_SECONDS,
            )
            lines = [
                f"left {_shown(each)}: "
                + ("TOPIC_ALLOW_RETENTION_DECREASE is not true" if each.shortens else "change it by hand")
                for each in left
            ]
        except BrokerUnreachableError:
            raise
        except KafkaTopicError as error:
            done, lines = [], [f"the topics keep their settings: {error}"]
        new = [line for line in lines if line not in self._reported]
        self._reported = lines
        return [*(f"changed {_shown(each)}" for each in done), *new]


def _shown(each: Difference) -> str:
    return f"{each.name} of {each.topic} from {each.current} to {each.wanted}"

"""Giving topics the settings that they should have. It runs inside the cluster: brokers must be in reach."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import timedelta

from kafka_topic.brokers import Brokers
from kafka_topic.config import Difference, config_of, differences, parse_retention
from kafka_topic.errors import BrokerUnreachableError, KafkaTopicError, PlanError, SymbolError
from kafka_topic.names import Topics

_CALL_SECONDS = 5.0


def keep(
    bootstrap_servers: str,
    topics: Topics,
    retention: Mapping[str, timedelta],
    *,
    shorten: bool,
    timeout: float = 10.0,
) -> tuple[list[Difference], list[Difference]]:
    """Set what differs on the bundle's topics that exist; returns what was set, and what was left.

    retention: by kind of topic. shorten: whether a retention may become shorter, which deletes records;
    without it, longer ones are left, as is what only the topic's owner can decide (`Difference.stays`).
    Doing it again changes nothing.
    Raises BrokerUnreachableError when no broker answers, KafkaTopicError for what Kafka refuses.
    """
    brokers = Brokers(bootstrap_servers, timeout=timeout)
    wanted = {name: config_of(kind, retention) for name in brokers.names() if (kind := topics.kind(name))}
    found = list(differences(wanted, brokers.configs(wanted)))
    left = [each for each in found if each.stays and not (each.shortens and shorten)]
    changes: dict[str, dict[str, str]] = {}
    for each in found:
        if each not in left:
            changes.setdefault(each.topic, {})[each.name] = each.wanted
    brokers.set_configs(changes)
    return [each for each in found if each not in left], left


class Keeper:
    """Keeps the topics of one bundle as its settings say, by running `keep` again and again.

    Topics of new positions appear while the bundle runs, so once is not enough.
    """

    def __init__(
        self, bootstrap_servers: str, topics: Topics, retention: Mapping[str, timedelta], *, shorten: bool
    ) -> None:
        self._servers = bootstrap_servers
        self._topics = topics
        self._retention = retention
        self._shorten = shorten
        self._said: list[str] = []

    @classmethod
    def from_environ(cls, bootstrap_servers: str, environ: Mapping[str, str] = os.environ) -> Keeper:
        """As the variables TOPIC_PREFIX, TOPIC_RETENTION_MS and TOPIC_SHORTEN say. Raises PlanError."""
        try:
            topics = Topics(environ.get("TOPIC_PREFIX", ""))
            retention = parse_retention(environ.get("TOPIC_RETENTION_MS", ""))
        except (SymbolError, PlanError) as error:
            raise PlanError(f"TOPIC_PREFIX, TOPIC_RETENTION_MS: {error}") from error
        return cls(bootstrap_servers, topics, retention, shorten=environ.get("TOPIC_SHORTEN") == "true")

    def run(self) -> list[str]:
        """Set what differs; returns a line for each change, and once for each thing that is left as it is.

        Raises BrokerUnreachableError when no broker answers. What Kafka refuses is only said: the data flows
        all the same.
        """
        try:
            done, left = keep(
                self._servers, self._topics, self._retention, shorten=self._shorten, timeout=_CALL_SECONDS
            )
            said = [
                f"left {_shown(each)}: "
                + ("TOPIC_SHORTEN is not true" if each.shortens else "change it by hand")
                for each in left
            ]
        except BrokerUnreachableError:
            raise
        except KafkaTopicError as error:
            done, said = [], [f"topics stay as they are: {error}"]
        new = [line for line in said if line not in self._said]
        self._said = said
        return [*(f"changed {_shown(each)}" for each in done), *new]


def _shown(each: Difference) -> str:
    return f"{each.name} of {each.topic} from {each.current} to {each.wanted}"

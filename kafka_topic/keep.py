"""Giving topics the settings that they should have. It runs inside the cluster: brokers must be in reach."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from kafka_topic.brokers import Brokers
from kafka_topic.config import Difference, config_of, differences
from kafka_topic.names import Topics


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
    without it, longer ones are left. Doing it again changes nothing.
    Raises BrokerUnreachableError when no broker answers, KafkaTopicError for what Kafka refuses.
    """
    brokers = Brokers(bootstrap_servers, timeout=timeout)
    wanted = {
        name: config
        for name in brokers.names()
        if (kind := topics.kind(name)) and (config := config_of(kind, retention))
    }
    found = list(differences(wanted, brokers.configs(wanted)))
    left = [each for each in found if each.shortens and not shorten]
    changes: dict[str, dict[str, str]] = {}
    for each in found:
        if each not in left:
            changes.setdefault(each.topic, {})[each.name] = each.wanted
    brokers.set_configs(changes)
    return [each for each in found if each not in left], left

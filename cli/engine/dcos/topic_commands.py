"""The arguments of the `dcos kafka` commands for topics, and the parsers of their output.

Nothing runs here. Each argument list starts after the `dcos` executable. List the topics before creating one:
the error for an existing topic looks like that of an unreachable scheduler.
"""

from __future__ import annotations

import json
from typing import Any

from kafka_topic.plan import TopicSpec


def list_argv(service: str) -> list[str]:
    """Arguments that print the names of all topics of a Kafka service."""
    return _topic_argv(service, "list")


def create_argv(service: str, spec: TopicSpec) -> list[str]:
    """Arguments that create a topic."""
    return _topic_argv(
        service, "create", spec.name, f"--partitions={spec.partitions}", f"--replication={spec.replication}"
    )


def describe_argv(service: str, name: str) -> list[str]:
    """Arguments that print the partitions of a topic."""
    return _topic_argv(service, "describe", name)


def delete_argv(service: str, name: str) -> list[str]:
    """Arguments that delete a topic and everything in it."""
    return _topic_argv(service, "delete", name)


def parse_list(stdout: str) -> list[str]:
    """The topic names that `topic list` printed."""
    names = _parsed("topic list", stdout)
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise _unexpected("topic list", "a JSON list of names", stdout)
    return names


def parse_partitions(stdout: str) -> int:
    """The number of partitions of the topic that `topic describe` printed."""
    return len(_partitions(stdout))


def parse_replicas(stdout: str) -> int:
    """The highest number of in-sync replicas of a partition that `topic describe` printed.

    The service shows `{"0": {"isr": [0, 2], …}}` for a partition; it does not show other replicas.
    """
    try:
        in_sync = [len(partition["isr"]) for entry in _partitions(stdout) for partition in entry.values()]
    except (KeyError, TypeError, AttributeError):
        raise _unexpected("topic describe", 'an "isr" for each partition', stdout) from None
    return max(in_sync, default=0)


def _partitions(stdout: str) -> list[Any]:
    described = _parsed("topic describe", stdout)
    partitions = described.get("partitions") if isinstance(described, dict) else None
    if not isinstance(partitions, list):
        raise _unexpected("topic describe", 'a JSON object with a list "partitions"', stdout)
    return partitions


def _topic_argv(service: str, *rest: str) -> list[str]:
    return ["kafka", f"--name={service}", "topic", *rest]


def _parsed(command: str, stdout: str) -> Any:
    try:
        return json.loads(stdout)
    except ValueError:
        raise _unexpected(command, "JSON", stdout) from None


def _unexpected(command: str, wanted: str, stdout: str) -> ValueError:
    # `dcos kafka` writes errors to stdout, so the text itself is the best explanation.
    said = stdout.strip()[:300] or "nothing"
    return ValueError(f"`dcos kafka {command}` should print {wanted}; it printed: {said}")

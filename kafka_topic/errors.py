"""The errors of topics and records.

KafkaTopicError
 +- SymbolError             a symbol or prefix that can't be part of a topic name
 +- PlanError               a topic plan that can't be carried out
 +- ContractError           a record that breaks its contract
 +- LimitsError             the limits that are set can't be read
 +- SecurityError           what clients need to log in is missing or can't work (also a ValueError)
 +- AccessDeniedError       the brokers refuse this client, or it refuses them
 +- BrokerUnreachableError  no broker answered in time (also a TimeoutError)
 +- TopicMissingError       the topic does not exist on the cluster
 +- RecordTimeoutError      no record came in time (also a TimeoutError)
"""

from __future__ import annotations


class KafkaTopicError(Exception):
    """The root of this package's errors."""


class SymbolError(KafkaTopicError, ValueError):
    """A symbol or a topic prefix that Kafka would refuse, or that collides with another."""


class PlanError(KafkaTopicError, ValueError):
    """A topic plan that can't be carried out."""


class ContractError(KafkaTopicError, ValueError):
    """A record breaks its contract; `field` names the field, or is None when the whole record is at fault."""

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class LimitsError(KafkaTopicError):
    """The limits that are set of a position can't be read."""


class SecurityError(KafkaTopicError, ValueError):
    """What clients need to log in to Kafka is missing or can't work. The message contains no secret."""

    exit_code = 2


class AccessDeniedError(KafkaTopicError):
    """The brokers refuse this client, or the client does not accept their certificate."""


class BrokerUnreachableError(KafkaTopicError, TimeoutError):
    """None of the bootstrap servers answered in time."""


class TopicMissingError(KafkaTopicError):
    """The topic does not exist on the cluster."""


class RecordTimeoutError(KafkaTopicError, TimeoutError):
    """No record came within the time the caller gave."""

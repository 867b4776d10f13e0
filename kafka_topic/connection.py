"""Connections to Kafka. No other module makes a client of librdkafka.

A client never creates a topic. `security` says how it logs in. librdkafka logs each failed connection, to
stderr by default; here it logs to LOGGER, which drops everything unless a handler is added. Its errors say
what matters.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient

from kafka_topic.errors import SecurityError
from kafka_topic.security import CA_VARIABLE, KEY_VARIABLE, current

LOGGER = logging.getLogger("kafka_topic.librdkafka")
LOGGER.addHandler(logging.NullHandler())
LOGGER.propagate = False

OnError = Callable[[KafkaError], None]
# How long a topic may be missing before it counts as deleted. librdkafka's default is 30 s.
_GONE_AFTER_MS = 5000


def open_admin(bootstrap_servers: str) -> AdminClient:
    """A client that reads and changes the brokers' metadata."""
    config: dict[str, Any] = {"bootstrap.servers": bootstrap_servers, **current().librdkafka()}
    with _login_errors():
        return AdminClient(config, logger=LOGGER)


def open_producer(
    bootstrap_servers: str, *, on_error: OnError = lambda error: None, **settings: Any
) -> Producer:
    """A producer with the partitioner of Java's clients: a symbol has one partition, whichever client writes.

    Further settings are librdkafka's, with '_' for '.'.
    """
    config = _config(bootstrap_servers, on_error, {"partitioner": "murmur2_random"}, settings)
    with _login_errors():
        return Producer(config, logger=LOGGER)


def open_consumer(
    bootstrap_servers: str, *, on_error: OnError = lambda error: None, **settings: Any
) -> Consumer:
    """A read_committed consumer. It commits nothing by itself, and joins no group unless it subscribes.

    Further settings are librdkafka's, with '_' for '.'.
    """
    defaults = {
        "group.id": "pipectl-reader",  # the client insists on one
        "isolation.level": "read_committed",
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "earliest",
    }
    config = _config(bootstrap_servers, on_error, defaults, settings)
    with _login_errors():
        return Consumer(config, logger=LOGGER)


@contextmanager
def _login_errors() -> Iterator[None]:
    """Raises SecurityError if librdkafka cannot use the key or the certificates."""
    try:
        yield
    except KafkaException as error:
        reason = error.args[0].str()
        if not re.search(r"\bssl\.", reason):
            raise
        raise SecurityError(
            f"the login to Kafka cannot be used: {reason}; check that {KEY_VARIABLE} holds a key and its own "
            f"certificate, and {CA_VARIABLE} a certificate"
        ) from None


def _config(
    bootstrap_servers: str, on_error: OnError, defaults: dict[str, Any], settings: dict[str, Any]
) -> dict[str, Any]:
    return {
        "bootstrap.servers": bootstrap_servers,
        "allow.auto.create.topics": False,
        "topic.metadata.propagation.max.ms": _GONE_AFTER_MS,
        "error_cb": on_error,
        **current().librdkafka(),
        **defaults,
        **{name.replace("_", "."): value for name, value in settings.items()},
    }

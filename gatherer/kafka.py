"""How the job reads from Kafka and writes to it."""

from __future__ import annotations

from gatherer.settings import Settings


def consumer_properties(settings: Settings) -> dict[str, str]:
    """Properties of the sources of prices and of limits."""
    # A broker outage must fail the job before it makes partitions idle. A restarted job waits for each
    # partition anew; one that runs on would follow the partition that comes back first and take the others'
    # backlog as late. Looking for new topics is what notices the outage: (1/5 + 1/2) of the idle timeout
    # after it began at most.
    discovery_ms = min(settings.discovery_ms, max(settings.idle_ms // 5, 1))
    give_up_ms = str(max(settings.idle_ms // 2, 1))
    return {
        "bootstrap.servers": settings.bootstrap_servers,
        "group.id": settings.job_name,
        "default.api.timeout.ms": give_up_ms,
        "request.timeout.ms": give_up_ms,
        "reconnect.backoff.max.ms": "200",
        "isolation.level": "read_committed",
        "partition.discovery.interval.ms": str(discovery_ms),
    }


def output_table(settings: Settings) -> str:
    """The sink: records ready to be written, key = symbol, each to the topic that it names."""
    topics = settings.topics
    options = {
        "connector": "kafka",
        "properties.bootstrap.servers": settings.bootstrap_servers,
        "topic": ";".join((topics.moving_average, topics.signals, topics.dead_letter)),
        "key.format": "raw",
        "key.fields": "symbol",
        "value.format": "raw",
        "value.fields-include": "EXCEPT_KEY",
        "sink.delivery-guarantee": settings.delivery,
        "properties.linger.ms": "5",
        "properties.compression.type": "lz4",
    }
    if settings.delivery == "exactly-once":
        options["sink.transactional-id-prefix"] = settings.job_name
        # The broker's own maximum is 15 minutes; a transaction has to outlive the longest outage of the job.
        options["properties.transaction.timeout.ms"] = str(14 * 60 * 1000)
    described = ",\n  ".join(f"{_literal(key)} = {_literal(value)}" for key, value in options.items())
    return f"""
CREATE TEMPORARY TABLE output (
  symbol STRING,
  content BYTES,
  topic STRING NOT NULL METADATA
) WITH (
  {described}
)"""


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"

"""The properties of the job's Kafka clients."""

from __future__ import annotations

from gatherer.settings import Settings

# Where the connector for Kafka has the classes of Kafka's clients.
_CLIENTS = "org.apache.flink.kafka.shaded.org.apache.kafka"


def consumer_properties(settings: Settings) -> dict[str, str]:
    """Properties of the source's consumers."""
    return {
        "bootstrap.servers": settings.bootstrap_servers,
        "group.id": settings.job_name,
        "isolation.level": "read_committed",
        "enable.auto.commit": "false",
        # The source itself decides where to continue.
        "auto.offset.reset": "none",
        "allow.auto.create.topics": "false",
        "default.api.timeout.ms": "10000",
        "request.timeout.ms": "5000",
        "reconnect.backoff.max.ms": "200",
        "max.poll.records": "5000",
        # Prefetched records are on the heap, beside the state.
        "fetch.max.bytes": str(16 * 1024 * 1024),
        **settings.security.java(_CLIENTS),
    }


def producer_properties(settings: Settings) -> dict[str, str]:
    """Properties of the sink."""
    # Reconnect quickly to a broker that is back.
    properties = {
        "linger.ms": "5",
        "compression.type": "lz4",
        "reconnect.backoff.max.ms": "200",
        **settings.security.java(_CLIENTS),
    }
    if settings.delivery == "exactly-once":
        # A transaction must outlive the longest outage of the job. The broker's maximum is 15 minutes.
        properties["transaction.timeout.ms"] = str(14 * 60 * 1000)
        # While the broker is away, a job that starts again waits in its first commit. If that timed out, the
        # connector would repeat it on a producer that still waits, and would never see the answer.
        properties["max.block.ms"] = properties["transaction.timeout.ms"]
    return properties

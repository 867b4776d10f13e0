"""How the job reads from Kafka and writes to it."""

from __future__ import annotations

from gatherer.settings import Settings


def consumer_properties(settings: Settings) -> dict[str, str]:
    """Properties of the sources of prices and of limits."""
    # A broker outage must fail the job before it makes partitions idle. A restarted job waits for each
    # partition anew; one that runs on would follow the partition that comes back first and take the others'
    # backlog as late. Looking for new topics is what notices the outage: (1/5 + 1/2) of the idle timeout
    # after it began at most.
    discovery_ms = min(settings.discovery_ms, settings.idle_ms // 5)
    give_up_ms = str(settings.idle_ms // 2)
    return {
        "bootstrap.servers": settings.bootstrap_servers,
        "group.id": settings.job_name,
        "default.api.timeout.ms": give_up_ms,
        "request.timeout.ms": give_up_ms,
        "reconnect.backoff.max.ms": "200",
        "isolation.level": "read_committed",
        # A partition is heard again when what was fetched of each other has been read: with small fetches,
        # many partitions with much to read don't make each other idle.
        "max.partition.fetch.bytes": str(256 * 1024),
        "partition.discovery.interval.ms": str(discovery_ms),
    }


def producer_properties(settings: Settings) -> dict[str, str]:
    """Properties of the sink."""
    # A broker that is back is used at once.
    properties = {"linger.ms": "5", "compression.type": "lz4", "reconnect.backoff.max.ms": "200"}
    if settings.delivery == "exactly-once":
        # The broker's own maximum is 15 minutes; a transaction has to outlive the longest outage of the job.
        properties["transaction.timeout.ms"] = str(14 * 60 * 1000)
    return properties

"""What a promotion takes along: the image, and the settings of what the bundle computes.

Where and how large something runs, its secrets and its addresses are the target's own.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from marathon import Settings

# A path stands for everything below it.
PROMOTED = (
    "image",
    "spark.image",
    "positions",
    "parts",
    "generator.model",
    "generator.rate",
    "generator.seed",
    "generator.start_price",
    "generator.start_prices",
    "generator.volatility",
    "sources.prices.count",
    "sources.prices.rate",
    "sources.prices.volatility",
    "sources.prices.seed",
    "sources.random_numbers.count",
    "sources.random_numbers.rate",
    "sources.random_numbers.distribution",
    "sources.random_numbers.seed",
    "sources.system.count",
    "spark.report.method",
    "spark.streams.window",
    "spark.streams.delay",
    "spark.streams.interval",
    "flows",
    "sink.standing",
    "sink.batch",
    "flink.checkpoint_interval",
    "gatherer.inputs",
    "gatherer.windows",
    "gatherer.statistics",
    "gatherer.ewma_half_life",
    "gatherer.max_out_of_orderness",
    "gatherer.max_clock_skew",
    "gatherer.discovery_interval",
    "gatherer.delivery",
    "signals",
    "initial_limits",
)
# The rest, each by name, so that a new setting is decided on.
KEPT = (
    "group",
    "python",
    "areas",
    "accounts",
    "local",
    "ssh",
    "dcos",
    "kafka",
    "topics",
    "generator.instances",
    "generator.cpus",
    "generator.mem",
    "sources.prices.cpus",
    "sources.prices.mem",
    "sources.random_numbers.cpus",
    "sources.random_numbers.mem",
    "sources.system.cpus",
    "sources.system.mem",
    "sources.census",
    # Files on the machine of the source.
    "sources.replay",
    "spark.master",
    "spark.secret_file",
    "spark.secret",
    "spark.queries",
    "spark.report.source",
    "spark.report.output",
    "spark.report.cpus",
    "spark.report.mem",
    "spark.streams.cpus",
    "spark.streams.mem",
    "spark.standalone",
    "stores",
    "notebooks",
    "cassandra",
    "mysql",
    "hdfs",
    "webhook",
    "sink.source",
    "sink.target",
    "sink.cpus",
    "sink.mem",
    "flink.token",
    "flink.state",
    "flink.s3",
    "flink.parallelism",
    "flink.jobmanager",
    "flink.taskmanager",
    # It must outlast a hanging broker, of which a cluster has its own.
    "gatherer.idle_timeout",
    "gatherer.cpus",
    "gatherer.mem",
    "security",
    "dashboard",
    "health",
    "timeouts",
)


def promoted(source: Settings, target: Settings) -> dict[str, Any]:
    """The settings that differ, by dotted path, as they are at the source; JSON values.

    null removes what only the target has. A source without an image, such as a local cluster, leaves the
    target's.
    """
    theirs, ours = source.model_dump(mode="json"), target.model_dump(mode="json")
    changes: dict[str, Any] = {}
    for path in PROMOTED:
        for below, value in _differences(_at(theirs, path), _at(ours, path)):
            # The names in a mapping, such as those of flows, may hold dots, so they are no part of the path.
            changes[path] = _merged(changes.get(path, {}), below, value) if below else value
    for image in ("image", "spark.image"):
        if changes.get(image, "") is None:
            del changes[image]
    return changes


def as_overrides(changes: Mapping[str, Any]) -> tuple[str, ...]:
    """The changes in the form of `--set`."""
    return tuple(f"{path}={json.dumps(value)}" for path, value in changes.items())


def as_document(changes: Mapping[str, Any]) -> dict[str, Any]:
    """The changes as a settings file, for `-f`. JSON is YAML."""
    document: dict[str, Any] = {}
    for path, value in changes.items():
        *above, last = path.split(".")
        section = document
        for name in above:
            section = section.setdefault(name, {})
        section[last] = value
    return document


def _at(document: Any, path: str) -> Any:
    for name in path.split("."):
        document = document[name]
    return document


def _differences(theirs: Any, ours: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The keys below which two values differ, with their value."""
    if theirs == ours:
        return
    if not (isinstance(theirs, dict) and isinstance(ours, dict)):
        yield (), theirs
        return
    for key in dict.fromkeys([*theirs, *ours]):
        if key not in ours or key not in theirs:
            if theirs.get(key) is not None or ours.get(key) is not None:
                yield (key,), theirs.get(key)
            continue
        for below, value in _differences(theirs[key], ours[key]):
            yield (key, *below), value


def _merged(document: dict[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    *above, last = path
    section = document
    for name in above:
        section = section.setdefault(name, {})
    section[last] = value
    return document

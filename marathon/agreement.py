"""What settings must be true of one another. Each check names the setting to change."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from marathon.durations import format_duration
from marathon.paths import KeyPath
from marathon.settings import Settings

Disagreement = tuple[KeyPath, str, str]
"""The path of the setting, what is wrong with it, and what to do."""


def disagreements(settings: Settings, *, local: bool) -> Iterator[Disagreement]:
    """Every way in which `settings` contradict themselves. `local`: for the cluster on this machine."""
    yield from _positions(settings)
    yield from _kafka(settings)
    yield from _flink(settings, local=local)
    yield from _gatherer(settings)
    yield from _health(settings)


def _positions(settings: Settings) -> Iterator[Disagreement]:
    for index, symbol in enumerate(settings.positions):
        if symbol in settings.positions[:index]:
            yield ("positions", index), f"{symbol} is there twice", "each position is one topic"


def _kafka(settings: Settings) -> Iterator[Disagreement]:
    kafka, topics = settings.kafka, settings.topics
    if topics.replication > kafka.brokers:
        yield (
            ("topics", "replication"),
            f"{topics.replication} replicas need as many brokers, and kafka.brokers is {kafka.brokers}",
            f"at most {kafka.brokers}, or more brokers",
        )
    if kafka.host and not kafka.port and not kafka.bootstrap_servers:
        yield ("kafka", "port"), "clients need a port when kafka.host is set", "write the broker's port"


def _flink(settings: Settings, *, local: bool) -> Iterator[Disagreement]:
    flink = settings.flink
    slots = flink.taskmanager.instances * flink.taskmanager.slots
    if flink.parallelism > slots:
        yield (
            ("flink", "parallelism"),
            f"{flink.parallelism} is more than the {slots} slot(s) of flink.taskmanager, instances x slots",
            "raise flink.taskmanager.instances or slots",
        )
    if flink.jobmanager.rpc_port == flink.jobmanager.rest_port:
        yield (
            ("flink", "jobmanager", "rest_port"),
            f"{flink.jobmanager.rest_port} is rpc_port already",
            "pick another",
        )
    if flink.state is None and not local:
        yield (
            ("flink", "state"),
            "is required on this cluster: where checkpoints and savepoints lie, reachable from every agent",
            "write hdfs://…, s3://bucket/path or a mounted folder, file:///mnt/…",
        )


def _gatherer(settings: Settings) -> Iterator[Disagreement]:
    window, slide = settings.gatherer.window, settings.gatherer.slide
    if window % slide:
        down = window // slide * slide or slide
        yield (
            ("gatherer", "window"),
            f"{format_duration(window)} is no multiple of the slide, {format_duration(slide)}",
            f"{format_duration(down)} would be",
        )
    if settings.generator.instances > 1:
        yield (
            ("generator", "instances"),
            f"{settings.generator.instances} generators would publish each price as often",
            "0 or 1; raise generator.rate for more ticks",
        )


def _health(settings: Settings) -> Iterator[Disagreement]:
    # Marathon's health checks count in whole seconds.
    if settings.health.interval % timedelta(seconds=1):
        yield (
            ("health", "interval"),
            f"{format_duration(settings.health.interval)} is not in whole seconds",
            "",
        )

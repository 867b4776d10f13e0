"""The step that creates the bundle's topics."""

import threading
from datetime import timedelta
from typing import Any

import pytest

from cli.engine.memory import MemoryEngine, MemoryKafka
from cli.errors import EngineError
from cli.steps.base import Change, State
from cli.steps.topics import AT_ONCE, TopicsStep
from kafka_topic.plan import TopicSpec

PATIENCE = 60.0


def _step(kafka: MemoryKafka, number: int) -> TopicsStep:
    engine, unused = MemoryEngine(), object()
    engine.kafka = kafka
    settings: Any = unused
    return TopicsStep(
        [TopicSpec(f"position.P{each}", 1, 1) for each in range(number)],
        "kafka",
        engine,
        depends_on=frozenset(),
        timeout=timedelta(seconds=PATIENCE),
        kafka=lambda: State(True, "healthy", ""),
        settings=settings,
    )


class OnlyTogether(MemoryKafka):
    """Creates topics only while `AT_ONCE` are being created."""

    def __init__(self) -> None:
        super().__init__()
        self._together = threading.Barrier(AT_ONCE)

    def create_topic(self, service: str, spec: TopicSpec) -> None:
        self._together.wait(PATIENCE)
        super().create_topic(service, spec)


def test_topics_are_created_side_by_side() -> None:
    kafka = OnlyTogether()
    _step(kafka, 3 * AT_ONCE).apply(Change("create"))
    assert len(kafka.specs) == 3 * AT_ONCE


class Refuses(MemoryKafka):
    """Refuses one of the topics."""

    def create_topic(self, service: str, spec: TopicSpec) -> None:
        if spec.name == "position.P3":
            raise EngineError(["create", spec.name], 1, "", "no space left")
        super().create_topic(service, spec)


def test_a_topic_that_cannot_be_created_fails_the_step() -> None:
    with pytest.raises(EngineError, match="no space left"):
        _step(Refuses(), 5).apply(Change("create"))

"""The rights of a bundle's users."""

from __future__ import annotations

from typing import Any

import pytest

from kafka_topic.access import Right, rights_of
from kafka_topic.names import Topics

TOPICS = Topics("v.")


def rights(user: str, *, shared: bool = False, inputs: list[dict[str, Any]] | None = None) -> set[Right]:
    found = rights_of(
        TOPICS, job="job", inputs=inputs or [], job_topics=["v.prices"], sinks="sink-to-", shared=shared
    )
    assert len(found) == len(set(found))
    # The right to write idempotently names no topic; users of transactions do not need it.
    producers = {right.user for right in found if right.operation == "IDEMPOTENT_WRITE"}
    assert producers == {"generator", "gatherer", "dashboard"}
    return {right for right in found if right.user == user and right.operation != "IDEMPOTENT_WRITE"}


def names(user: str, operation: str, **settings: Any) -> set[tuple[str, bool]]:
    return {
        (right.name, right.prefix)
        for right in rights(user, **settings)
        if (right.operation, right.resource) == (operation, "TOPIC")
    }


def test_the_generator_writes_prices_and_nothing_else() -> None:
    position = {("v.position.", True)}
    assert {right.operation for right in rights("generator")} == {"WRITE", "DESCRIBE"}
    assert {(right.name, right.prefix) for right in rights("generator")} == position
    # Several keep their progress in a group, for which Kafka wants the right to read.
    assert names("generator", "READ", shared=True) == names("generator", "WRITE", shared=True) == position


def test_the_page_writes_limits_only() -> None:
    assert names("dashboard", "WRITE") == {("v.limits", False)}
    assert {right.operation for right in rights("dashboard")} == {
        *("READ", "WRITE", "DESCRIBE", "DESCRIBE_CONFIGS")
    }


def test_jobs_write_their_own_topics_only_and_sinks_read_results() -> None:
    assert names("jobs", "WRITE") == {("v.prices", False)}
    results = {("v.movingaverage", False), ("v.signals", False), ("v.position.", True)}
    assert names("jobs", "READ") == {("v.prices", False), *results}
    assert Right("jobs", "READ", "GROUP", "sink-to-", prefix=True) in rights("jobs")


@pytest.mark.parametrize(
    ("one", "right"),
    [
        ({"topic": "fx"}, ("fx", False)),
        ({"pattern": "fx-[a-z]+"}, ("fx-", True)),
        ({"pattern": "fx?"}, ("f", True)),
        ({"pattern": "ticks[.](?<symbol>[A-Z]+)"}, ("ticks", True)),
        ({"pattern": ".*"}, ("*", False)),
        ({"pattern": "a|b"}, ("*", False)),
    ],
)
def test_the_gatherer_reads_its_inputs(one: dict[str, str], right: tuple[str, bool]) -> None:
    more = names("gatherer", "READ", inputs=[one]) - names("gatherer", "READ")
    assert more == {right}
    assert names("gatherer", "WRITE") == {
        *(("v.movingaverage", False), ("v.signals", False), ("v.dead_letter", False))
    }

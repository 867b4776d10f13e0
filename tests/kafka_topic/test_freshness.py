from datetime import UTC, datetime, timedelta

import pytest

from kafka_topic.freshness import flow_state
from kafka_topic.trouble import Trouble

NOW = datetime(2026, 11, 22, 1, 2, 3, tzinfo=UTC)
LIMIT = timedelta(seconds=10)
STOPS, PASSES = Trouble("gone", "position.A"), Trouble("lost", "position.A", 0)


@pytest.mark.parametrize(
    ("age", "problem", "state"),
    [
        (None, None, "silent"),
        (0, None, "fresh"),
        (10, None, "fresh"),
        (10.001, None, "stale"),
        (-300, None, "fresh"),
        (-301, None, "stale"),  # a clock was set back
        (0, STOPS, "unreadable"),
        (None, STOPS, "unreadable"),
        (0, PASSES, "fresh"),
        (11, PASSES, "stale"),
    ],
)
def test_the_state_of_a_position(age: float | None, problem: Trouble | None, state: str) -> None:
    last = None if age is None else NOW - timedelta(seconds=age)
    assert flow_state(last, problem, now=NOW, max_age=LIMIT) == state

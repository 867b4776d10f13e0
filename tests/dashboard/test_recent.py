"""The newest values of a topic: bounded, and each viewer gets each value once."""

from datetime import UTC, datetime, timedelta

from dashboard.recent import MOST_SERIES, MOST_VALUES, Recent
from kafka_topic.contracts import Measurement, Price

BEGAN = datetime(2026, 11, 22, tzinfo=UTC)


def measurement(second, name="cpu"):
    return Measurement(BEGAN + timedelta(seconds=second), name, float(second), "%", "host-1")


def test_who_has_seen_some_values_gets_the_others_once():
    recent = Recent(["monitoring", "other"])
    for second in range(3):
        recent.add("monitoring", measurement(second))
    number, (series,) = recent.after("monitoring", 0)
    assert (series["name"], series["unit"], series["host"]) == ("cpu", "%", "host-1")
    assert [value for _, value in series["points"]] == [0.0, 1.0, 2.0]
    assert series["points"][1][0] - series["points"][0][0] == 1000
    assert recent.after("monitoring", number) == (number, [])
    recent.add("monitoring", measurement(7, "memory"))
    recent.add("other", measurement(9))
    _, (series,) = recent.after("monitoring", number)
    assert (series["name"], [value for _, value in series["points"]]) == ("memory", [7.0])
    assert recent.newest("monitoring") == BEGAN + timedelta(seconds=7)
    assert recent.newest("other") == BEGAN + timedelta(seconds=9)


def test_memory_is_bounded_in_values_and_in_names():
    recent = Recent(["monitoring"])
    for second in range(MOST_VALUES + 10):
        recent.add("monitoring", measurement(second))
    for name in range(2 * MOST_SERIES):
        recent.add("monitoring", measurement(0, f"name {name}"))
    _, series = recent.after("monitoring", 0)
    assert len(series) == MOST_SERIES
    assert [value for _, value in series[0]["points"]] == [float(n) for n in range(10, MOST_VALUES + 10)]


def test_a_late_value_does_not_make_the_newest_older():
    recent = Recent(["prices"])
    for second in (5, 3):
        recent.add("prices", Price(BEGAN + timedelta(seconds=second), "AAPL", 100.0 + second))
    assert recent.newest("prices") == BEGAN + timedelta(seconds=5)
    assert [(series.name, value.value) for series, value in recent.values("prices")] == [
        ("AAPL", 105.0),
        ("AAPL", 103.0),
    ]

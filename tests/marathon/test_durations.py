from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marathon.durations import format_duration, parse_duration, seconds


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [("500ms", 500), ("10s", 10_000), ("1.5s", 1500), ("1m", 60_000), ("2h", 7_200_000), ("1d", 86_400_000)],
)
def test_parse(text: str, milliseconds: int) -> None:
    assert parse_duration(text) == timedelta(milliseconds=milliseconds)


@pytest.mark.parametrize(
    "text", ["10", "s", "10 s", "-1s", "1h30m", "", "05s", "1.s", ".5s", "٣s", "1s\n", 10, None, True]
)
def test_parse_refuses(text: object) -> None:
    with pytest.raises(ValueError, match='such as "500ms"'):
        parse_duration(text)


def test_parse_refuses_what_cannot_be_counted() -> None:
    with pytest.raises(ValueError, match="too long"):
        parse_duration("9" * 12 + "d")
    with pytest.raises(ValueError, match="not a whole number of milliseconds"):
        parse_duration("0.5ms")


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=10_000)))
def test_a_written_duration_reads_back(length: timedelta) -> None:
    whole = length - timedelta(microseconds=length.microseconds % 1000)
    assert parse_duration(format_duration(whole)) == whole


def test_format_takes_the_largest_whole_unit() -> None:
    assert [format_duration(timedelta(seconds=s)) for s in (0, 0.5, 1, 90, 120, 7200)] == [
        "0s",
        "500ms",
        "1s",
        "90s",
        "2m",
        "2h",
    ]


def test_seconds_are_whole_where_they_are() -> None:
    assert repr(seconds(timedelta(seconds=10))) == "10"
    assert repr(seconds(timedelta(milliseconds=500))) == "0.5"

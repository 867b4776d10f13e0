from datetime import timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kafka_topic.windows import shortest, window_label, window_length
from marathon.durations import format_duration, parse_duration

MILLISECONDS = st.integers(1, 10**10).map(lambda number: timedelta(milliseconds=number))
WHOLE = st.tuples(st.integers(1, 500), st.sampled_from(["ms", "s", "m", "h", "d"]))


@given(MILLISECONDS | WHOLE.map(lambda pair: window_length(f"{pair[0]}{pair[1]}")))
def test_a_label_is_how_the_settings_write_the_length(length):
    assert window_label(length) == format_duration(length)
    assert window_length(window_label(length)) == length


def test_a_length_has_one_label():
    assert [window_label(window_length(text)) for text in ("60s", "1m", "60000ms", "90s")] == [
        *["1m"] * 3,
        "90s",
    ]


@pytest.mark.parametrize("text", ["", "10", "s", "0s", "-1s", "1.5ms", "10 s", "1w", "٣s", "999999999999d"])
def test_what_is_not_a_length_is_refused(text):
    with pytest.raises(ValueError, match="is not the length of a window; write one such as"):
        window_length(text)


@given(
    st.from_regex(r"[0-9]{1,14}(\.[0-9]{1,14})?(ms|s|m|h|d)", fullmatch=True)
    | st.from_regex(r"\A[+-]?\d{1,3}[.,]?\d{0,3} ?[a-z]{0,2}\Z")
)
@example("0s")
@example("05s")
@example("1.5s")
@example("0.0001s")
@example("٣s")
@example("999999999999d")
def test_settings_and_apps_read_the_same_lengths(text):
    """Except for none at all: a timeout may be 0s, and no window is so long."""

    def read_by(parse):
        try:
            return parse(text) or None
        except ValueError:
            return None

    assert read_by(window_length) == read_by(parse_duration)


@pytest.mark.parametrize("length", [timedelta(0), timedelta(seconds=-1), timedelta(microseconds=1500)])
def test_a_length_without_a_label_is_refused(length):
    with pytest.raises(ValueError, match="not a whole number of milliseconds"):
        window_label(length)


def test_the_shortest():
    assert shortest(["10m", "1m", "500ms", "10s"]) == "500ms"

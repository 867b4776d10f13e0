"""What is remembered: bounded, in order, thinned out, and each point given out once."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from dashboard.errors import SettingsError
from dashboard.frames import Frames
from dashboard.history import History, thinned
from dashboard.settings import MOST_PRICES, MOST_WINDOWS, from_environment
from kafka_topic.contracts import MovingAverage, Price

START = datetime(2026, 11, 22, 1, 2, 3, tzinfo=UTC)
ENVIRONMENT = {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1", "POSITIONS": "AAPL,MSFT", "JOB_NAME": "a.gatherer"}


def at(seconds):
    return START + timedelta(seconds=seconds)


def window(seconds, symbol="AAPL"):
    return MovingAverage(symbol, at(seconds - 10), at(seconds), 2, 5.0, 4.0, 6.0, 5.0, 1.0, 20.0)


def history(windows=3, prices=2):
    return History(["AAPL", "MSFT"], windows=windows, prices=prices, fresh_seconds=5)


def test_no_more_than_the_newest_is_kept():
    kept = history()
    for second in range(10):
        assert kept.add_window(window(second))
        assert kept.add_price(Price(at(second), "AAPL", 100 + second))
    assert [record.window_end for record in kept.windows_of("AAPL")] == [at(7), at(8), at(9)]
    assert [price.price for price in kept.since(0).prices["AAPL"]] == [108, 109]
    assert kept.windows_of("AAPL", at(8)) == [window(9)]


def test_what_is_repeated_or_older_or_of_no_position_is_left_out():
    kept = history()
    assert kept.add_window(window(5))
    assert not kept.add_window(window(5))
    assert not kept.add_window(window(4))
    assert not kept.add_window(window(6, "NOPE"))
    assert kept.add_price(Price(at(5), "AAPL", 1))
    assert kept.add_price(Price(at(5), "AAPL", 2))
    assert not kept.add_price(Price(at(4), "AAPL", 3))
    assert not kept.add_price(Price(at(6), "NOPE", 3))
    assert kept.positions["AAPL"].last_price == Price(at(5), "AAPL", 2)


def test_news_come_once_however_they_are_asked_for():
    kept, seen, got = history(windows=100, prices=100), 0, []
    for second in range(20):
        kept.add_window(window(second))
        kept.add_window(window(second, "MSFT"))
        if second % 3 == 0:
            news = kept.since(seen)
            seen = news.seq
            got += news.windows["AAPL"]
    assert got == [window(second) for second in range(19)]
    assert kept.since(seen).windows == {"AAPL": [window(19)], "MSFT": [window(19, "MSFT")]}
    assert kept.since(kept.seq).windows == {}


def test_who_asks_too_late_gets_what_is_left():
    kept = history(windows=3)
    kept.add_window(window(0))
    seen = kept.seq
    for second in range(1, 50):
        kept.add_window(window(second))
    assert kept.since(seen).windows["AAPL"] == [window(47), window(48), window(49)]


@pytest.mark.parametrize("most", [1, 3, 10, 99, 100, 101])
def test_thinning_keeps_the_newest_and_spreads_evenly(most):
    values = [*range(100)]
    left = thinned(values, most)
    assert len(left) <= most
    assert left[-1] == 99
    assert len({b - a for a, b in itertools.pairwise(left)}) <= 1
    assert thinned(values, None) == values


def test_state_goes_by_the_age_of_the_last_window():
    kept = history()
    assert kept.state("AAPL", at(0).timestamp()) == "silent"
    kept.add_window(window(0))
    assert kept.state("AAPL", at(5).timestamp()) == "fresh"
    assert kept.state("AAPL", at(5.1).timestamp()) == "stale"


def test_a_frame_is_made_once_for_all_who_have_seen_the_same():
    kept = history()
    kept.add_window(window(0))
    frames = Frames(kept)
    frames.refresh()
    assert frames.after(0) is frames.after(0)
    first = frames.after(0)
    kept.add_window(window(1))
    frames.refresh()
    assert frames.after(0) is not first
    assert frames.after(first.seq).data.count(b"5.0,4.0,6.0") == 1


def test_many_positions_share_what_may_be_kept():
    few = from_environment(ENVIRONMENT)
    assert (few.windows_kept, few.prices_kept) == (1800, 1800)
    many = from_environment({**ENVIRONMENT, "POSITIONS": ",".join(f"P{n}" for n in range(1000))})
    assert many.windows_kept * 1000 <= MOST_WINDOWS
    assert many.prices_kept * 1000 <= MOST_PRICES


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KAFKA_BOOTSTRAP_SERVERS", ""),
        ("POSITIONS", "A/B"),
        ("POSITIONS", ""),
        ("JOB_NAME", ""),
        ("DASHBOARD_HISTORY", "many"),
        ("DASHBOARD_FRESH_SECONDS", "nan"),
        ("GATHERER_WINDOWS", "all=1s"),
        ("PORT0", "-1"),
    ],
)
def test_a_setting_that_cannot_work_is_named(name, value):
    with pytest.raises(SettingsError, match=value or name):
        from_environment({**ENVIRONMENT, name: value})


def test_the_shortest_of_the_gatherers_windows_is_shown():
    assert from_environment({**ENVIRONMENT, "GATHERER_WINDOWS": "1m=5s,10s=1s,10m=10s"}).window == "10s"
    assert from_environment(ENVIRONMENT).window is None


def test_only_loopback_is_bound_to_on_a_laptop():
    assert from_environment({**ENVIRONMENT, "HOST": "127.0.0.1"}).bind_host == "127.0.0.1"
    assert from_environment({**ENVIRONMENT, "HOST": "10.0.0.7"}).bind_host == "0.0.0.0"  # noqa: S104

"""What is remembered: bounded, in order, thinned out, and each point given out once."""

import itertools
import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from dashboard.frames import Frames
from dashboard.history import History, thinned
from dashboard.settings import MOST_PRICES, MOST_SIGNALS, MOST_WINDOWS, Settings
from kafka_topic.contracts import DeadLetter, Limits, MovingAverage, Price, Signal
from kafka_topic.trouble import Trouble
from task_runtime.errors import SettingsError

START = datetime(2026, 11, 22, 1, 2, 3, tzinfo=UTC)
ENVIRONMENT = {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1", "POSITIONS": "AAPL,MSFT", "JOB_NAME": "a.gatherer"}


def at(seconds):
    return START + timedelta(seconds=seconds)


def window(seconds, symbol="AAPL", length=10):
    return MovingAverage(symbol, at(seconds - length), at(seconds), 2, 5.0, 4.0, 6.0, 5.0, 1.0, 20.0)


def signal(seconds, symbol="AAPL", kind="regime", event="high"):
    return Signal(kind, event, symbol, at(seconds), "1m", None, 100.0, 2.0, 1.0, None, None, None, "because.")


def history(windows=3, prices=2):
    return History(
        ["AAPL", "MSFT"], ["10s", "1m"], windows=windows, prices=prices, signals=3, fresh_seconds=5
    )


def test_no_more_than_the_newest_is_kept():
    kept = history()
    for second in range(10):
        assert kept.add_window(window(second))
        assert kept.add_price(Price(at(second), "AAPL", 100 + second))
    assert [record.window_end for record in kept.windows_of("AAPL", "10s")] == [at(7), at(8), at(9)]
    assert [price.price for price in kept.since(0).prices["AAPL"]] == [108, 109]
    assert kept.windows_of("AAPL", "10s", at(8)) == [window(9)]


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
            got += news.windows["AAPL"]["10s"]
    assert got == [window(second) for second in range(19)]
    assert kept.since(seen).windows == {
        "AAPL": {"10s": [window(19)]},
        "MSFT": {"10s": [window(19, "MSFT")]},
    }
    assert kept.since(kept.seq).windows == {}


def test_who_asks_too_late_gets_what_is_left():
    kept = history(windows=3)
    kept.add_window(window(0))
    seen = kept.seq
    for second in range(1, 50):
        kept.add_window(window(second))
    assert kept.since(seen).windows["AAPL"]["10s"] == [window(47), window(48), window(49)]


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


def test_a_position_with_a_problem_is_unreadable_but_for_what_was_lost():
    kept = history()
    kept.add_window(window(0))
    seen = kept.seq
    for code, state in (("lost", "fresh"), ("corrupt", "unreadable")):
        problem = Trouble(code, "position.AAPL", 0)
        kept.set_problem("AAPL", problem)
        kept.set_problem("AAPL", problem)
        assert kept.state("AAPL", at(5).timestamp()) == state
        assert (kept.since(seen).problems, kept.seq) == ({"AAPL": problem}, seen + 1)
        seen = kept.seq
    assert kept.state("MSFT") == "silent"
    frame = json.loads(Frames(kept, ()).after(0).data)
    assert (frame["states"], frame["problems"]) == ("un", {"AAPL": problem.fields()})
    kept.set_problem("AAPL", None)
    assert kept.since(seen).problems == {"AAPL": None}
    assert kept.state("AAPL", at(5).timestamp()) == "fresh"


def test_a_frame_is_made_once_for_all_who_have_seen_the_same():
    kept = history()
    kept.add_window(window(0))
    frames = Frames(kept, ())
    frames.refresh()
    assert frames.after(0) is frames.after(0)
    first = frames.after(0)
    kept.add_window(window(1))
    frames.refresh()
    assert frames.after(0) is not first
    assert frames.after(first.seq).data.count(b"5.0,4.0,6.0") == 1


def test_many_positions_share_what_may_be_kept():
    few = Settings.from_environ(ENVIRONMENT)
    assert (few.windows_kept, few.prices_kept, few.signals_kept) == (1800, 1800, 200)
    # The longest slide is 10 s: hours of it, but no more records than are kept in all.
    assert few.past_seconds == 18_000
    many = Settings.from_environ({**ENVIRONMENT, "POSITIONS": ",".join(f"P{n}" for n in range(1000))})
    assert many.windows_kept * 1000 * 3 <= MOST_WINDOWS
    assert many.signals_kept * 1000 <= MOST_SIGNALS
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
        ("GATHERER_WINDOWS", "10s"),
        ("SIGNALS", "regime"),
        ("GATHERER_INPUTS", "prices"),
        ("GATHERER_INPUTS", '[{"key": true}]'),
        ("PORT0", "-1"),
    ],
)
def test_a_setting_that_cannot_work_is_named(name, value):
    with pytest.raises(SettingsError, match=re.escape(value or name)):
        Settings.from_environ({**ENVIRONMENT, name: value})


def test_windows_are_the_gatherers_the_shortest_first():
    settings = Settings.from_environ({**ENVIRONMENT, "GATHERER_WINDOWS": "1m=5s,10s=500ms"})
    assert [*settings.windows.items()] == [("10s", 0.5), ("1m", 5.0)]
    assert [*Settings.from_environ(ENVIRONMENT).windows] == ["10s", "1m", "10m"]


def test_windows_of_several_lengths_are_kept_side_by_side_and_others_left_out():
    kept = history()
    assert kept.add_window(window(5))
    assert kept.add_window(window(5, length=60))
    assert not kept.add_window(window(6, length=20))
    assert kept.since(0).windows == {"AAPL": {"10s": [window(5)], "1m": [window(5, length=60)]}}
    kept.add_window(window(9, length=60))
    assert kept.positions["AAPL"].last_window == window(5)  # a long window doesn't tell that data flows


def test_signals_are_kept_once_and_the_newest_regime_is_remembered():
    kept = history()
    assert kept.add_signal(signal(1))
    assert not kept.add_signal(signal(1))
    assert not kept.add_signal(signal(1, "NOPE"))
    seen = kept.seq
    for second in range(2, 6):
        kept.add_signal(signal(second, kind="anomaly", event="above"))
    assert [one.time for one in kept.signals_of(["AAPL"])] == [at(3), at(4), at(5)]
    assert kept.positions["AAPL"].regime == signal(1)
    assert len(kept.since(seen).signals["AAPL"]) == 3
    assert [one.time for one in kept.since(seen, most_signals=1).signals["AAPL"]] == [at(5)]
    kept.add_signal(signal(6, "MSFT"))
    assert [one.symbol for one in kept.signals_of(["MSFT", "AAPL"], at(4))] == ["AAPL", "MSFT"]


def test_limits_are_news_when_they_change_and_when_they_are_taken_back():
    kept, limits = history(), Limits("AAPL", START, buy=95)
    assert kept.set_limits("AAPL", limits)
    assert not kept.set_limits("AAPL", limits)
    assert not kept.set_limits("NOPE", limits)
    assert kept.since(0).limits == {"AAPL": limits}
    seen = kept.seq
    assert kept.since(seen).limits == {}
    assert kept.set_limits("AAPL", None)
    assert kept.since(seen).limits == {"AAPL": None}


def test_dead_letters_are_counted_anew_by_a_reader_that_starts_over_and_are_news_once():
    kept = history()
    letters = [DeadLetter("position.AAPL", 0, n, "late", "", START, None) for n in range(3)]
    for _ in range(2):
        kept.begin_letters()
        for letter in letters:
            kept.add_letter(letter)
    assert kept.letter_counts == {"late": 3}
    assert kept.since(0).letters == letters

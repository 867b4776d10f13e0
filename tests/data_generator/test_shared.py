"""Several generators share the positions: each price once, in order, whoever comes, goes, dies or freezes."""

import itertools
import signal

import pytest

from data_generator.encoding import to_cents
from data_generator.models import MODELS, position_random
from data_generator.progress import PricePath, Progress
from data_generator.settings import Settings
from kafka_topic.contracts import Price
from task_runtime.errors import SettingsError

SYMBOLS = ["AAPL", "AMZN", "GOOG", "MSFT"]
RATE = 200.0


def owned(run):
    return run.page("/counters")["owned"]


def wait_for_shares(runs, sizes):
    """Wait until the generators own all positions, each so many; returns whose they are."""
    shares = []

    def settled():
        shares[:] = [owned(run) for run in runs]
        flat = sorted(itertools.chain(*shares))
        return flat == SYMBOLS and sorted(map(len, shares)) == sizes

    runs[0].wait_for(settled, f"shares of {sizes}", 60)
    return shares


def wait_for_progress(runs, least=100):
    """Wait until every position has so many more ticks, whoever makes them."""

    def delivered():
        counts = [run.page("/counters")["positions"] for run in runs]
        return [sum(each[symbol]["delivered"] for each in counts) for symbol in SYMBOLS]

    before = delivered()
    runs[0].wait_for(
        lambda: all(new >= old + least for new, old in zip(delivered(), before, strict=True)), "progress", 60
    )


@pytest.mark.slow
def test_each_price_is_written_once_whatever_happens_to_the_generators(kafka, prefix, generate):
    kafka.create(*(f"{prefix}position.{symbol}" for symbol in SYMBOLS))

    def start():
        return generate(
            "--positions", ",".join(SYMBOLS), "--rate", str(RATE), "--seed", "7", "--volatility", "20",
            "--shared", "--port", "0", "--model", "regimes",
        )  # fmt: skip

    first, second = start(), start()
    wait_for_shares([first, second], [2, 2])
    wait_for_progress([first, second])

    third = start()
    wait_for_shares([first, second, third], [1, 1, 2])
    wait_for_progress([first, second, third])

    second.terminate(signal.SIGKILL)
    wait_for_shares([first, third], [2, 2])
    wait_for_progress([first, third])

    # Frozen until its positions are another's, it wakes in the belief that they are its own.
    third.process.send_signal(signal.SIGSTOP)
    first.wait_for(lambda: len(owned(first)) == 4, "the positions of the frozen one", 60)
    wait_for_progress([first])
    third.process.send_signal(signal.SIGCONT)
    wait_for_shares([first, third], [2, 2])
    wait_for_progress([first, third])

    kafka.kill()
    kafka.start()
    wait_for_shares([first, third], [2, 2])
    wait_for_progress([first, third])

    assert first.terminate() == 0
    wait_for_shares([third], [4])
    wait_for_progress([third])
    assert third.terminate() == 0

    for symbol in SYMBOLS:
        found = [Price.from_json(record.value()) for record in kafka.records(f"{prefix}position.{symbol}")]
        assert len(found) > 600
        path = MODELS["regimes"](position_random(7, symbol), 100.0, 20, 1 / RATE).next(len(found))
        assert [tick.price for tick in found] == (to_cents(path) / 100).tolist(), symbol
        assert all(a.ts < b.ts for a, b in itertools.pairwise(found)), symbol


@pytest.mark.slow
def test_more_generators_than_positions_stand_by_in_good_health(kafka, prefix, generate):
    kafka.create(f"{prefix}position.AAPL")
    runs = [generate("--positions", "AAPL", "--shared", "--port", "0") for _ in range(2)]
    for run in runs:
        run.wait_for_log("positions of this generator")
    runs[0].wait_for(lambda: sorted(len(owned(run)) for run in runs) == [0, 1], "one owner", 60)
    for run in runs:
        assert run.page("/health") == {"healthy": True, "reason": None}
        assert run.terminate() == 0


def test_a_path_goes_on_where_another_left_off():
    settings = Settings("h:1", ("AAPL",), seed=7, model="ou", rate=20)
    whole = PricePath(settings, "AAPL", None).source.take(30)
    before = PricePath(settings, "AAPL", None)
    taken = before.source.take(10)
    after = PricePath(settings, "AAPL", Progress.from_json(before.progress().to_json()))
    assert after.source.due(before.source.last_ms + 49) == 0, "not before its time"
    assert after.source.due(before.source.last_ms + 50) == 1
    prices = [Price.from_json(record).price for record in [*taken, *after.source.take(20)]]
    assert prices == [Price.from_json(record).price for record in whole]


def test_other_settings_begin_a_path_anew_but_no_earlier():
    old = PricePath(Settings("h:1", ("AAPL",), seed=7), "AAPL", None)
    old.source.take(1000)  # 20 s ahead
    new = PricePath(Settings("h:1", ("AAPL",), seed=7, start_price=5.0), "AAPL", old.progress())
    tick = Price.from_json(new.source.take(1)[0])
    assert tick.price == 5.0
    assert tick.ts.timestamp() * 1000 > old.source.last_ms


@pytest.mark.parametrize("text", [None, "", "{}", "5", "{", '{"last_ms": 1}'])
def test_progress_that_is_none(text):
    assert Progress.from_json(text) is None


def test_a_count_is_not_shared():
    with pytest.raises(SettingsError, match="--count and --shared"):
        Settings("h:1", ("AAPL",), seed=1, count=5, shared=True)

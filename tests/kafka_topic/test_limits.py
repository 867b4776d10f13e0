from datetime import UTC, datetime, timedelta

import pytest

from kafka_topic.contracts import Limits
from kafka_topic.errors import (
    BrokerUnreachableError,
    ContractError,
    LimitsError,
    SymbolError,
    TopicMissingError,
)
from kafka_topic.limits import LimitsStore


@pytest.fixture
def store(stage):
    stage.create("limits", partitions=3)
    return LimitsStore(stage.bootstrap_servers, prefix=stage.prefix, timeout=20)


@pytest.mark.slow
def test_what_is_set_is_read_and_changes_keep_the_rest(store):
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    assert store.read() == {}
    assert not store.ever_set()
    store.set(["MSFT", "AAPL"], {"buy": 95.0, "sell": 110.0})
    (changed,) = store.set(["AAPL"], {"sell": 120.0, "probability": 0.7})
    assert before <= changed.set_at <= datetime.now(UTC)
    assert changed == Limits("AAPL", changed.set_at, buy=95.0, sell=120.0, probability=0.7)
    found = store.read()
    assert list(found) == ["AAPL", "MSFT"]
    assert found["AAPL"] == changed
    assert (found["MSFT"].buy, found["MSFT"].sell, found["MSFT"].probability) == (95.0, 110.0, None)
    (back,) = store.set(["AAPL"], {"probability": None})
    assert back == Limits("AAPL", back.set_at, buy=95.0, sell=120.0)


@pytest.mark.slow
def test_nothing_is_written_unless_all_is_right(store):
    store.set(["AAPL"], {"sell": 100.0})
    # MSFT has no limits yet and would take this buy limit; beside AAPL's sell limit it can't be.
    with pytest.raises(ContractError, match="limits of AAPL: field 'buy' must be below sell, 100; it is 105"):
        store.set(["MSFT", "AAPL"], {"buy": 105.0})

    def check(limits):
        if limits.symbol == "TSLA":
            raise RuntimeError("not this one")

    with pytest.raises(RuntimeError, match="not this one"):
        store.set(["MSFT", "TSLA"], {"buy": 1.0}, check=check)
    assert list(store.read()) == ["AAPL"]
    assert store.read()["AAPL"].buy is None


@pytest.mark.slow
def test_limits_can_be_cleared(store):
    store.set(["AAPL", "MSFT", "TSLA"], {"buy": 1.0})
    assert store.clear(["MSFT", "GOOG"]) == ["MSFT"]
    assert list(store.read()) == ["AAPL", "TSLA"]
    assert store.clear() == ["AAPL", "TSLA"]
    assert store.ever_set()
    assert store.read() == {}
    assert store.clear() == []
    (again,) = store.set(["MSFT"], {"sell": 2.0})
    assert again.buy is None


@pytest.mark.slow
def test_a_position_has_one_partition_as_javas_clients_pick_it(stage, store):
    symbols = [f"S{number}" for number in range(20)]
    store.set(symbols, {"buy": 1.0})
    stage.send("limits", *((symbol, None) for symbol in symbols))
    assert store.read() == {}


@pytest.mark.slow
def test_what_others_wrote_wrong_is_named_and_can_be_cleared(stage, store):
    store.set(["AAPL"], {"buy": 1.0})
    stage.send("limits", ("MSFT", b"95"))
    with pytest.raises(LimitsError, match=r"limits', key 'MSFT': .*not a JSON object.*; clear the limits"):
        store.read()
    store.set(["AAPL"], {"buy": 2.0})
    assert store.symbols() == ["AAPL", "MSFT"]
    assert store.clear(["MSFT"]) == ["MSFT"]
    other = Limits("MSFT", datetime.now(UTC), buy=5.0).to_json()
    stage.send("limits", ("TSLA", other))
    with pytest.raises(LimitsError, match="key 'TSLA': it holds the limits of 'MSFT'"):
        store.read()
    assert store.clear() == ["AAPL", "TSLA"]


@pytest.mark.slow
def test_a_missing_topic_is_an_error_and_stays_missing(stage):
    store = LimitsStore(stage.bootstrap_servers, prefix=stage.prefix, timeout=20)
    for call in (store.read, store.clear, lambda: store.set(["AAPL"], {"buy": 1.0})):
        with pytest.raises(TopicMissingError, match=f"'{stage.prefix}limits' does not exist .*deploy"):
            call()
    assert stage.topics() == set()


@pytest.mark.slow
def test_an_invalid_symbol_is_refused(store):
    with pytest.raises(SymbolError, match="'A B'"):
        store.set(["A B"], {"buy": 1.0})


def test_an_unreachable_broker_is_named(unused_address, capfd):
    store = LimitsStore(unused_address, timeout=0.5)
    with pytest.raises(BrokerUnreachableError, match=unused_address):
        store.set(["AAPL"], {"buy": 1.0})
    assert capfd.readouterr() == ("", "")

"""Which topics feed a position, with inputs of every kind."""

import pytest

from kafka_topic.feeding import feeding
from kafka_topic.names import Topics

THERE = ["eu.quotes", "fx.EUR-USD", "fx.GBP", "fx.", "us.quotes", "__fx.GBP"]


def fed(*inputs, symbols=("AAPL", "EURUSD")):
    return feeding(symbols, Topics("p."), inputs, lambda: THERE)


def test_without_inputs_each_position_has_its_own_topic_and_no_broker_is_asked():
    def names():
        raise AssertionError

    for inputs in ([], [{"topic": "prices"}]):
        assert feeding(["AAPL"], Topics(), inputs, names)["AAPL"][0] == "position.AAPL"


@pytest.mark.parametrize(
    ("given", "aapl", "eurusd"),
    [
        ({"topic": "prices"}, ["prices"], ["prices"]),
        ({"pattern": "[a-z]+[.]quotes", "symbol": "field"}, *(2 * [["eu.quotes", "us.quotes"]])),
        (
            {"pattern": "fx[.](?<symbol>.+)", "symbol": "topic", "symbols": {"EUR-USD": "EURUSD"}},
            [],
            ["fx.EUR-USD"],
        ),
        ({"pattern": "nothing"}, [], []),
        ({"topic": "p.position.AAPL"}, [], ["p.position.AAPL"]),
    ],
)
def test_topics_of_others_come_after_its_own(given, aapl, eurusd):
    assert fed(given) == {
        "AAPL": ["p.position.AAPL", *aapl],
        "EURUSD": ["p.position.EURUSD", *eurusd],
    }
    assert fed(given, given) == fed(given)

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafka_topic.errors import SymbolError
from kafka_topic.names import Topics, check_symbol, check_symbols

LEGAL = st.text("abcXYZ019._-", min_size=1, max_size=40)


@pytest.mark.parametrize("symbol", ["AAPL", "BRK.B", "BTC-USD", "brk_b", "7203.T", "A" * 240])
def test_usable_symbols(symbol):
    assert check_symbol(symbol) == symbol


@pytest.mark.parametrize("symbol", ["", " ", "A B", "^GSPC", "EUR/USD", "ÖMV", "AAPL\n", "A" * 241])
def test_unusable_symbols_are_named(symbol):
    with pytest.raises(SymbolError) as caught:
        check_symbol(symbol)
    assert repr(symbol)[:10] in str(caught.value)


def test_symbols_that_collide_in_metrics_are_refused():
    with pytest.raises(SymbolError, match=r"'BRK\.B' and 'BRK_B'"):
        check_symbols(["BRK.B", "AAPL", "BRK_B"])


def test_a_symbol_listed_twice_is_refused():
    with pytest.raises(SymbolError, match="'AAPL' is listed twice"):
        check_symbols(["AAPL", "MSFT", "AAPL"])


def test_names_carry_the_prefix():
    topics = Topics("blue.")
    assert topics.position("BRK.B") == "blue.position.BRK.B"
    assert topics.moving_average == "blue.movingaverage"
    assert Topics().position("AAPL") == "position.AAPL"
    assert Topics().moving_average == "movingaverage"


def test_the_prefix_counts_towards_the_length():
    longest = Topics("p" * 200 + ".")
    assert len(longest.position("S" * 39)) == 249
    with pytest.raises(SymbolError, match="250 characters"):
        longest.position("S" * 40)
    with pytest.raises(SymbolError, match="shorten the prefix"):
        Topics("p" * 240)


@pytest.mark.parametrize("prefix", ["a b.", "blue/", "position.", "position.blue."])
def test_unusable_prefixes_are_refused(prefix):
    with pytest.raises(SymbolError, match=re.escape(repr(prefix))):
        Topics(prefix)


@given(prefix=LEGAL, symbol=LEGAL)
def test_pattern_and_symbol_of_know_every_position_topic(prefix, symbol):
    if prefix.startswith("position."):
        return
    topics = Topics(prefix)
    topic = topics.position(symbol)
    assert re.search(topics.position_pattern, topic)
    assert topics.symbol_of(topic) == symbol


@given(prefix=LEGAL, topic=LEGAL)
def test_pattern_and_symbol_of_agree_on_other_topics(prefix, topic):
    topics = Topics("x." + prefix)
    assert (re.search(topics.position_pattern, topic) is None) == (topics.symbol_of(topic) is None)


@pytest.mark.parametrize(
    "topic",
    ["movingaverage", "blue.movingaverage", "position.AAPL", "blueXposition.AAPL", "a.blue.position.AAPL",
     "blue.positionXAAPL", "blue.position."],
)  # fmt: skip
def test_other_topics_are_not_positions_of_the_bundle(topic):
    topics = Topics("blue.")
    assert topics.symbol_of(topic) is None
    assert not re.search(topics.position_pattern, topic)


def test_the_pattern_needs_no_escaping_in_sql_or_json():
    assert not set(Topics("a.b-c_").position_pattern) & set("\\'\"`$ ") - {"$"}

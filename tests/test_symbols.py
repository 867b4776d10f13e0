"""A symbol is the same to every package that may not import another."""

import re
from pathlib import Path

import pytest

from cli.catalogue import load_settings
from kafka_topic.errors import SymbolError
from kafka_topic.names import check_symbol, check_symbols
from marathon import BundleError
from marathon.validators import InvalidValue
from marathon.validators import check_symbol as check_setting

ROOT = Path(__file__).parents[1]
JAVA = ROOT / "gatherer/java/src/main/java/gatherer/records/Symbols.java"
SYMBOLS = [
    "AAPL", "BRK.B", "BRK_B", "BTC-USD", "brk_b", "7203.T", "0700", "-A", "_", "..", "S" * 240,
    "", " ", "A B", "A,B", "^GSPC", "EUR/USD", "ÖMV", "AAPL\n", "S" * 241,
]  # fmt: skip


def taken(check, symbol):
    try:
        return check(symbol) == symbol
    except (InvalidValue, SymbolError):
        return False


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_settings_topics_and_the_job_accept_the_same_symbols(symbol):
    (job,) = re.findall(r'LEGAL = Pattern.compile\("(.+)"\)', JAVA.read_text())
    topics = taken(check_symbol, symbol)
    assert taken(check_setting, symbol) == topics
    assert (re.fullmatch(job, symbol) is not None) == topics


@pytest.mark.parametrize("symbols", [["BRK.B", "BRK_B"], ["A", "B"], ["A", "A"], ["A.B", "A-B"], ["a", "A"]])
def test_settings_and_topics_accept_the_same_sets_of_symbols(symbols):
    def settings_take():
        try:
            return bool(load_settings("local", overrides=[f"positions=[{', '.join(symbols)}]"]))
        except BundleError:
            return False

    def topics_take():
        try:
            return bool(check_symbols(symbols))
        except SymbolError:
            return False

    assert settings_take() == topics_take()

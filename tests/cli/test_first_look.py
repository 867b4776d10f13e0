"""The initial limits of a first deploy, and its explanation."""

import pytest

from cli.catalogue import load_settings
from cli.engine.memory import MemoryEngine
from cli.first_look import set_initial_limits, what_you_see
from cli.session import Session
from kafka_topic.limits import LimitsStore


def words(cluster, *overrides):
    return "\n".join(what_you_see(load_settings(cluster, overrides=overrides), ""))


def test_it_names_the_limits_of_the_positions_that_there_are():
    assert "Limits: AAPL buy 224, AAPL sell 234, TSLA buy 304, TSLA sell 318;" in words("local")
    assert "Limits: TSLA buy 304;" in words("local", "positions=[TSLA, X]", "initial_limits.TSLA.sell=null")
    assert "Limits:" not in words("local", "positions=[X]")
    assert "Limits:" not in words("prod")


def test_it_says_where_prices_come_from():
    assert "50 per second and position: calm and turbulent periods alternate" in words("local")
    assert "50 per second and position: the model is gbm." in words("local", "generator.model=gbm")
    assert "simulated" not in words("local", "generator.instances=0")


@pytest.mark.slow
def test_initial_limits_are_set_once_and_never_over_the_users(kafka):
    overrides = (
        f"kafka.bootstrap_servers='{kafka.bootstrap_servers}'",
        "topics.prefix=firstlook.",
        "positions=[AAPL, MSFT]",
        "initial_limits={AAPL: {buy: 224}, MSFT: null, TSLA: {buy: 304}}",
    )
    run = Session("prod", (), overrides, verbose=False)
    run.__dict__["engine"] = MemoryEngine()
    store = LimitsStore(kafka.bootstrap_servers, prefix="firstlook.")
    kafka.create("firstlook.limits", partitions=3)
    assert set_initial_limits(run) is True
    assert {symbol: limits.buy for symbol, limits in store.read().items()} == {"AAPL": 224.0}
    store.set(["AAPL"], {"buy": 100.0})
    assert set_initial_limits(run) is False
    assert store.read()["AAPL"].buy == 100.0
    store.clear()
    assert set_initial_limits(run) is False
    assert store.read() == {}


def test_without_initial_limits_nothing_is_asked():
    run = Session("prod", (), ("initial_limits={TSLA: {buy: 304}}", "positions=[AAPL]"), verbose=False)
    assert set_initial_limits(run) is None

"""The words at the end of a first deploy fit the settings."""

from cli.catalogue import load_settings
from cli.first_look import what_you_see


def words(cluster, *overrides):
    return "\n".join(what_you_see(load_settings(cluster, overrides=overrides), ""))


def test_it_names_the_limits_of_the_positions_that_there_are():
    assert "Limits: AAPL buy 224, AAPL sell 234, TSLA buy 304, TSLA sell 318;" in words("local")
    assert "Limits: TSLA buy 304;" in words("local", "positions=[TSLA, X]", "initial_limits.TSLA.sell=null")
    assert "Limits:" not in words("local", "positions=[X]")
    assert "Limits:" not in words("prod")


def test_it_says_where_prices_come_from():
    assert "50 a second for each position: calm and turbulent times take turns" in words("local")
    assert "50 a second for each position by the model gbm." in words("local", "generator.model=gbm")
    assert "made up" not in words("local", "generator.instances=0")

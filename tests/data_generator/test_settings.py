import socket
import subprocess
import sys

import pytest
from click.testing import CliRunner

from cli.catalogue import load_settings
from data_generator.__main__ import main
from data_generator.settings import Settings, parse_start_prices
from task_runtime.errors import SettingsError


def settings(**changes):
    return Settings(
        **{"bootstrap_servers": "127.0.0.1:1", "positions": ("AAPL", "MSFT"), "seed": 1, **changes}
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"positions": ()}, "POSITIONS): there are no positions"),
        ({"positions": ("A B",)}, "'A B'"),
        ({"positions": ("A.B", "A_B")}, "'A.B' and 'A_B'"),
        ({"prefix": "p" * 240}, "shorten the prefix"),
        ({"prefix": "a/"}, "topic prefix 'a/'"),
        ({"model": "levy"}, "(GENERATOR_MODEL) is levy; it must be one of regimes, gbm, ou, uniform, normal"),
        ({"rate": 0.0}, "(GENERATOR_RATE) is 0.0"),
        ({"rate": float("inf")}, "(GENERATOR_RATE) is inf"),
        ({"start_price": -1.0}, "(GENERATOR_START_PRICE) is -1; it must be at least 0.01"),
        ({"start_price": 0.00002}, "(GENERATOR_START_PRICE) is 2e-05; it must be at least 0.01"),
        (
            {"start_price": 1e9},
            "(GENERATOR_START_PRICE) is 1000000000; it must be at least 0.01 and below 1e+09",
        ),
        ({"start_price": 1.005}, "(GENERATOR_START_PRICE) is 1.005; prices have two decimals"),
        (
            {"start_prices": {"AAPL": 0.001}},
            "AAPL in --start-prices (GENERATOR_START_PRICES) is 0.001; it must be at least 0.01",
        ),
        ({"volatility": float("nan")}, "(GENERATOR_VOLATILITY) is nan"),
        ({"volatility": -0.1}, "(GENERATOR_VOLATILITY) is -0.1"),
        ({"count": 0}, "--count is 0"),
        ({"max_queued": 0}, "--max-queued is 0"),
    ],
)
def test_settings_that_cannot_work_are_named(changes, message):
    with pytest.raises(SettingsError) as caught:
        settings(**changes)
    assert message in str(caught.value)


def test_start_prices_of_single_positions():
    assert parse_start_prices("AAPL=230, MSFT=420.5") == {"AAPL": 230, "MSFT": 420.5}
    assert parse_start_prices("") == {}
    with pytest.raises(
        SettingsError, match="'AAPL' is not a start price; write SYMBOL=PRICE, as in AAPL=230"
    ):
        parse_start_prices("AAPL")
    own = settings(start_price=50.0, start_prices={"AAPL": 230.0})
    assert [own.start_price_of(symbol) for symbol in ("AAPL", "MSFT")] == [230, 50]


def test_what_is_not_given_is_as_in_the_bundles_settings():
    bundle = load_settings("prod").generator
    for name in ("model", "rate", "start_price", "volatility"):
        assert getattr(settings(), name) == getattr(bundle, name), name


def test_a_count_is_spread_evenly_and_the_rest_goes_to_the_first():
    five = ("A", "B", "C", "D", "E")
    assert settings(positions=five, count=5003).shares() == {
        "A": 1001,
        "B": 1001,
        "C": 1001,
        "D": 1000,
        "E": 1000,
    }
    assert settings(positions=five, count=2).shares() == {"A": 1, "B": 1, "C": 0, "D": 0, "E": 0}


def test_help_shows_an_example_and_every_option_from_the_environment():
    text = CliRunner().invoke(main, ["--help"]).output
    assert "python -m data_generator --bootstrap-servers 127.0.0.1:9092" in text
    for name in (
        "KAFKA_BOOTSTRAP_SERVERS", "TOPIC_PREFIX", "POSITIONS", "GENERATOR_MODEL", "GENERATOR_RATE",
        "GENERATOR_SEED", "GENERATOR_START_PRICE", "GENERATOR_VOLATILITY", "HOST", "PORT0",
    ):  # fmt: skip
        assert name in text


def run(*args):
    command = [sys.executable, "-m", "data_generator", "--bootstrap-servers", "127.0.0.1:1", *args]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_a_wrong_setting_ends_with_2_and_one_line():
    done = run("--positions", "A B")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "symbol 'A B'" in done.stderr


def test_a_taken_port_ends_with_2_and_is_named():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run("--port", str(port))
    assert done.returncode == 2
    assert f"can't listen on 127.0.0.1:{port}" in done.stderr


def test_a_count_without_a_broker_ends_with_1_and_says_what_is_missing():
    done = run("--count", "10", "--patience", "0.5")
    assert done.returncode == 1
    assert "10 of 10 ticks are not in Kafka" in done.stderr
    assert "127.0.0.1:1" in done.stderr
    assert len(done.stderr.splitlines()) <= 5, "the client's log must not flood the screen"

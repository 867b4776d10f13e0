"""Reading a task's environment by type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from task_runtime.environment import Address, Environment, bind_host
from task_runtime.errors import SettingsError

NAME = "SETTING"
Read = Callable[[Environment], Any]


def even(text: str) -> int:
    if int(text) % 2:
        raise ValueError("it is odd")
    return int(text)


@pytest.mark.parametrize(
    ("value", "read", "expected"),
    [
        ("h:1", lambda env: env.address(NAME), Address("h", 1)),
        ("[::1]:80", lambda env: env.address(NAME), Address("[::1]", 80)),
        ("3", lambda env: env.integer(NAME), 3),
        ("0.5", lambda env: env.seconds(NAME, 1), 0.5),
        ("0.5", lambda env: env.milliseconds(NAME, "1"), 500),
        ("true", lambda env: env.flag(NAME), True),
        ("", lambda env: env.flag(NAME), False),
        ("a", lambda env: env.choice(NAME, ("a", "b"), "b"), "a"),
        ("", lambda env: env.choice(NAME, ("a", "b"), "b"), "b"),
        ("", lambda env: env.text(NAME, "default"), "default"),
        ("", lambda env: env.optional(NAME), None),
        ("4", lambda env: env.parsed(NAME, even), 4),
        ("", lambda env: env.parsed(NAME, len, "default"), 0),
    ],
)
def test_values(value: str, read: Read, expected: object) -> None:
    assert read(Environment({NAME: value})) == expected


def test_what_is_not_set_has_its_default() -> None:
    env = Environment({})
    assert (env.integer(NAME, 7), env.seconds(NAME, 1.5), env.parsed(NAME, even, "2")) == (7, 1.5, 2)
    assert (env.secret(NAME), env.host) == (None, "127.0.0.1")


@pytest.mark.parametrize(
    ("value", "read", "message"),
    [
        ("", lambda env: env.text(NAME), "SETTING is not set; add it to the env of the app definition"),
        ("", lambda env: env.parsed(NAME, even), "SETTING is not set"),
        ("3", lambda env: env.parsed(NAME, even), "SETTING=3: it is odd; correct it in the env"),
        ("three", lambda env: env.integer(NAME), "SETTING=three: must be a whole number"),
        ("0", lambda env: env.integer(NAME), "SETTING=0: must be at least 1"),
        ("host", lambda env: env.address(NAME), "SETTING=host: must be host:port"),
        (":80", lambda env: env.address(NAME), "must be host:port"),
        ("host:²", lambda env: env.address(NAME), "must be host:port"),
        ("-1", lambda env: env.seconds(NAME, 1.0), "must be a positive number of seconds"),
        ("nan", lambda env: env.seconds(NAME, 1.0), "must be a positive number of seconds"),
        ("soon", lambda env: env.seconds(NAME, 1.0), "must be a positive number of seconds"),
        ("soon", lambda env: env.milliseconds(NAME, "1"), "must be a number of seconds"),
        ("0.0005", lambda env: env.milliseconds(NAME, "1"), "at least 0.001 seconds, in whole milliseconds"),
        ("1.9", lambda env: env.milliseconds(NAME, "2", minimum=2000), "must be at least 2 seconds"),
        ("inf", lambda env: env.milliseconds(NAME, "1"), "must be at least 0.001 seconds"),
        ("yes", lambda env: env.flag(NAME), "SETTING=yes: must be one of true, false"),
    ],
)
def test_what_cannot_work_is_named_with_the_next_step(value: str, read: Read, message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read(Environment({NAME: value}))
    assert message in str(caught.value)
    assert str(caught.value).endswith("the env of the app definition")


def test_a_long_value_is_cut() -> None:
    with pytest.raises(SettingsError) as caught:
        Environment({NAME: "x" * 100_000}).integer(NAME)
    assert len(str(caught.value)) < 400


def test_only_loopback_is_listened_on_where_it_is_the_address() -> None:
    assert bind_host("127.0.0.1") == "127.0.0.1"
    assert bind_host("10.0.0.7") == "0.0.0.0"  # noqa: S104
    assert Environment({"HOST": "::1"}).bind_host == "::1"


def test_an_old_name_counts_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    env = Environment({"OLD": "1"}).with_old_names({"OLD": "NEW", "OTHER": "ELSE"})
    assert (env.integer("NEW"), env.optional("ELSE")) == (1, None)
    assert [record.getMessage() for record in caplog.records] == [
        "OLD is deprecated and will be removed: rename it to NEW"
    ]


def test_a_new_name_wins_over_the_old_one() -> None:
    assert Environment({"OLD": "1", "NEW": "2"}).with_old_names({"OLD": "NEW"}).integer("NEW") == 2

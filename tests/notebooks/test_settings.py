"""The server's settings."""

from __future__ import annotations

import pytest

from notebooks.server import FrontDoor, config_of
from notebooks.settings import Settings
from task_runtime.errors import SettingsError

SECRET = "0123456789abcdef" * 2


def environ(**more: str) -> dict[str, str]:
    return {
        "NOTEBOOKS_SERVICE": "volatility-notebooks",
        "MESOS_SANDBOX": "/sandbox",
        "PORT0": "31000",
        **more,
    }


@pytest.mark.parametrize("token", [{}, {"NOTEBOOKS_TOKEN": ""}, {"NOTEBOOKS_TOKEN": "short"}])
def test_a_server_without_a_login_does_not_start(token):
    with pytest.raises(SettingsError, match=r"NOTEBOOKS_TOKEN must hold at least 32 characters"):
        Settings.from_environ(environ(**token))


def test_notebooks_do_not_inherit_the_secrets_of_the_server():
    given = environ(PROXY_SECRET=SECRET, NOTEBOOKS_TOKEN=SECRET, MYSQL_PASSWORD="theirs")
    settings = Settings.from_environ(given)
    assert settings.proxy_secret == settings.token == SECRET
    assert SECRET not in given.values() and given["MYSQL_PASSWORD"] == "theirs"
    assert SECRET not in repr(settings)


def test_a_hub_needs_the_secret_of_the_front_door_or_the_keys_of_the_login():
    users = {"NOTEBOOKS_USERS": "ann,ben", "NOTEBOOKS_USER_MEM": "512"}
    settings = Settings.from_environ(environ(PROXY_SECRET=SECRET, **users))
    assert (settings.users, settings.user_bytes) == (("ann", "ben"), 512 << 20)
    assert SECRET not in repr(settings)
    for keys in ({}, {"NOTEBOOKS_TOKEN": SECRET}, {"NOTEBOOKS_LOGIN_KEYS": '{"keys": []}'}):
        with pytest.raises(SettingsError, match="NOTEBOOKS_LOGIN_KEYS"):
            Settings.from_environ(environ(**keys, **users))


def test_without_a_folder_notebooks_are_in_the_sandbox():
    settings = Settings.from_environ(environ(PROXY_SECRET=SECRET))
    assert str(settings.folder) == "/sandbox/notebooks"
    assert settings.base_url == "/service/volatility-notebooks/"


def test_behind_a_front_door_without_a_secret_jupyter_asks_for_the_token():
    config = config_of(Settings.from_environ(environ(NOTEBOOKS_TOKEN=SECRET, HOST="10.0.0.5")))
    assert config.IdentityProvider.token == SECRET
    assert "identity_provider_class" not in config.ServerApp
    assert config.ServerApp.ip == "0.0.0.0"  # noqa: S104


def test_on_loopback_the_front_door_has_asked_already():
    config = config_of(Settings.from_environ(environ(PROXY_SECRET=SECRET)))
    assert config.ServerApp.identity_provider_class is FrontDoor
    assert config.ServerApp.ip == "127.0.0.1"

"""What a bundle in an area has for itself."""

from __future__ import annotations

from collections.abc import Callable

from cli.catalogue import load_settings
from marathon.areas import in_area
from marathon.bundle import render
from marathon.settings import Settings


def test_stores_of_an_area_are_its_own(settings_of: Callable[..., Settings]) -> None:
    local = in_area(settings_of(), "dev")
    assert (local.mysql.service, local.mysql.password) == ("mysql-dev", "mysql-dev-password")
    assert local.mysql.ca == "mysql-dev-ca"
    assert local.cassandra.keyspace == "volatility_dev"
    assert local.names.hdfs == "hdfs:127.0.0.1:9870/user/pipectl/volatility/dev"
    bundle = render(local, with_parts=["mysql"])
    assert bundle.packages["mysql"].options["service"]["name"] == "mysql-dev"
    assert bundle.apps["sink-to-mysql"].definition["env"]["GROUP"] == "dev.volatility.sink-to-mysql"
    # The app belongs to the group of the area, and keeps the secret of the settings.
    prod = in_area(settings_of("prod"), "dev")
    assert prod.mysql.password == "volatility/mysql-password"
    assert prod.names.mysql.startswith("mysql:dev-volatility-mysql.")
    shared = in_area(settings_of("prod", "mysql.host=mysql.example.com"), "dev")
    assert shared.names.mysql == "mysql:mysql.example.com:3306/volatility_dev"


def test_the_notebooks_of_an_area_have_a_folder_of_their_own(settings_of: Callable[..., Settings]) -> None:
    assert settings_of().notebooks.folder == "/home/of/pipectl/notebooks"
    assert in_area(settings_of(), "dev").notebooks.folder == "/home/of/pipectl/notebooks/areas/dev"
    shared = settings_of("prod", "notebooks.folder=/mnt/notebooks")
    assert in_area(shared, "test").notebooks.folder == "/mnt/notebooks/areas/test"
    assert in_area(settings_of("prod"), "test").notebooks.folder is None


def test_the_people_of_the_accounts_are_by_default_the_users_of_the_notebooks() -> None:
    people = "accounts.users={ann: [dev], ben: [dev, prod], carol: null}"

    def users(area: str | None, *settings: str) -> tuple[str, ...] | None:
        return load_settings("local", overrides=settings, area=area).notebooks.users

    assert users(None, people) == users("dev", people) == ("ann", "ben")
    assert users("prod", people) == ("ben",)
    assert users("test", people) == users(None) == ()
    assert users("dev", people, "notebooks.users=[eve]") == ("eve",)
    assert users("dev", people, "notebooks.users=[]") == ()

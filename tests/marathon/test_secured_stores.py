"""TLS of MySQL and Cassandra: who gets the certificates, and which service encrypts."""

from __future__ import annotations

from collections.abc import Callable

import jsonschema
import pytest

from local_dcos.packages.catalogue import CATALOGUE
from marathon.bundle import render
from marathon.errors import BundleError
from marathon.settings import Settings

PARTS = ("cassandra", "mysql", "spark", "notebooks")
ENCRYPTED = {"transport_encryption": {"enabled": True, "allow_plaintext": False}}


def test_on_local_all_programs_of_the_stores_verify_them(settings_of: Callable[..., Settings]) -> None:
    bundle = render(settings_of(), with_parts=PARTS)
    for name in ("mysql", "cassandra"):
        package = bundle.packages[name]
        jsonschema.validate(package.options, CATALOGUE[name].options)
        assert package.options["service"]["security"] == ENCRYPTED
        app = CATALOGUE[name].app_definition(package.options)
        assert app["env"][f"{name.upper()}_TLS"] == "true"
        using = [
            each for each in bundle.apps.values() if f"{name.upper()}_PASSWORD" in each.definition["env"]
        ]
        assert using
        for each in using:
            assert each.definition["env"][f"{name.upper()}_CA"] == {"secret": f"{name}-ca"}
            assert each.definition["secrets"][f"{name}-ca"] == {"source": f"{name}-ca"}


def test_without_certificates_nothing_is_encrypted(settings_of: Callable[..., Settings]) -> None:
    bundle = render(settings_of("local", "mysql.ca=null", "cassandra.ca=null"), with_parts=PARTS)
    for name in ("mysql", "cassandra"):
        options = bundle.packages[name].options
        assert "security" not in options["service"]
        assert f"{name.upper()}_TLS" not in CATALOGUE[name].app_definition(options)["env"]
    assert not [
        each.name for each in bundle.apps.values() if {"MYSQL_CA", "CASSANDRA_CA"} & {*each.definition["env"]}
    ]


def test_on_dcos_a_server_of_ones_own_can_prove_who_it_is(settings_of: Callable[..., Settings]) -> None:
    own = settings_of("prod", "mysql.host=db.example.com", "mysql.ca=volatility/mysql-ca")
    [app] = [each for name, each in render(own, with_parts=["mysql"]).apps.items() if "to-mysql" in name]
    assert app.definition["secrets"]["mysql-ca"] == {"source": "volatility/mysql-ca"}
    with pytest.raises(BundleError, match="mysql-server has no key"):
        settings_of("prod", "mysql.ca=volatility/mysql-ca")

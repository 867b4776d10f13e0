"""The switch between clusters: what the page offers, and who may read how this cluster is."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request

from cli import __version__
from dashboard.clusters import Clusters, ClustersApi, read_pages
from dashboard.settings import Settings
from dashboard.web import Server
from task_runtime.errors import SettingsError
from tests.dashboard.test_names import REQUIRED, is_let_in

PROD = "https://prod.example:8443/service/volatility-dashboard/"
STATUS: Any = {
    "healthy": False,
    "components": [
        {"name": "kafka", "state": "healthy"},
        {"name": "gatherer", "state": "unhealthy"},
        {"name": "flink-jobmanager", "state": "unknown"},
    ],
    "positions": [
        {"symbol": "AAPL", "state": "fresh", "age_seconds": 2.5},
        {"symbol": "MSFT", "state": "stale", "age_seconds": 60.0},
        {"symbol": "TSLA", "state": "silent", "age_seconds": None},
    ],
}


def summary(origin: str | None) -> tuple[Any, dict[str, str]]:
    """The answer of /api/summary to a page of `origin`, and its headers of access."""

    async def status() -> Any:
        return STATUS

    async def ask() -> Any:
        api = ClustersApi(Clusters("dev", {"prod": PROD}), status)
        headers = {} if origin is None else {"Origin": origin}
        return await api.summary(make_mocked_request("GET", "/api/summary", headers=headers))

    answer = asyncio.run(ask())
    assert (answer.headers["Vary"], answer.headers["Cache-Control"]) == ("Origin", "no-store")
    access = {name: value for name, value in answer.headers.items() if name.startswith("Access-")}
    return json.loads(answer.text), access


def test_the_summary_names_what_is_unhealthy_and_the_freshest_age() -> None:
    assert summary(None) == (
        {
            "version": __version__,
            "healthy": False,
            "unhealthy": ["gatherer", "MSFT", "TSLA"],
            "freshest_age_seconds": 2.5,
            "positions": ["AAPL", "MSFT", "TSLA"],
        },
        {},
    )


def test_only_pages_of_the_named_clusters_may_read_it() -> None:
    assert summary("https://prod.example:8443")[1] == {
        "Access-Control-Allow-Origin": "https://prod.example:8443",
        "Access-Control-Allow-Credentials": "true",
    }
    for other in (
        "https://prod.example",
        "http://prod.example:8443",
        "https://evil.example",
        "null",
        "*",
        "",
    ):
        assert summary(other)[1] == {}


def test_those_pages_may_read_nothing_else() -> None:
    environ = {"CLUSTER_PAGES": json.dumps({"prod": PROD})}

    def is_let_in_from(origin: str, path: str, method: str = "GET") -> bool:
        return is_let_in(environ, path, method, Host="localhost", Origin=origin)

    prod = "https://prod.example:8443"
    assert is_let_in_from(prod, "/api/summary")
    assert not is_let_in_from("https://evil.example", "/api/summary")
    assert not is_let_in_from(prod, "/api/summary", "POST")
    assert not is_let_in_from(prod, "/api/status")


def test_the_page_may_ask_those_clusters_and_nobody_else() -> None:
    def policy(environ: dict[str, str]) -> str:
        async def read() -> str:
            return Server(Settings.from_environ({**REQUIRED, **environ}))._policy

        return asyncio.run(read())

    alone = "default-src 'self'; connect-src 'self'; frame-ancestors 'self'; base-uri 'none'"
    assert policy({}) == alone
    assert policy({"CLUSTER_PAGES": json.dumps({"prod": PROD, "test": PROD})}) == alone.replace(
        "connect-src 'self'", "connect-src 'self' https://prod.example:8443"
    )


@pytest.mark.parametrize(
    "page",
    [
        "ftp://host/",
        "//host/",
        "https://host",
        "https://ann@host/",
        "https://host/a?b/",
        "https://host/a#b/",
        "https://host/; script-src */",
        "https://a b/",
        "https://*/",
        "javascript:alert(1)/",
        7,
    ],
)
def test_what_is_no_address_of_a_page_is_refused(page: Any) -> None:
    with pytest.raises(
        SettingsError, match=r"CLUSTER_PAGES=.*the page of prod must be like https://host/path/"
    ):
        Settings.from_environ({**REQUIRED, "CLUSTER_PAGES": json.dumps({"prod": page})})


def test_without_settings_there_are_no_other_clusters() -> None:
    assert Settings.from_environ(REQUIRED).clusters == Clusters("this cluster", {})
    with pytest.raises(ValueError, match="must be addresses by cluster"):
        read_pages("[]")

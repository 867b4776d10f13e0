"""The switch between clusters: whose pages this page offers, and how this cluster is, for their pages.

A page asks the other clusters' pages itself, with the login that its viewer has at each of them. So no
cluster holds a token of another one, and nobody sees more than they could see there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version

from aiohttp import web

from dashboard.answers import ClusterAnswer, Status, Summary
from dashboard.requests import json_answer

_SUMMARY = "/api/summary"
# Nothing that could end a directive of the header Content-Security-Policy.
_ADDRESS = re.compile(r"(https?://[A-Za-z0-9._:\[\]-]+)/(?:[A-Za-z0-9._~%-]+/)*")


@dataclass(frozen=True)
class Clusters:
    """The name of this cluster, and the addresses of the pages of others by name."""

    name: str = "this cluster"
    pages: Mapping[str, str] = field(default_factory=dict)

    @property
    def origins(self) -> frozenset[str]:
        """The origins of these pages."""
        return frozenset(found[1] for page in self.pages.values() if (found := _ADDRESS.fullmatch(page)))


def read_pages(text: str) -> dict[str, str]:
    """The addresses of pages by cluster, in JSON. Raises ValueError."""
    pages = json.loads(text)
    if not isinstance(pages, dict):
        raise ValueError("must be addresses by cluster")
    for name, page in pages.items():
        if not isinstance(page, str) or not _ADDRESS.fullmatch(page):
            raise ValueError(f"the page of {name} must be like https://host/path/, not {page!r}")
    return pages


class ClustersApi:
    """The handlers of /api/clusters and /api/summary. status: reads the state of the pipeline."""

    def __init__(self, clusters: Clusters, status: Callable[[], Awaitable[Status]]) -> None:
        self._clusters = clusters
        self._origins = clusters.origins
        self._status = status

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/api/clusters", self.all), web.get(_SUMMARY, self.summary)]

    def may_read(self, request: web.Request) -> bool:
        """Whether a page of one of those clusters asks for the summary."""
        asks_for_it = request.method in ("GET", "HEAD") and request.path == _SUMMARY
        return asks_for_it and request.headers.get("Origin") in self._origins

    async def all(self, request: web.Request) -> web.StreamResponse:
        """This cluster, and those whose pages this page offers."""
        others: list[ClusterAnswer] = [
            {"name": name, "page": page} for name, page in self._clusters.pages.items()
        ]
        return json_answer({"name": self._clusters.name, "clusters": others})

    async def summary(self, request: web.Request) -> web.StreamResponse:
        """How the bundle is. The pages of those clusters may read it, those of other origins may not."""
        answer = json_answer(summary_of(await self._status()))
        answer.headers.update({"Cache-Control": "no-store", "Vary": "Origin"})
        if self.may_read(request):
            answer.headers["Access-Control-Allow-Origin"] = request.headers["Origin"]
            answer.headers["Access-Control-Allow-Credentials"] = "true"
        return answer


def summary_of(status: Status) -> Summary:
    """What matters of a status to somebody who looks at another cluster."""
    positions = status["positions"]
    ages = [one["age_seconds"] for one in positions if one["age_seconds"] is not None]
    return {
        "version": version("pipectl"),
        "healthy": status["healthy"],
        "unhealthy": [
            *(one["name"] for one in status["components"] if one["state"] == "unhealthy"),
            *(one["symbol"] for one in positions if one["state"] != "fresh"),
        ],
        "freshest_age_seconds": min(ages, default=None),
        "positions": [one["symbol"] for one in positions],
    }

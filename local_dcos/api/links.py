"""The links of this cluster to others: DC/OS Enterprise's Cluster Link API."""

import re

from aiohttp import web

from local_dcos.agent import Agent
from local_dcos.api.requests import answer, object_body
from local_dcos.errors import ApiError
from local_dcos.model import Json

PATH = "/cluster/v1/links"
# What the live page of another cluster reads. As it was sent: an app may read an encoded slash differently.
SUMMARY = re.compile(r"/service/[^/?]+/api/summary")


class Links:
    """The handlers."""

    def __init__(self, agent: Agent, cluster: Json) -> None:
        self._agent = agent
        self._links = agent.state.links
        self._own_id = cluster["id"]

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(PATH, self.show),
            web.post(PATH, self.add),
            web.delete(f"{PATH}/{{id}}", self.remove),
        ]

    def may_read(self, request: web.Request) -> bool:
        """Whether a page of a linked cluster asks for the summary of a service, like the live page's.

        Only reading: a browser lets any page send such a request without its Origin, as an image.
        """
        origins = {"/".join(link["url"].split("/")[:3]) for link in self._links.values()}
        return (
            request.method == "GET"
            and "Upgrade" not in request.headers
            and SUMMARY.fullmatch(request.raw_path) is not None
            and request.headers.get("Origin") in origins
        )

    async def show(self, request: web.Request) -> web.Response:
        return answer({"links": list(self._links.values())})

    async def add(self, request: web.Request) -> web.Response:
        """Links to a cluster. Its name and its address may have changed since an earlier link."""
        document = await object_body(request)
        wanted = ("id", "name", "url")
        if missing := [key for key in wanted if not isinstance(document.get(key), str) or not document[key]]:
            raise ApiError(400, f"A link needs the texts {', '.join(wanted)}; missing: {', '.join(missing)}")
        if document["id"] == self._own_id:
            raise ApiError(400, "A cluster can't be linked to itself")
        provider = document.get("login_provider", {})
        self._links[document["id"]] = {
            **{key: document[key] for key in wanted},
            "login_provider": provider if isinstance(provider, dict) else {},
        }
        self._agent.save()
        return answer({})

    async def remove(self, request: web.Request) -> web.Response:
        if self._links.pop(request.match_info["id"], None) is None:
            raise ApiError(404, f"There is no link to the cluster {request.match_info['id']}")
        self._agent.save()
        return answer({})

"""The agents, as Mesos shows them, and the addresses of the masters; and killing an agent."""

import os

from aiohttp import web

from local_dcos.agent import Agent
from local_dcos.api.requests import answer, object_body
from local_dcos.errors import ApiError
from local_dcos.model import Json, Node
from local_dcos.nodes.nodes import AWAY_SECONDS
from local_dcos.ports import HOST, HOST_PORTS

MAX_AWAY_SECONDS = 24 * 3600.0


class Nodes:
    """The handlers."""

    def __init__(self, agent: Agent) -> None:
        self._nodes = agent.nodes
        self._state = agent.state

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/mesos/slaves", self.slaves),
            web.get("/mesos/master/slaves", self.slaves),
            web.get("/mesos_dns/v1/hosts/{host}", self.masters),
            web.post("/nodes/{id}/kill", self.kill),
        ]

    def views(self) -> list[Json]:
        """Returns every agent. One that has ended is not active; Mesos shows it like this for a minute.

        Nor is one that does not answer.
        """
        return [self._view(node, number) for number, node in enumerate(self._state.nodes.values(), 1)]

    def _view(self, node: Node, number: int) -> Json:
        ports = f"[{HOST_PORTS[0]}-{HOST_PORTS[-1]}]"
        # Nothing divides the CPUs of the machine among its processes, so each agent has all of them.
        resources = {"cpus": os.cpu_count(), "mem": self._nodes.size, "disk": 0, "ports": ports}
        return {
            "id": node.id,
            "hostname": HOST,
            "pid": f"slave({number})@{HOST}:5051",
            "active": node.is_active,
            "attributes": {},
            "resources": resources,
            "used_resources": {**self._nodes.used(node), "disk": 0},
        }

    async def slaves(self, request: web.Request) -> web.Response:
        return answer({"slaves": self.views(), "recovered_slaves": []})

    async def masters(self, request: web.Request) -> web.Response:
        """Answers as Mesos-DNS: there is one master."""
        return answer([{"host": f"{request.match_info['host']}.", "ip": HOST}])

    async def kill(self, request: web.Request) -> web.Response:
        """Kills an agent, which DC/OS has no request for. It comes back after `seconds`."""
        seconds = (await object_body(request)).get("seconds", AWAY_SECONDS)
        if isinstance(seconds, bool) or not isinstance(seconds, int | float):
            raise ApiError(400, "seconds is a number")
        if not 0 < seconds <= MAX_AWAY_SECONDS:
            raise ApiError(400, f"seconds is more than 0 and at most {MAX_AWAY_SECONDS:g}")
        tasks = self._nodes.kill(request.match_info["id"], float(seconds))
        return answer({"tasks": [task.id for task in tasks]})

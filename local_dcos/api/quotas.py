"""Mesos' quotas of roles: the call UPDATE_QUOTA, the list of roles, and the older /quota."""

import math
from typing import Any

from aiohttp import web

from local_dcos import quotas
from local_dcos.agent import Agent
from local_dcos.api.requests import answer, object_body
from local_dcos.errors import ApiError
from local_dcos.model import Json


class Quotas:
    """The handlers."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._state = agent.state

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/mesos/roles", self.roles),
            web.post("/mesos/api/v1", self.call),
            web.get("/mesos/quota", self.show),
            web.post("/mesos/quota", self.add),
            web.delete("/mesos/quota/{role}", self.remove),
        ]

    async def roles(self, request: web.Request) -> web.Response:
        return answer({"roles": [{"name": one["role"], "quota": one} for one in quotas.view(self._state)]})

    async def call(self, request: web.Request) -> web.Response:
        """UPDATE_QUOTA sets the limits of roles; without limits a role has no quota."""
        document = await object_body(request)
        if document.get("type") != "UPDATE_QUOTA":
            raise ApiError(501, f"The call {document.get('type')} is not implemented; UPDATE_QUOTA is")
        try:
            for config in document["update_quota"]["quota_configs"]:
                limits = {name: each["value"] for name, each in config.get("limits", {}).items()}
                self._set(config["role"], limits, {})
        except (KeyError, TypeError, AttributeError) as error:
            raise ApiError(
                400, f"UPDATE_QUOTA needs quota_configs with role and limits: {error!r}"
            ) from error
        return answer({})

    async def show(self, request: web.Request) -> web.Response:
        infos = [
            {
                "role": role,
                "guarantee": [
                    {"name": name, "type": "SCALAR", "scalar": {"value": value}}
                    for name, value in quota["guarantee"].items()
                ],
            }
            for role, quota in self._state.quotas.items()
        ]
        return answer({"infos": infos})

    async def add(self, request: web.Request) -> web.Response:
        """Promises resources to a role, which may not use more either."""
        document = await object_body(request)
        try:
            promised = {each["name"]: each["scalar"]["value"] for each in document["guarantee"]}
            if document["role"] in self._state.quotas:
                raise ApiError(400, f"The role {document['role']} has a quota already; remove it first")
            self._set(document["role"], promised, promised)
        except (KeyError, TypeError) as error:
            raise ApiError(400, f"A quota needs a role and its guarantee: {error!r}") from error
        return answer({})

    async def remove(self, request: web.Request) -> web.Response:
        role = request.match_info["role"]
        if role not in self._state.quotas:
            raise ApiError(404, f"The role {role} has no quota")
        self._set(role, {}, {})
        return answer({})

    def _set(self, role: Any, limit: Json, guarantee: Json) -> None:
        if not isinstance(role, str) or not role:
            raise ApiError(400, "The name of a role is a text")
        for name, value in limit.items():
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if name not in quotas.RESOURCES or not is_number or not 0 <= value < math.inf:
                raise ApiError(
                    400, f"{name}={value!r}: a quota has numbers of {' and '.join(quotas.RESOURCES)}"
                )
        if not quotas.can_promise(self._state, role, guarantee.get("mem", 0.0)):
            raise ApiError(409, "Not enough available cluster capacity to reasonably satisfy quota request")
        if limit:
            self._state.quotas[role] = {"limit": limit, "guarantee": guarantee}
        else:
            self._state.quotas.pop(role, None)
        self._agent.save()

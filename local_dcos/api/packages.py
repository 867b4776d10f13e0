"""Cosmos, the API behind `dcos package`."""

import json
from typing import Any

from aiohttp import web

from local_dcos.agent import Agent
from local_dcos.api.requests import Handler, object_body
from local_dcos.changes import Changes
from local_dcos.definition import absolute_id
from local_dcos.errors import ApiError
from local_dcos.model import App, Json
from local_dcos.packages.catalogue import CATALOGUE
from local_dcos.packages.package import Package, command_script
from local_dcos.schema import validator

ERROR_TYPE = "application/vnd.dcos.package.error+json;charset=utf-8;version=v1"
# The versions of each answer, the default first.
ENDPOINTS = {
    "describe": ("v3",),
    "install": ("v2", "v1"),
    "render": ("v1",),
    "list": ("v1",),
    "list-versions": ("v1",),
    "uninstall": ("v1",),
    "repository/list": ("v1",),
}


class CosmosError(Exception):
    """An error in the form of Cosmos."""

    def __init__(self, kind: str, message: str, data: Json | None = None, status: int = 400) -> None:
        super().__init__(message)
        self.status = status
        self.document: Json = {"type": kind, "message": message} | ({"data": data} if data else {})


def _media_type(endpoint: str, version: str) -> str:
    name = endpoint.replace("/", ".")
    return f"application/vnd.dcos.package.{name}-response+json;charset=utf-8;version={version}"


class Packages:
    """The handlers of /package/…"""

    def __init__(self, agent: Agent, cluster: Json) -> None:
        self._agent = agent
        self._state = agent.state
        self._changes = Changes(agent)
        self._url = str(cluster["url"])

    def routes(self) -> list[web.RouteDef]:
        made = [web.post(f"/package/{endpoint}", self._endpoint(endpoint)) for endpoint in ENDPOINTS]
        return [*made, web.get("/package-resource/{name}/dcos-{command}", self.command)]

    async def command(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in CATALOGUE or name != request.match_info["command"]:
            return web.Response(status=404, text=f"No package {name}")
        return web.Response(body=command_script(), content_type="application/octet-stream")

    def _endpoint(self, endpoint: str) -> Handler:
        work = getattr(self, f"_{endpoint.replace('/', '_').replace('-', '_')}")

        async def handle(request: web.Request) -> web.StreamResponse:
            accept = request.headers.get("Accept", "*/*").replace(" ", "")
            versions = ENDPOINTS[endpoint]
            fitting = [version for version in versions if _media_type(endpoint, version) in accept]
            document = await object_body(request)
            try:
                _check_types(document)
                answer = work(document)
                # Not before: clients that get an error repeat the request for an older form of the answer.
                if not fitting and "vnd.dcos.package" in accept:
                    available = [_media_type(endpoint, version) for version in versions]
                    raise CosmosError("NotAcceptable", f"Available: {', '.join(available)}", status=406)
                media = _media_type(endpoint, (fitting or versions)[0])
                return web.Response(text=json.dumps(answer), headers={"Content-Type": media})
            except CosmosError as error:
                headers = {"Content-Type": ERROR_TYPE}
                return web.Response(text=json.dumps(error.document), status=error.status, headers=headers)

        return handle

    @staticmethod
    def _package(document: Json) -> Package:
        name, version = document.get("packageName"), document.get("packageVersion")
        package = CATALOGUE.get(str(name))
        if package is None:
            raise CosmosError("PackageNotFound", f"Package [{name}] not found", {"packageName": name})
        if version not in (None, package.version):
            message = f"Version [{version}] of package [{name}] not found"
            raise CosmosError("VersionNotFound", message, {"packageName": name, "packageVersion": version})
        return package

    def _app_definition(self, document: Json) -> Json:
        package = self._package(document)
        options: Json = document.get("options") or {}
        found = list(validator(package.options).iter_errors(options))
        if found:
            message = "Options JSON failed validation: " + "; ".join(error.message for error in found)
            raise CosmosError(
                "JsonSchemaMismatch", message, {"errors": [_mismatch(error) for error in found]}
            )
        return package.app_definition(options)

    def _describe(self, document: Json) -> Json:
        return {"package": self._package(document).definition(self._url)}

    def _list_versions(self, document: Json) -> Json:
        return {"results": {self._package(document).version: "0"}}

    def _render(self, document: Json) -> Json:
        return {"marathonJson": self._app_definition(document)}

    def _install(self, document: Json) -> Json:
        package, definition = self._package(document), self._app_definition(document)
        try:
            self._changes.create(definition)
        except ApiError as error:
            if error.status == 409:
                message = "Package is already installed"
                raise CosmosError("PackageAlreadyInstalled", message, status=409) from error
            raise CosmosError("MarathonBadResponse", str(error), {"errors": [error.body]}) from error
        return {
            "packageName": package.name,
            "packageVersion": package.version,
            "appId": definition["id"],
            "postInstallNotes": package.summary["postInstallNotes"],
        }

    def _installed(self, document: Json) -> list[tuple[Package, App]]:
        name, app_id = document.get("packageName"), document.get("appId")
        found = []
        for app in self._state.apps.values():
            labels = app.definition["labels"]
            package = CATALOGUE.get(labels.get("DCOS_PACKAGE_NAME", ""))
            if package is None or labels.get("DCOS_PACKAGE_VERSION") != package.version or app.deleting:
                continue
            if name in (None, package.name) and (app_id is None or app.id == absolute_id(app_id)):
                found.append((package, app))
        return found

    def _list(self, document: Json) -> Json:
        return {
            "packages": [
                {"appId": app.id, "packageInformation": {"packageDefinition": package.summary}}
                for package, app in self._installed(document)
            ]
        }

    def _uninstall(self, document: Json) -> Json:
        name, found = document.get("packageName"), self._installed(document)
        if not found:
            raise CosmosError(
                "PackageNotInstalled", f"Package [{name}] is not installed", {"packageName": name}
            )
        ids = [app.id for _, app in found]
        if len(ids) > 1 and not document.get("all"):
            message = f"Multiple apps named [{name}] are installed: [{', '.join(ids)}]"
            raise CosmosError("AmbiguousAppId", message, {"appIds": ids})
        for app_id in ids:
            self._changes.remove(app_id, force=True)
        return {
            "results": [
                {
                    "packageName": package.name,
                    "packageVersion": package.version,
                    "postUninstallNotes": package.summary["postUninstallNotes"],
                    "appId": app.id,
                }
                for package, app in found
            ]
        }

    def _repository_list(self, document: Json) -> Json:
        return {"repositories": [{"name": "Local", "uri": f"{self._url}/package-resource"}]}


def _check_types(document: Json) -> None:
    for key in ("packageName", "packageVersion", "appId"):
        if not isinstance(document.get(key), str | None):
            raise CosmosError("InvalidRequest", f"{key} is not a text")


def _mismatch(error: Any) -> Json:
    """Returns an error of the validator in the form that `dcos package` prints."""
    pointer = "".join(f"/{part}" for part in error.absolute_path)
    document: Json = {
        "level": "error",
        "message": error.message,
        "instance": {"pointer": pointer},
        "domain": "validation",
        "keyword": error.validator,
    }
    if error.validator == "additionalProperties":
        document["unwanted"] = sorted(set(error.instance) - set(error.schema["properties"]))
    elif error.validator == "type":
        document["found"] = type(error.instance).__name__
        document["expected"] = [error.validator_value]
    elif error.validator == "minimum":
        document["minimum"] = error.validator_value
    return document

"""Cosmos: the package API that `dcos package` speaks."""

import json
from typing import Any

from aiohttp import web

from local_dcos.agent import Agent
from local_dcos.api.requests import Handler, object_body
from local_dcos.changes import Changes
from local_dcos.definition import absolute_id
from local_dcos.errors import ApiError
from local_dcos.model import App, Json
from local_dcos.packages import kafka

ERROR_TYPE = "application/vnd.dcos.package.error+json;charset=utf-8;version=v1"
# The answer's versions that can be asked for, the default first.
ENDPOINTS = {
    "describe": ("v3",),
    "install": ("v2", "v1"),
    "render": ("v1",),
    "list": ("v1",),
    "list-versions": ("v1",),
    "search": ("v1",),
    "uninstall": ("v1",),
    "repository/list": ("v1",),
    "repository/add": ("v1",),
    "repository/delete": ("v1",),
}


class CosmosError(Exception):
    """What Cosmos answers when it refuses."""

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
        return [*made, web.get("/package-resource/kafka/dcos-kafka", self.command)]

    async def command(self, request: web.Request) -> web.Response:
        return web.Response(body=kafka.command_script(), content_type="application/octet-stream")

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
                # Only now: a client that is told of a mistake asks again, for an older form of the answer.
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
    def _version(document: Json) -> str:
        name, version = document.get("packageName"), document.get("packageVersion")
        if name != kafka.NAME:
            raise CosmosError("PackageNotFound", f"Package [{name}] not found", {"packageName": name})
        if version is not None and version not in kafka.VERSIONS:
            message = f"Version [{version}] of package [{name}] not found"
            raise CosmosError("VersionNotFound", message, {"packageName": name, "packageVersion": version})
        return str(version or kafka.VERSIONS[-1])

    @staticmethod
    def _options(document: Json) -> Json:
        # Loaded when it is first needed: the server starts faster without it.
        import jsonschema

        options: Json = document.get("options") or {}
        found = list(jsonschema.Draft4Validator(kafka.OPTIONS).iter_errors(options))
        if found:
            errors: list[Json] = [_mismatch(error) for error in found]
            message = "Options JSON failed validation: " + "; ".join(error.message for error in found)
            raise CosmosError("JsonSchemaMismatch", message, {"errors": errors})
        return options

    def _describe(self, document: Json) -> Json:
        return {"package": kafka.package_definition(self._version(document), self._url)}

    def _list_versions(self, document: Json) -> Json:
        self._version(document)
        return {"results": {version: str(index) for index, version in enumerate(kafka.VERSIONS)}}

    def _render(self, document: Json) -> Json:
        version = self._version(document)
        return {"marathonJson": kafka.app_definition(self._options(document), version)}

    def _install(self, document: Json) -> Json:
        version = self._version(document)
        definition = kafka.app_definition(self._options(document), version)
        try:
            self._changes.create(definition)
        except ApiError as error:
            if error.status == 409:
                raise CosmosError(
                    "PackageAlreadyInstalled", "Package is already installed", status=409
                ) from error
            raise CosmosError("MarathonBadResponse", str(error), {"errors": [error.body]}) from error
        notes = kafka.summary(version)["postInstallNotes"]
        return {
            "packageName": kafka.NAME,
            "packageVersion": version,
            "appId": definition["id"],
            "postInstallNotes": notes,
        }

    def _installed(self, document: Json) -> list[App]:
        name, app_id = document.get("packageName"), document.get("appId")
        return [
            app
            for app in self._state.apps.values()
            if app.definition["labels"].get("DCOS_PACKAGE_NAME") == (name or kafka.NAME) == kafka.NAME
            and app.definition["labels"].get("DCOS_PACKAGE_VERSION") in kafka.VERSIONS
            and (app_id is None or app.id == absolute_id(app_id))
            and not app.deleting
        ]

    def _list(self, document: Json) -> Json:
        packages = []
        for app in self._installed(document):
            version = app.definition["labels"]["DCOS_PACKAGE_VERSION"]
            definition = kafka.summary(version)
            packages.append({"appId": app.id, "packageInformation": {"packageDefinition": definition}})
        return {"packages": packages}

    def _uninstall(self, document: Json) -> Json:
        name, found = document.get("packageName"), self._installed(document)
        if not found:
            raise CosmosError(
                "PackageNotInstalled", f"Package [{name}] is not installed", {"packageName": name}
            )
        if len(found) > 1 and not document.get("all"):
            ids = [app.id for app in found]
            raise CosmosError(
                "AmbiguousAppId",
                f"Multiple apps named [{name}] are installed: [{', '.join(ids)}]",
                {"appIds": ids},
            )
        results = []
        for app in found:
            version = app.definition["labels"]["DCOS_PACKAGE_VERSION"]
            self._changes.remove(app.id, force=True)
            results.append(
                {
                    "packageName": name,
                    "packageVersion": version,
                    "appId": app.id,
                    "postUninstallNotes": kafka.summary(version)["postUninstallNotes"],
                }
            )
        return {"results": results}

    def _search(self, document: Json) -> Json:
        newest = kafka.summary(kafka.VERSIONS[-1])
        query = str(document.get("query") or "").strip("*").lower()
        texts = [newest["name"], newest["description"].lower(), *newest["tags"]]
        if not any(query in text for text in texts):
            return {"packages": []}
        found = {key: newest[key] for key in ("name", "description", "framework", "tags", "selected")}
        versions = {version: str(index) for index, version in enumerate(kafka.VERSIONS)}
        return {
            "packages": [{**found, "currentVersion": newest["version"], "versions": versions, "images": {}}]
        }

    def _repositories(self) -> Json:
        own = {"name": "Local", "uri": f"{self._url}/package-resource"}
        return {"repositories": [own, *self._state.repositories]}

    def _repository_list(self, document: Json) -> Json:
        return self._repositories()

    def _repository_add(self, document: Json) -> Json:
        added = {"name": document.get("name"), "uri": document.get("uri")}
        for key, value in added.items():
            if any(known[key] == value for known in self._repositories()["repositories"]):
                raise CosmosError(
                    "RepositoryAlreadyPresent", f"Repository [{value}] is already present", status=409
                )
        index = document.get("index")
        position = len(self._state.repositories) if index is None else max(0, index - 1)
        self._state.repositories.insert(position, added)
        self._agent.save()
        return self._repositories()

    def _repository_delete(self, document: Json) -> Json:
        name = document.get("name")
        kept = [known for known in self._state.repositories if known["name"] != name]
        if len(kept) == len(self._state.repositories):
            raise CosmosError("RepositoryNotPresent", f"Repository [{name}] is not present")
        self._state.repositories[:] = kept
        self._agent.save()
        return self._repositories()


_TYPES = {"packageName": str, "packageVersion": str, "appId": str, "name": str, "uri": str, "index": int}


def _check_types(document: Json) -> None:
    for key, kind in _TYPES.items():
        if not isinstance(document.get(key), kind | None):
            raise CosmosError("InvalidRequest", f"{key} is no {kind.__name__}")


def _mismatch(error: Any) -> Json:
    """Returns a JSON schema error in the words that `dcos package` knows how to print."""
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

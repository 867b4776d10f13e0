"""`dcos package …`."""

from typing import Any

from local_dcos.client import rest
from local_dcos.client.arguments import Arguments, parse
from local_dcos.client.documents import read_json
from local_dcos.client.marathon import absolute
from local_dcos.client.output import emit, warn
from local_dcos.client.rest import ClientError

ERROR_TYPE = "application/vnd.dcos.package.error+json"
# The versions of the answers that are not v1.
ANSWER_VERSIONS = {"describe": "v3", "install": "v2"}


def _cosmos(endpoint: str, document: dict[str, Any]) -> Any:
    name = endpoint.replace("/", ".")
    media = "application/vnd.dcos.package.{}-{}+json;charset=utf-8;version={}"
    headers = {
        "Content-Type": media.format(name, "request", "v1"),
        "Accept": media.format(name, "response", ANSWER_VERSIONS.get(endpoint, "v1")),
    }
    answer = rest.request("POST", f"/package/{endpoint}", document, headers=headers)
    if answer.content_type.startswith(ERROR_TYPE):
        raise ClientError(_refusal(answer.json()))
    return answer.checked().json()


def _refusal(error: Any) -> str:
    lines = [str(error.get("message"))]
    if error.get("type") == "AmbiguousAppId":
        lines.append("Please use --app-id to choose one, or --all for all of them.")
    if error.get("type") == "JsonSchemaMismatch":
        lines += [f"Path: {one['instance']['pointer']}: {one['message']}" for one in error["data"]["errors"]]
    return "\n".join(lines)


def _package(found: Arguments) -> dict[str, Any]:
    version = found.options.get("--package-version")
    return {"packageName": found.words[0]} | ({"packageVersion": version} if version else {})


def describe(argv: list[str]) -> None:
    """Prints what the catalogue says of a package, or its versions, the newest first."""
    usage = "dcos package describe [--package-version=<version>] [--package-versions] <package-name>"
    found = parse(argv, usage, 1)
    if found.has("--package-versions"):
        query = {"packageName": found.words[0], "includePackageVersions": True}
        releases = _cosmos("list-versions", query)["results"]
        emit(sorted(releases, key=lambda version: int(releases[version]), reverse=True))
        return
    emit(_cosmos("describe", _package(found)))


def install(argv: list[str]) -> None:
    """Installs a package. With --cli only there is nothing to do: this client has the commands built in."""
    usage = (
        "dcos package install [--cli] [--app] [--package-version=<version>] [--options=<file>] --yes "
        "<package-name>"
    )
    found = parse(argv, usage, 1)
    _require_yes(found)
    package = _cosmos("describe", _package(found))["package"]
    if found.has("--cli") and not found.has("--app"):
        return
    name, version = package["name"], package["version"]
    emit(f"Installing Marathon app for package [{name}] version [{version}]")
    file = found.options.get("--options")
    options = read_json(file) if file else {}
    _cosmos("install", {"packageName": name, "packageVersion": version, "options": options})
    emit(package["postInstallNotes"])


def _require_yes(found: Arguments) -> None:
    if not found.has("--yes"):
        raise ClientError("This client asks no questions: repeat the command with --yes.")


def list_packages(argv: list[str]) -> None:
    """Prints the installed packages, each with the ids of its apps."""
    name = parse(argv, "dcos package list [--json] [<package-name>]", 0, 1).word(0)
    packages: dict[str, Any] = {}
    for each in _cosmos("list", {} if name is None else {"packageName": name})["packages"]:
        package = each["packageInformation"]["packageDefinition"]
        merged = packages.setdefault(
            package["name"], {**package, "apps": [], "command": {"name": package["name"]}}
        )
        merged["apps"] = sorted([*merged["apps"], each["appId"]])
    emit(list(packages.values()))


def uninstall(argv: list[str]) -> None:
    """Removes the app of a package."""
    found = parse(argv, "dcos package uninstall [--app-id=<app-id>] [--all] --yes <package-name>", 1)
    _require_yes(found)
    document: dict[str, Any] = {"packageName": found.words[0], "all": found.has("--all")}
    if "--app-id" in found.options:
        document["appId"] = absolute(found.options["--app-id"])
    for result in _cosmos("uninstall", document)["results"]:
        warn(f"Uninstalled package [{result['packageName']}] version [{result['packageVersion']}]")
        warn(result["postUninstallNotes"])


def list_repositories(argv: list[str]) -> None:
    """Prints the package repositories."""
    parse(argv, "dcos package repo list [--json]")
    emit(_cosmos("repository/list", {}))


COMMANDS = {
    "describe": describe,
    "install": install,
    "list": list_packages,
    "repo list": list_repositories,
    "uninstall": uninstall,
}

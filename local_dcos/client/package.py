"""`dcos package …`."""

import base64
import sys
from pathlib import Path
from typing import Any

from local_dcos.client import rest
from local_dcos.client.arguments import UsageError, parse
from local_dcos.client.output import EMPTY, emit, table, warn
from local_dcos.client.rest import ClientError

TERMS = "https://mesosphere.com/catalog-terms-conditions/#{}-services"
ERROR_TYPE = "application/vnd.dcos.package.error+json"
VERSIONS = {"describe": "v3", "install": "v2"}


def run(argv: list[str]) -> int:
    """Runs `dcos package …`."""
    verb, rest_ = (argv[0] if argv else ""), argv[1:]
    if verb == "repo":
        return _repositories(rest_)
    handlers = {
        "describe": _describe,
        "install": _install,
        "list": _list,
        "search": _search,
        "uninstall": _uninstall,
    }
    if verb not in handlers:
        raise UsageError("dcos package describe|install|list|repo|search|uninstall ...")
    return handlers[verb](rest_)


def _cosmos(endpoint: str, document: dict[str, Any]) -> Any:
    name = endpoint.replace("/", ".")
    media = "application/vnd.dcos.package.{}-{}+json;charset=utf-8;version={}"
    headers = {
        "Content-Type": media.format(name, "request", "v1"),
        "Accept": media.format(name, "response", VERSIONS.get(endpoint, "v1")),
    }
    answer = rest.request("POST", f"/package/{endpoint}", document, headers=headers)
    if answer.content_type.startswith(ERROR_TYPE):
        raise ClientError(_refusal(answer.json()))
    if not 200 <= answer.status < 300:
        raise ClientError(f'Error while fetching [{answer.url}]: HTTP {answer.status}: "{answer.reason}".')
    return answer.json()


def _refusal(error: Any) -> str:
    message = str(error.get("message"))
    if error.get("type") == "AmbiguousAppId":
        return (
            f"{message}.\nPlease use --app-id to specify the ID of the app to uninstall, "
            "or use --all to uninstall all apps."
        )
    if error.get("type") == "MarathonBadResponse":
        parts = [one.get("error") or "\n".join(one.get("errors", [])) for one in error["data"]["errors"]]
        return "\n".join([message, *filter(None, parts)])
    if error.get("type") != "JsonSchemaMismatch":
        return message
    lines = [f"Error: {message}"]
    for one in error["data"]["errors"]:
        if one.get("unwanted"):
            lines.append(f"Unexpected properties: {one['unwanted']}")
        if one.get("found"):
            lines.append(f"Found: {one['found']}")
        if one.get("minimum"):
            lines.append(f"Required minimum: {one['minimum']}")
        if one.get("expected"):
            lines.append(f"Expected: {','.join(one['expected'])}")
        if one.get("instance"):
            lines.append(f"Path: {one['instance'].get('pointer', '').lstrip('/').replace('/', '.')}")
    lines.append(
        "\nPlease create a JSON file with the appropriate options, and"
        " pass the /path/to/file as an --options argument."
    )
    return "\n".join(lines)


def _options(path: str | None) -> Any:
    if path is None:
        return {}
    import json

    try:
        return json.loads(Path(path).expanduser().read_text(encoding="utf-8"))
    except OSError as error:
        raise ClientError(f"Unable to open file [{path}]: {error.strerror}") from error
    except ValueError as error:
        raise ClientError(f"Error loading JSON: {error}") from error


def _named(name: str, version: str | None) -> dict[str, Any]:
    return {"packageName": name} | ({"packageVersion": version} if version else {})


def _describe(argv: list[str]) -> int:
    usage = (
        "dcos package describe [--app] [--render] [--cli] [--config] [--options=<file>] "
        "[--package-version=<package-version>] [--package-versions] <package-name>"
    )
    found = parse(argv, usage, 1)
    options = _options(found.options.get("--options"))
    name = _named(found.words[0], found.options.get("--package-version"))
    answer = _cosmos("describe", name)
    package = answer["package"]
    if found.has("--package-versions"):
        listed = _cosmos("list-versions", {"packageName": package["name"], "includePackageVersions": True})[
            "results"
        ]
        emit(sorted(listed, key=lambda version: int(listed[version]), reverse=True))
        return 0
    shown = False
    if found.has("--cli"):
        emit(package["resource"]["cli"])
        shown = True
    if found.has("--app"):
        if found.has("--render") or options:
            wanted = {"packageName": package["name"], "packageVersion": package["version"]}
            emit(_cosmos("render", wanted | ({"options": options} if options else {}))["marathonJson"])
        else:
            emit(base64.b64decode(package["marathon"]["v2AppMustacheTemplate"]).decode().rstrip("\n"))
        shown = True
    if found.has("--config"):
        emit(package["config"])
        shown = True
    if not shown:
        emit(answer)
    return 0


def _install(argv: list[str]) -> int:
    usage = (
        "dcos package install [--cli] [--global] [--app] [--package-version=<package-version>] "
        "[--options=<file>] [--yes] <package-name>"
    )
    found = parse(argv, usage, 1)
    both = not found.has("--cli") and not found.has("--app")
    options = _options(found.options.get("--options"))
    package = _cosmos("describe", _named(found.words[0], found.options.get("--package-version")))["package"]
    name, version = package["name"], package["version"]
    link = TERMS.format("certified" if package.get("selected") else "community")
    emit(f"By Deploying, you agree to the Terms and Conditions {link}")
    with_app, with_cli = both or found.has("--app"), both or found.has("--cli")
    if with_app and package.get("preInstallNotes"):
        emit(package["preInstallNotes"])
    if not found.has("--yes") and not _confirmed("Continue installing?"):
        emit("Exiting installation.")
        return 1
    if with_app:
        wanted = {"packageName": name, "packageVersion": version, "options": options}
        _cosmos("render", wanted)
        emit(f"Installing Marathon app for package [{name}] version [{version}]")
        _cosmos("install", wanted)
    if with_cli:
        # Nothing to fetch: the small client has the command built in.
        emit(f"Installing CLI subcommand for package [{name}] version [{version}]")
        emit(f"New command available: dcos {name}")
    if with_app and package.get("postInstallNotes"):
        emit(package["postInstallNotes"])
    return 0


def _confirmed(prompt: str) -> bool:
    for _ in range(3):
        sys.stdout.write(f"{prompt} [yes/no] ")
        sys.stdout.flush()
        response = sys.stdin.readline().strip().lower()
        if response in ("yes", "y", "no", "n"):
            return response.startswith("y")
        emit(f"'{response}' is not a valid response.")
    return False


def _installed(name: str | None, app_id: str | None) -> list[Any]:
    query = {"packageName": name, "appId": app_id}
    answer = _cosmos("list", {key: value for key, value in query.items() if value is not None})
    packages: dict[str, Any] = {}
    for one in answer["packages"]:
        package = one["packageInformation"]["packageDefinition"]
        merged = packages.setdefault(
            package["name"], {**package, "apps": [], "command": {"name": package["name"]}}
        )
        merged["apps"] = sorted([*merged["apps"], one["appId"]])
    return list(packages.values())


def _list(argv: list[str]) -> int:
    found = parse(argv, "dcos package list [--json] [--app-id=<app-id>] [--cli] [<package-name>]", 0, 1)
    app_id = found.options.get("--app-id")
    packages = _installed(found.word(0), "/" + app_id.strip("/") if app_id else None)
    if found.has("--json"):
        emit(packages)
        return 0
    if not packages:
        raise ClientError(
            "There are currently no installed packages. "
            "Please use `dcos package install` to install a package."
        )
    fields = {
        "NAME": lambda row: row["name"],
        "VERSION": lambda row: row["version"],
        "APP": lambda row: "\n".join(row["apps"]) or EMPTY,
        "COMMAND": lambda row: row["command"]["name"],
        "DESCRIPTION": lambda row: row["description"],
    }
    emit(table(fields, packages, left="|".join(fields), sort="NAME", limits={"DESCRIPTION": 65}))
    return 0


def _search(argv: list[str]) -> int:
    found = parse(argv, "dcos package search [--json] [<query>]", 0, 1)
    answer = _cosmos("search", {"query": found.word(0) or ""})
    if found.has("--json"):
        emit(answer)
        return 0
    if not answer["packages"]:
        raise ClientError("No packages found.")
    fields = {
        "NAME": lambda row: row["name"],
        "VERSION": lambda row: row["currentVersion"],
        "SELECTED": lambda row: row.get("selected", False),
        "FRAMEWORK": lambda row: row["framework"],
        "DESCRIPTION": lambda row: _short(row["description"]),
    }
    emit(table(fields, answer["packages"], left="|".join(fields)))
    return 0


def _short(text: str) -> str:
    return text if len(text) < 77 else text[:77] + "..."


def _uninstall(argv: list[str]) -> int:
    usage = "dcos package uninstall [--cli] [--app] [--app-id=<app-id>] [--all] [--yes] <package-name>"
    found = parse(argv, usage, 1)
    name, app_id = found.words[0], found.options.get("--app-id")
    packages = _installed(name, None)
    if not found.has("--cli") and not found.has("--yes"):
        if not packages:
            emit(f"Package '{name}' is not installed.")
            return 1
        emit(
            f"WARNING: This action cannot be undone. This will uninstall [{app_id or name}] and delete all "
            "of its persistent data (logs, configurations, database artifacts, everything)."
        )
        if not _typed("Please type the name of the service to confirm", app_id or name):
            emit("Cancelling uninstall.")
            return 0
    if not packages:
        shown = f" with id [/{app_id.strip('/')}]" if app_id else ""
        raise ClientError(f"Package [{name}]{shown} is not installed")
    if found.has("--cli") and not found.has("--app"):
        return 0
    wanted: dict[str, Any] = {"packageName": name}
    if found.has("--all"):
        wanted["all"] = True
    if app_id:
        wanted["appId"] = "/" + app_id.strip("/")
    said = set()
    for result in _cosmos("uninstall", wanted)["results"]:
        version = result["packageVersion"]
        if version not in said:
            said.add(version)
            warn(f"Uninstalled package [{result['packageName']}] version [{version}]")
            if result.get("postUninstallNotes"):
                warn(result["postUninstallNotes"])
    return 0


def _typed(prompt: str, expected: str) -> bool:
    for _ in range(3):
        sys.stdout.write(f"{prompt}: ")
        sys.stdout.flush()
        response = sys.stdin.readline().strip()
        if response == expected:
            return True
        emit(f"Expected '{expected}'. You supplied '{response}'.")
    return False


def _repositories(argv: list[str]) -> int:
    verb, rest_ = (argv[0] if argv else ""), argv[1:]
    if verb == "list":
        found = parse(rest_, "dcos package repo list [--json]")
        answer = _cosmos("repository/list", {})
        shown = "\n".join(f"{one['name']}: {one['uri']}" for one in answer["repositories"])
        emit(answer if found.has("--json") else shown)
    elif verb == "add":
        found = parse(rest_, "dcos package repo add [--index=<index>] <repo-name> <repo-url>", 2)
        document: dict[str, Any] = {"name": found.words[0], "uri": found.words[1]}
        if "--index" in found.options:
            document["index"] = int(found.options["--index"])
        _cosmos("repository/add", document)
    elif verb == "remove":
        for name in parse(rest_, "dcos package repo remove <repo-names>...", 1, -1).words:
            _cosmos("repository/delete", {"name": name})
    else:
        raise UsageError("dcos package repo add|list|remove ...")
    return 0

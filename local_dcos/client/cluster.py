"""`dcos cluster …`: the current cluster, its links, and the clusters that are configured in DCOS_DIR."""

import os
import tomllib
from pathlib import Path
from typing import Any

from local_dcos.client.arguments import parse
from local_dcos.client.output import emit
from local_dcos.client.rest import ClientError, base_url, request

LINKS = "/cluster/v1/links"


def _current() -> dict[str, Any]:
    """Returns the cluster at DCOS_URL."""
    about = request("GET", "/metadata").checked().json()
    version = request("GET", "/dcos-metadata/dcos-version.json").checked().json()["version"]
    name = request("GET", "/mesos/state-summary").checked().json()["cluster"]
    return _item(about["CLUSTER_ID"], name, base_url(), version, "AVAILABLE", attached=True)


def _item(
    cluster_id: str, name: str, url: str, version: str, status: str, *, attached: bool = False
) -> dict[str, Any]:
    return {
        "attached": attached,
        "cluster_id": cluster_id,
        "name": name,
        "status": status,
        "url": url,
        "version": version,
    }


def _links() -> list[dict[str, Any]]:
    links: list[dict[str, Any]] = request("GET", LINKS).checked().json()["links"]
    return links


def _configured() -> list[dict[str, str]]:
    """Returns the clusters in DCOS_DIR, as `dcos cluster setup` writes them."""
    found = []
    for file in sorted(
        Path(os.environ.get("DCOS_DIR") or Path.home() / ".dcos").glob("clusters/*/dcos.toml")
    ):
        try:
            document = tomllib.loads(file.read_text(encoding="utf-8"))
            found.append(
                {
                    "id": file.parent.name,
                    "name": str(document["cluster"]["name"]),
                    "url": str(document["core"]["dcos_url"]),
                }
            )
        except (OSError, ValueError, KeyError, TypeError):
            continue  # not a cluster that could be linked
    return found


def _matching(clusters: list[dict[str, Any]], name: str) -> dict[str, Any] | None:
    return next((one for one in clusters if name in (one["id"], one["name"])), None)


def list_clusters(argv: list[str]) -> None:
    """Prints the current cluster and those that it links to."""
    found = parse(argv, "dcos cluster list [--attached] [--linked] [--json]")
    linked = [] if found.has("--attached") else _links()
    items = [_item(one["id"], one["name"], one["url"], "UNKNOWN", "UNCONFIGURED") for one in linked]
    emit(items if found.has("--linked") else [_current(), *items])


def link(argv: list[str]) -> None:
    """Links the current cluster to one in DCOS_DIR."""
    name = parse(argv, "dcos cluster link <cluster>", 1).words[0]
    other = _matching(_configured(), name)
    if other is None:
        raise ClientError(f"unable to find the cluster {name}: it is not configured in DCOS_DIR")
    if other["id"] == _current()["cluster_id"]:
        raise ClientError("cannot link a cluster to itself")
    provider = {"id": "dcos-users", "type": "dcos-uid-password"}
    request("POST", LINKS, {**other, "login_provider": provider}).checked()


def unlink(argv: list[str]) -> None:
    """Removes a link of the current cluster."""
    name = parse(argv, "dcos cluster unlink <cluster>", 1).words[0]
    other = _matching(_links(), name)
    if other is None:
        raise ClientError(f"Unknown cluster link {name}.")
    request("DELETE", f"{LINKS}/{other['id']}").checked()


COMMANDS = {"link": link, "list": list_clusters, "unlink": unlink}

"""`dcos --version`, `dcos config`, `dcos cluster`."""

import os

from local_dcos.client import rest
from local_dcos.client.arguments import UsageError, parse
from local_dcos.client.output import emit, table
from local_dcos.client.rest import ClientError

VERSION = "0.6.1"
VARIABLES = {"core.dcos_acs_token": "DCOS_ACS_TOKEN", "core.dcos_url": "DCOS_URL"}


def version() -> int:
    """Prints the versions; those of the cluster when it answers."""
    try:
        cluster = rest.fetch("GET", "/dcos-metadata/dcos-version.json").json()
    except ClientError:
        cluster = {}
    emit(f"dcoscli.version={VERSION}")
    emit(f"dcos.version={cluster.get('version', 'N/A')}")
    emit(f"dcos.commit={cluster.get('dcos-image-commit', 'N/A')}")
    emit(f"dcos.bootstrap-id={cluster.get('bootstrap-id', 'N/A')}")
    return 0


def run(command: str, argv: list[str]) -> int:
    """Runs `dcos config …` or `dcos cluster …`."""
    verb, words = (argv[0], argv[1:]) if argv else ("", [])
    if command == "config" and verb == "show":
        return _show(parse(words, "dcos config show [<name>]", 0, 1).word(0))
    if command == "cluster" and verb == "list":
        found = parse(words, "dcos cluster list [--attached] [--json]")
        return _list(as_json=found.has("--json"))
    raise UsageError("dcos config show [<name>]\n    dcos cluster list [--attached] [--json]")


def _show(name: str | None) -> int:
    if name is None:
        for key, variable in VARIABLES.items():
            value = os.environ.get(variable)
            if value:
                emit(f"{key} {'*' * 8 if 'token' in key else value}")
        return 0
    value = os.environ.get(VARIABLES.get(name, ""))
    if not value:
        raise ClientError(f"Property {name!r} doesn't exist")
    emit(value)
    return 0


def _list(*, as_json: bool) -> int:
    cluster = {
        "attached": True,
        "cluster_id": rest.fetch("GET", "/metadata").json()["CLUSTER_ID"],
        "name": rest.fetch("GET", "/mesos/state-summary").json()["cluster"],
        "status": "AVAILABLE",
        "url": rest.base_url(),
        "version": rest.fetch("GET", "/dcos-metadata/dcos-version.json").json()["version"],
    }
    if as_json:
        emit([cluster])
        return 0
    fields = {
        "NAME": lambda row: row["name"] + "*",
        "CLUSTER ID": lambda row: row["cluster_id"],
        "STATUS": lambda row: row["status"],
        "VERSION": lambda row: row["version"],
        "URL": lambda row: row["url"],
    }
    emit(table(fields, [cluster]))
    return 0

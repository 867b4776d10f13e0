"""`dcos quota …`: the limits of top-level groups, which are roles."""

from typing import Any

from local_dcos.client.arguments import Arguments, parse
from local_dcos.client.output import emit
from local_dcos.client.rest import ClientError, marathon, request

OPTIONS = {"--cpu": "cpus", "--mem": "mem"}


def _quotas() -> dict[str, dict[str, Any]]:
    roles = request("GET", "/mesos/roles").checked().json()["roles"]
    return {role["name"]: role["quota"] for role in roles}


def _update(group: str, limits: dict[str, float]) -> None:
    config = {"role": group, "limits": {name: {"value": value} for name, value in limits.items()}}
    call = {"type": "UPDATE_QUOTA", "update_quota": {"force": False, "quota_configs": [config]}}
    request("POST", "/mesos/api/v1", call).checked()


def _limits(found: Arguments) -> dict[str, float]:
    try:
        return {OPTIONS[option]: float(value) for option, value in found.options.items()}
    except ValueError as error:
        raise ClientError(f"Error: invalid argument: {error}") from error


def list_quotas(argv: list[str]) -> None:
    """Prints the quotas."""
    parse(argv, "dcos quota list [--json]")
    emit(list(_quotas().values()))


def create(argv: list[str]) -> None:
    """Sets the quota of a group that has none."""
    found = parse(argv, "dcos quota create [--cpu=N] [--mem=N] <group>", 1)
    group = found.words[0]
    if f"/{group}" not in [one["id"] for one in marathon("GET", "v2/groups").json()["groups"]]:
        raise ClientError(f"Error: /{group} is not an existing Marathon group")
    if group in _quotas():
        raise ClientError(
            f"Error: {group} is an existing quota, use 'dcos quota update' if you want to update it."
        )
    _update(group, _limits(found))


def update(argv: list[str]) -> None:
    """Changes limits of a group."""
    found = parse(argv, "dcos quota update [--cpu=N] [--mem=N] <group>", 1)
    group = found.words[0]
    quota = _quotas().get(group)
    if quota is None:
        raise ClientError(f"Error: {group} is not an existing quota")
    _update(group, {**quota["limit"], **_limits(found)})


def delete(argv: list[str]) -> None:
    """Removes the quota of a group."""
    group = parse(argv, "dcos quota delete <group>", 1).words[0]
    if group not in _quotas():
        raise ClientError(f"Error: {group} is not an existing quota")
    _update(group, {})


COMMANDS = {"create": create, "delete": delete, "list": list_quotas, "update": update}

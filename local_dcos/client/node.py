"""`dcos node --json`."""

from local_dcos.client.output import emit
from local_dcos.client.rest import request


def list_all(argv: list[str]) -> None:
    """Prints the masters and the agents."""
    state = request("GET", "/mesos/master/state.json").checked().json()
    about = {key: state[key] for key in ("id", "pid", "version")}
    location = {"region": None, "zone": None}
    masters = request("GET", "/mesos_dns/v1/hosts/master.mesos").checked().json()
    agents = [{**agent, "type": "agent", **location} for agent in state["slaves"]]
    emit([*({**master, "type": "master (leader)", **location, **about} for master in masters), *agents])


# The real client lists nodes by the group alone, which has no other word for it.
COMMANDS = {"--json": list_all}

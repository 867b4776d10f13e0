"""The agents of a cluster, from `dcos node` and the tasks of Marathon."""

from cli.engine.dcos.runner import Dcos
from cli.engine.surroundings import NodeStatus


def nodes(dcos: Dcos) -> list[NodeStatus]:
    """The agents, with the tasks of apps on them."""
    listed = dcos.json(["node", "--json"])
    tasks = dcos.json(["marathon", "task", "list", "--json"])
    found = []
    for node in listed:
        if node["type"] == "agent":
            total, used = (node.get(key) or {} for key in ("resources", "used_resources"))
            found.append(
                NodeStatus(
                    name=node["id"],
                    address=node["hostname"],
                    up=bool(node.get("active", True)),
                    cpus=total.get("cpus"),
                    mem=total.get("mem"),
                    used_cpus=used.get("cpus"),
                    used_mem=used.get("mem"),
                    apps=tuple(sorted(task["appId"] for task in tasks if task.get("slaveId") == node["id"])),
                )
            )
    return found

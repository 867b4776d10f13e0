"""`pipectl nodes`: the agents of the cluster and what runs on them."""

import click

from cli import output as out
from cli.engine.surroundings import NodeStatus
from cli.session import Session
from cli.session_options import session_options


@click.command("nodes")
@session_options(reads_only=True)
def command(run: Session, output: str) -> None:
    """Show the agents of the cluster: their state, the resources in use, and the apps with tasks on them.

    An app is named once for each of its tasks. Tasks of an agent that is down are listed with it until
    Marathon gives up waiting for them.

    \b
    Example:
      pipectl nodes
      pipectl nodes --cluster prod -o json
    """
    nodes = run.engine.nodes()
    if output == "json":
        out.print_json({"cluster": run.cluster_name, "nodes": [_document(node) for node in nodes]})
        return
    out.print_table(
        ("node", "address", "state", "CPUs", "memory MiB", "tasks", "apps"), [_row(node) for node in nodes]
    )


def _row(node: NodeStatus) -> tuple[str, ...]:
    return (
        node.name,
        node.address,
        _state(node),
        out.share(node.used_cpus, node.cpus),
        out.share(node.used_mem, node.mem),
        str(len(node.apps)),
        ", ".join(node.apps) or "-",
    )


def _document(node: NodeStatus) -> dict[str, object]:
    return {
        "node": node.name,
        "address": node.address,
        "state": _state(node),
        "cpus": node.cpus,
        "mem": node.mem,
        "used_cpus": node.used_cpus,
        "used_mem": node.used_mem,
        "apps": node.apps,
    }


def _state(node: NodeStatus) -> str:
    return "up" if node.up else "down"

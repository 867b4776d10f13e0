"""`pipectl chaos`: failures on purpose, on a local cluster."""

import sys
from datetime import timedelta

import click

from cli import local, options
from cli import output as out
from cli.errors import UsageProblem
from cli.session import Session
from cli.session_options import session_options
from marathon.durations import format_duration, parse_duration


@click.group("chaos")
def command() -> None:
    """Break parts of a local cluster on purpose, to see that the bundle goes on.

    \b
    Example:
      pipectl chaos kill-node local-S2
    """


@command.command("kill-node")
@click.argument("name")
@click.option(
    "--away",
    metavar="DURATION",
    default="60s",
    help="The time until the agent comes back, such as 30s or 5m; at most 1d.  [default: 60s]",
)
@options.yes_option
@session_options(reads_only=False)
def kill_node(run: Session, output: str, name: str, away: str, yes: bool) -> None:
    """Kill an agent of a local cluster with all its tasks, as if its machine lost power.

    NAME is one that `pipectl nodes` shows. The cluster needs several agents: the setting `local.agents`.
    Marathon launches the tasks on other agents, each after the `inactiveAfterSeconds` of its app, or once the
    agent is back. The agent comes back by itself, without tasks.

    \b
    Example:
      pipectl chaos kill-node local-S2 --yes
      pipectl chaos kill-node local-S2 --away 5m --cluster local-test
    """
    if not run.is_local:
        raise UsageProblem(
            f"{run.cluster_name} is not a local cluster, and `chaos` kills nothing elsewhere",
            hint="`pipectl deploy --cluster local-test --set local.agents=3` makes one to break",
        )
    seconds = _seconds(away)
    nodes = {node.name: node for node in run.engine.nodes()}
    if name not in nodes:
        raise UsageProblem(
            f"cluster {run.cluster_name} has no agent {name}",
            hint=f"its agents are {', '.join(nodes)}; see `pipectl nodes`",
        )
    apps = ", ".join(nodes[name].apps) or "no tasks"
    if not yes:
        if not sys.stdin.isatty():
            raise UsageProblem(
                f"this would kill agent {name} with {apps}, but there is no terminal to ask on",
                hint="add --yes",
            )
        click.confirm(f"Cluster {run.cluster_name}: kill agent {name} with {apps}?", abort=True, err=True)
    killed = local.kill_node(name, seconds)
    if output == "json":
        document = {"cluster": run.cluster_name, "node": name, "killed": killed, "back_in_seconds": seconds}
        out.print_json(document)
        return
    click.echo(f"Cluster {run.cluster_name}: killed agent {name} with {len(killed)} tasks.")
    for task in killed:
        click.echo(f"  {task}")
    back = format_duration(timedelta(seconds=seconds))
    click.echo(f"It comes back in {back}. `pipectl nodes` shows the agents, `pipectl status` the bundle.")


def _seconds(away: str) -> float:
    try:
        length = parse_duration(away)
    except ValueError as error:
        raise UsageProblem(f"--away {away}: {error}", hint="write a duration such as 30s or 5m") from None
    if not timedelta(0) < length <= timedelta(days=1):
        raise UsageProblem(f"--away {away} is out of range", hint="write more than 0s and at most 1d")
    return length.total_seconds()

"""`pipectl tunnel`: an authenticated way from this machine to a service of the cluster."""

import shlex
import sys
from typing import Any

import click

from cli import output as out
from cli.errors import UsageProblem
from cli.parts import as_deployed
from cli.session import Session
from cli.session_options import session_options
from cli.tunnel.gateway import authorized, cluster_gateway
from cli.tunnel.opening import Tunnel, opened
from cli.tunnel.relay import HOST
from cli.tunnel.services import SERVICES, reached, targets

# How often the wait notices Ctrl-C on every platform.
_WAIT_SECONDS = 1.0
_SOME_KEY = "ssh-ed25519 AAAA… you@workstation"


@click.command("tunnel")
@session_options(reads_only=True)
@click.argument("service", type=click.Choice(SERVICES))
@click.option(
    "--port", type=click.IntRange(1, 65535), help="The port on this machine.  [default: any free one]"
)
@click.option("--show", is_flag=True, help="Only print the ssh commands and the rights that a key needs.")
def command(run: Session, output: str, service: str, port: int | None, show: bool) -> None:
    """Open an SSH tunnel to a service, and print the command of its client.

    The port is on loopback, and the tunnel ends with this command: press Ctrl-C. On a cluster, it goes
    through a master, with your own `ssh`. On `local`, it goes through an SSH server that runs only
    meanwhile, with a key made for it that reaches only this service.

    \b
    Example:
      pipectl tunnel mysql
      pipectl tunnel kafka --port 19092 --cluster prod
    """
    run = as_deployed(run, run.engine)
    if show:
        _show(run, output, service, port)
        return
    with opened(run, service, port or 0, _warn) as tunnel:
        _announce(service, tunnel, output)
        while (failure := tunnel.forwards.lost(_WAIT_SECONDS)) is None:
            pass
        raise failure


def _announce(service: str, tunnel: Tunnel, output: str) -> None:
    client = tunnel.client
    start = client.installed() or client.programs[:1]
    arguments = [*start, *client.arguments, *client.default]
    if output == "json":
        document: dict[str, Any] = {"service": service, "host": HOST, "port": tunnel.port}
        out.print_json({**document, "command": arguments, "environment": dict(client.environ)})
    else:
        click.echo(f"{service} is on {HOST}:{tunnel.port} until you press Ctrl-C. Its client:\n")
        environ = "".join(f"{name}={shlex.quote(value)} " for name, value in client.environ.items())
        click.echo(f"  {environ}{shlex.join(arguments)}")
    sys.stdout.flush()


def _show(run: Session, output: str, service: str, port: int | None) -> None:
    if run.is_local:
        raise UsageProblem(
            f"on {run.cluster_name}, each tunnel has an SSH server and a key of its own, which end with it",
            hint="leave out --show",
        )
    first = targets(run, service)
    gateway = cluster_gateway(run.settings.ssh, run.engine.front_door())
    commands = [gateway.forward(f"{HOST}:{port or target[1]}", target) for target in first]
    rights = authorized(_SOME_KEY, reached(run, service, first, lambda url: b""))
    if output == "json":
        out.print_json({"service": service, "commands": commands, "authorized_keys": rights})
        return
    for each in commands:
        click.echo(shlex.join(each))
    click.echo(
        f"\nTo let a key do only that, write it into ~{run.settings.ssh.user}/.ssh/authorized_keys on "
        f"{gateway.destination.rpartition('@')[2]} like this:\n\n{rights}"
    )


def _warn(line: str) -> None:
    click.secho(line, fg="yellow", err=True)

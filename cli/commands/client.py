"""`pipectl client`: runs the client of a service through a tunnel."""

import os
import signal
import subprocess
import sys
from types import FrameType

import click

from cli.errors import PipectlError
from cli.parts import as_deployed
from cli.session import Session
from cli.session_options import session_options
from cli.tunnel.opening import opened
from cli.tunnel.services import SERVICES, Client

_END_SECONDS = 5.0


@click.command("client")
@session_options(reads_only=True, output=lambda function: function)
@click.argument("service", type=click.Choice(SERVICES))
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def command(run: Session, service: str, arguments: tuple[str, ...]) -> None:
    """Run the client of a service through a tunnel: kcat, mysql, cqlsh or hdfs.

    ARGUMENTS, after `--`, are the client's own. The command ends with its exit code.

    \b
    Example:
      pipectl client mysql -- -e "SELECT * FROM signals LIMIT 3"
      pipectl client kafka -- -t movingaverage -C -o -3 -e
    """
    run = as_deployed(run, run.engine)
    with opened(run, service, 0, _warn) as tunnel:
        client = tunnel.client
        code = _carry_out(
            [*_program(service, client), *client.arguments, *(arguments or client.default)], client
        )
    # As a shell reports a client that a signal has ended.
    sys.exit(code if code >= 0 else 128 - code)


def _program(service: str, client: Client) -> tuple[str, ...]:
    """The start of the client that is installed."""
    found = client.installed()
    if found is None:
        raise PipectlError(
            f"the client of {service}, `{client.programs[0]}`, is not installed on this machine",
            hint=f"install it ({client.install}), or use another client with `pipectl tunnel {service}`",
        )
    return found


def _carry_out(command: list[str], client: Client) -> int:
    """Run the client with this terminal. Ctrl-C is for it. What ends this command ends it too."""

    def leave_to_client(number: int, frame: FrameType | None) -> None:
        pass

    before = signal.signal(signal.SIGINT, leave_to_client)
    process = subprocess.Popen(command, env={**os.environ, **client.environ})
    try:
        return process.wait()
    finally:
        signal.signal(signal.SIGINT, before)
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _warn(line: str) -> None:
    click.secho(line, fg="yellow", err=True)

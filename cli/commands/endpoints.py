"""`pipectl endpoints`: the addresses of the bundle."""

import click

from cli import output as out
from cli.endpoints import endpoints
from cli.parts import as_deployed
from cli.session import Session
from cli.session_options import session_options


@click.command("endpoints")
@session_options(reads_only=True)
def command(run: Session, output: str) -> None:
    """Print the addresses of Kafka (bootstrap servers), Flink's web UI, the cluster and the live page.

    \b
    Example:
      pipectl endpoints -o json
    """
    addresses = endpoints(as_deployed(run, run.engine))
    if output == "json":
        out.print_json(addresses)
    else:
        out.print_table(("name", "address"), addresses.items())

"""`pipectl endpoints`: the addresses that a user needs."""

from pathlib import Path

import click

from cli import options
from cli import output as out
from cli.endpoints import endpoints
from cli.session import session


@click.command("endpoints")
@options.common_options
def command(
    cluster: str | None, files: tuple[Path, ...], overrides: tuple[str, ...], output: str, verbose: bool
) -> None:
    """Print the addresses of Kafka (bootstrap servers), Flink's page and the cluster.

    \b
    Example:
      pipectl endpoints -o json
    """
    addresses = endpoints(session(cluster, files, overrides, verbose, reads_only=True))
    if output == "json":
        out.print_json(addresses)
    else:
        out.print_table(("name", "address"), addresses.items())

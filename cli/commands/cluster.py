"""`pipectl cluster`: the cluster itself."""

import click

from cli import local, options
from cli import output as out


@click.group("cluster")
def command() -> None:
    """Manage the cluster itself."""


@command.command("env")
@options.output_option
def env(output: str) -> None:
    """Print DCOS_URL and DCOS_ACS_TOKEN of the cluster `local`.

    Other clients connect with them. The token is a secret. It changes with each start of the cluster.

    \b
    Example:
      eval "$(pipectl cluster env)" && dcos marathon app list
    """
    url, token = local.address()
    values = {"DCOS_URL": url, "DCOS_ACS_TOKEN": token}
    if output == "json":
        out.print_json(values)
    else:
        for name, value in values.items():
            click.echo(f"export {name}={value}")

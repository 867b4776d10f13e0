"""`pipectl open`: the live page."""

import webbrowser
from pathlib import Path

import click

from cli import options
from cli import output as out
from cli.endpoints import LINK_NOTE, page_link
from cli.errors import PipectlError
from cli.session import session


@click.command("open")
@options.common_options
@click.option("--browser", is_flag=True, help="Open it in this machine's browser, too.")
def command(
    cluster: str | None,
    files: tuple[Path, ...],
    overrides: tuple[str, ...],
    output: str,
    verbose: bool,
    browser: bool,
) -> None:
    """Print the address of the live page: prices, volatility, and how every component is.

    On the cluster local it is a link that signs one browser in and then works no more; on DC/OS the page asks
    for the cluster's own login.

    \b
    Example:
      pipectl open
      pipectl open --browser
    """
    run = session(cluster, files, overrides, verbose, reads_only=True)
    link = page_link(run)
    if output == "json":
        out.print_json({"dashboard": link})
    else:
        click.echo(link)
        if run.is_local:
            click.secho(LINK_NOTE, err=True, dim=True)
    if browser and not webbrowser.open(link):
        raise PipectlError("no browser can be started here", hint="open the printed address in one")

"""`pipectl open`: the live page, or Flink's own."""

import webbrowser
from pathlib import Path

import click

from cli import options
from cli import output as out
from cli.endpoints import LINK_NOTE, flink_link, page_link
from cli.errors import PipectlError
from cli.session import session


@click.command("open")
@click.argument("page", type=click.Choice(["dashboard", "flink"]), default="dashboard")
@options.common_options
@click.option("--browser", is_flag=True, help="Open it in this machine's browser, too.")
def command(
    cluster: str | None,
    files: tuple[Path, ...],
    overrides: tuple[str, ...],
    output: str,
    verbose: bool,
    browser: bool,
    page: str,
) -> None:
    """Print the address of the live page: prices, volatility, and how every component is.

    `pipectl open flink` prints that of Flink's own page.

    On the cluster local it is a link that signs one browser in and then works no more; on DC/OS the page asks
    for the cluster's own login, and Flink's page for Flink's token.

    \b
    Example:
      pipectl open
      pipectl open flink --browser
    """
    run = session(cluster, files, overrides, verbose, reads_only=True)
    link = flink_link(run) if page == "flink" else page_link(run)
    if output == "json":
        out.print_json({page: link})
    else:
        click.echo(link)
        if run.is_local:
            click.secho(LINK_NOTE, err=True, dim=True)
    if browser and not webbrowser.open(link):
        raise PipectlError("no browser can be started here", hint="open the printed address in one")

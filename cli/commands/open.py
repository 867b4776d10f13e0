"""`pipectl open`: the live page."""

import webbrowser

import click

from cli import output as out
from cli.endpoints import LINK_NOTE, page_link
from cli.errors import PipectlError
from cli.session import Session
from cli.session_options import session_options


@click.command("open")
@session_options(reads_only=True)
@click.option("--browser", is_flag=True, help="Also open it in a browser on this machine.")
def command(run: Session, output: str, browser: bool) -> None:
    """Print the address of the live page, which shows prices, volatility and the state of every component.

    On the cluster local, the address is a link that signs in one browser, once. On DC/OS, the page asks for
    the cluster's login.

    \b
    Example:
      pipectl open
      pipectl open --browser
    """
    link = page_link(run)
    if output == "json":
        out.print_json({"dashboard": link})
    else:
        click.echo(link)
        if run.is_local:
            click.secho(LINK_NOTE, err=True, dim=True)
    if browser and not webbrowser.open(link):
        raise PipectlError("cannot start a browser on this machine", hint="open the printed address in one")

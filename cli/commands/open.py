"""`pipectl open`: the live page, the notebooks, or Flink's own page."""

import webbrowser

import click

from cli import output as out
from cli.endpoints import LINK_NOTE, PAGES, flink_link, page_link
from cli.errors import PipectlError, UsageProblem
from cli.session import Session
from cli.session_options import session_options


@click.command("open")
@click.argument("page", type=click.Choice([*PAGES, "flink"]), default="dashboard")
@session_options(reads_only=True)
@click.option("--browser", is_flag=True, help="Also open it in a browser on this machine.")
@click.option("--user", metavar="NAME", help="Sign in as this user of the notebooks, if they have users.")
def command(run: Session, output: str, browser: bool, page: str, user: str | None) -> None:
    """Print the address of the live page, which shows prices, volatility and the state of every component.

    `pipectl open notebooks` prints the address of JupyterLab, `pipectl open flink` that of Flink's web UI.

    On the cluster local, the address is a link that signs in one browser, once. On DC/OS, the page asks for
    the cluster's login, Flink's web UI also for Flink's token, and JupyterLab for the token of the notebooks,
    unless each user has a server (`accounts.users`, `notebooks.users`).

    \b
    Example:
      pipectl open
      pipectl open flink --browser
      pipectl open notebooks --user ann
    """
    if user is not None and page != "notebooks":
        raise UsageProblem(f"{page} has no users", hint="remove --user")
    link = flink_link(run) if page == "flink" else page_link(run, page, user)
    if output == "json":
        out.print_json({page: link})
    else:
        click.echo(link)
        if run.is_local:
            click.secho(LINK_NOTE, err=True, dim=True)
    if browser and not webbrowser.open(link):
        raise PipectlError("cannot start a browser on this machine", hint="open the printed address in one")

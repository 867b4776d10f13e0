"""`pipectl validate`: check settings and templates."""

import click

from cli import output as out
from cli.session import Session
from cli.session_options import offline_options


@click.command("validate")
@offline_options
def command(run: Session, output: str) -> None:
    """Check settings and templates; contacts nothing.

    Exit code 2 means errors. Each is printed with its file and line.

    \b
    Example:
      pipectl validate --cluster prod -f my-settings.yaml
    """
    apps = sorted(run.bundle.apps)
    if output == "json":
        out.print_json({"cluster": run.cluster_name, "valid": True, "apps": apps})
    else:
        click.echo(f"Cluster {run.cluster_name}: settings and {len(apps)} apps are valid: {', '.join(apps)}.")

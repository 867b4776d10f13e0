"""`pipectl validate`: are settings and templates right?"""

from pathlib import Path

import click

from cli import options
from cli import output as out
from cli.session import session


@click.command("validate")
@options.cluster_option
@options.settings_options
@options.output_option
def command(cluster: str | None, files: tuple[Path, ...], overrides: tuple[str, ...], output: str) -> None:
    """Check settings and templates; contacts nothing. Exit code 2 names every mistake with its file and line.

    \b
    Example:
      pipectl validate --cluster prod -f my-settings.yaml
    """
    run = session(cluster, files, overrides, False, reads_only=True)
    apps = sorted(run.bundle.apps)
    if output == "json":
        out.print_json({"cluster": run.cluster_name, "valid": True, "apps": apps})
    else:
        click.echo(f"Cluster {run.cluster_name}: settings and {len(apps)} apps are valid: {', '.join(apps)}.")

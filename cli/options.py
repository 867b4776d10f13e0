"""Options that several commands share, each declared once."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

cluster_option = click.option(
    "--cluster",
    metavar="NAME",
    envvar="PIPECTL_CLUSTER",
    help="The cluster: the name of its file in marathon/clusters.  [env: PIPECTL_CLUSTER; default: local, or "
    "the one deployed to last for commands that only read]",
)
files_option = click.option(
    "-f",
    "--file",
    "files",
    type=click.Path(path_type=Path, dir_okay=False),
    multiple=True,
    help="Read more settings from a YAML file; later files win.",
)
overrides_option = click.option(
    "--set",
    "overrides",
    metavar="KEY=VALUE",
    multiple=True,
    help="Set one setting, such as generator.rate=100.",
)
output_option = click.option(
    "-o", "--output", type=click.Choice(["text", "json"]), default="text", help="How to print the result."
)
verbose_option = click.option("-v", "--verbose", is_flag=True, help="Show each `dcos` command on stderr.")


def settings_options(function: F) -> F:
    """`-f FILE` and `--set a.b=c`, which may be repeated."""
    return files_option(overrides_option(function))


def common_options(function: F) -> F:
    """What every command that contacts a cluster takes."""
    return cluster_option(settings_options(output_option(verbose_option(function))))

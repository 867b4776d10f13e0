"""Options that several commands share, each declared once."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from cli.errors import UsageProblem

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
_DCOS = f"{__name__}.dcos"


def _keep_dcos(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    ctx.meta[_DCOS] = value


dcos_option = click.option(
    "--dcos",
    metavar="PATH",
    expose_value=False,
    callback=_keep_dcos,
    help="The `dcos` command to run; the same as --set dcos.executable=PATH.",
)
verbose_option = click.option("-v", "--verbose", is_flag=True, help="Show each `dcos` command on stderr.")


def settings_options(function: F) -> F:
    """`-f FILE` and `--set a.b=c`, which may be repeated."""
    return files_option(overrides_option(function))


def common_options(function: F) -> F:
    """What every command that contacts a cluster takes."""
    return cluster_option(settings_options(output_option(dcos_option(verbose_option(function)))))


def selection_options(function: F) -> F:
    """`--only C` and `--skip C`, which may be repeated."""
    only = click.option(
        "--only", metavar="COMPONENT", multiple=True, help="Only this component; may be repeated."
    )
    skip = click.option(
        "--skip", metavar="COMPONENT", multiple=True, help="Not this component; may be repeated."
    )
    return only(skip(function))


def parts_options(function: F) -> F:
    """`--with PART` and `--without PART`, which may be repeated."""
    wanted = click.option(
        "--with",
        "wanted_parts",
        metavar="PART",
        multiple=True,
        help="Switch this optional part on; the next deploys remember it. May be repeated.",
    )
    unwanted = click.option(
        "--without",
        "unwanted_parts",
        metavar="PART",
        multiple=True,
        help="Switch a part off that --with has switched on; may be repeated.",
    )
    return wanted(unwanted(function))


def refuse_before_subcommand(context: click.Context) -> None:
    """Raises UsageProblem for an option before a group's subcommand, which would not see it."""
    for name in context.params:
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            verb = context.invoked_subcommand
            raise UsageProblem(
                f"an option before `{verb}` does not count", hint=f"write it after `{verb}`: see `--help`"
            )


adopt_option = click.option(
    "--adopt",
    metavar="COMPONENT",
    multiple=True,
    help="Take over this component's app although it is not labelled as this bundle's; may be repeated.",
)
yes_option = click.option("--yes", is_flag=True, help="Do not ask.")


def dcos_override() -> tuple[str, ...]:
    """The setting that the running command's `--dcos PATH` stands for."""
    context = click.get_current_context(silent=True)
    path = context.meta.get(_DCOS) if context else None
    # JSON's quotes keep a path with spaces or colons one YAML text.
    return (f"dcos.executable={json.dumps(path)}",) if path else ()

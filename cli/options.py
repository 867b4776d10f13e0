"""Options that several commands share."""

import json
from collections.abc import Callable
from functools import wraps
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
    help="The name of a file in marathon/clusters, or local-NAME for a further cluster on this machine.  "
    "[env: PIPECTL_CLUSTER; default: local, or the cluster of the last deploy for commands that only read]",
)
area_option = click.option(
    "--area",
    metavar="NAME",
    envvar="PIPECTL_AREA",
    help="The area of the cluster, such as dev.  [env: PIPECTL_AREA; default: none]",
)
files_option = click.option(
    "-f",
    "--file",
    "files",
    type=click.Path(path_type=Path, dir_okay=False),
    multiple=True,
    help="A YAML file with further settings; may be repeated, later files win.",
)
overrides_option = click.option(
    "--set",
    "overrides",
    metavar="KEY=VALUE",
    multiple=True,
    help="One setting, such as generator.rate=100; may be repeated.",
)
output_option = click.option(
    "-o", "--output", type=click.Choice(["text", "json"]), default="text", help="The output format."
)
_DCOS = f"{__name__}.dcos"


def _keep_dcos(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    ctx.meta[_DCOS] = value


dcos_option = click.option(
    "--dcos",
    metavar="PATH",
    expose_value=False,
    callback=_keep_dcos,
    help="The `dcos` command; short for --set dcos.executable=PATH.",
)
verbose_option = click.option("-v", "--verbose", is_flag=True, help="Show each `dcos` command on stderr.")


def settings_options(function: F) -> F:
    """`-f FILE` and `--set a.b=c`."""
    return files_option(overrides_option(function))


def common_options(function: F, output: Callable[[F], F] = output_option) -> F:
    """The options of every command that contacts a cluster. output: its option for the output format."""
    return cluster_option(area_option(settings_options(output(dcos_option(verbose_option(function))))))


def _split(context: click.Context, option: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(part for value in values for part in value.split(","))


_CHOICES = {
    "only": click.option(
        "--only", metavar="COMPONENT", multiple=True, help="Include only this component; may be repeated."
    ),
    "skip": click.option(
        "--skip", metavar="COMPONENT", multiple=True, help="Exclude this component; may be repeated."
    ),
    "adopt": click.option(
        "--adopt",
        metavar="COMPONENT",
        multiple=True,
        help="Take over this component's app even if it belongs to another bundle; may be repeated.",
    ),
    "wanted_parts": click.option(
        "--with",
        "wanted_parts",
        metavar="PART,…",
        multiple=True,
        callback=_split,
        help="Enable these optional parts; later deploys remember them. May be repeated.",
    ),
    "unwanted_parts": click.option(
        "--without",
        "unwanted_parts",
        metavar="PART,…",
        multiple=True,
        callback=_split,
        help="Disable parts that --with enabled; may be repeated.",
    ),
}


def choice_options(function: Callable[..., None]) -> Callable[..., None]:
    """Add the options that choose components and parts, passed as the mapping `choices`, for `plan_of`."""

    @wraps(function)
    def command(*arguments: Any, **options: Any) -> None:
        choices = {name: options.pop(name) for name in _CHOICES}
        function(*arguments, choices=choices, **options)

    for option in reversed(_CHOICES.values()):
        command = option(command)
    return command


def refuse_before_subcommand(context: click.Context) -> None:
    """Raises UsageProblem for an option before a group's subcommand, which would not see it."""
    for name in context.params:
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            verb = context.invoked_subcommand
            raise UsageProblem(
                f"an option before `{verb}` does not count", hint=f"write it after `{verb}`: see `--help`"
            )


yes_option = click.option("--yes", is_flag=True, help="Do not ask for confirmation.")


def area_arguments(area: str | None) -> tuple[str, ...]:
    """The option `--area`, for another command of `pipectl`."""
    return ("--area", area) if area else ()


def dcos_arguments() -> tuple[str, ...]:
    """The current command's own `--dcos PATH`, for another command of `pipectl`."""
    path = _dcos_path()
    return ("--dcos", path) if path else ()


def dcos_override() -> tuple[str, ...]:
    """The setting for the current command's `--dcos PATH`."""
    path = _dcos_path()
    # In JSON's quotes, a path with spaces or colons is one YAML text.
    return (f"dcos.executable={json.dumps(path)}",) if path else ()


def _dcos_path() -> str | None:
    context = click.get_current_context(silent=True)
    return context.meta.get(_DCOS) if context else None

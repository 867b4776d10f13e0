"""The common options of commands, passed to them as one session."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from cli import options
from cli.session import session

Command = Callable[..., None]


def session_options(
    *, reads_only: bool, output: Callable[[Any], Any] = options.output_option
) -> Callable[[Command], Command]:
    """Add the options of commands that contact a cluster.

    The command is called with the session as `run` and with `output`; a group is not called if a subcommand
    follows. reads_only: without --cluster, use the cluster of the last deploy. output: the option for the
    output format.
    """

    def decorate(function: Command) -> Command:
        @wraps(function)
        def command(
            cluster: str | None,
            area: str | None,
            files: tuple[Path, ...],
            overrides: tuple[str, ...],
            verbose: bool,
            **arguments: Any,
        ) -> None:
            context = click.get_current_context()
            if context.invoked_subcommand is not None:
                options.refuse_before_subcommand(context)
                return
            run = session(cluster, files, overrides, verbose, reads_only=reads_only, area=area)
            with run.complete_hints():
                function(run, **arguments)

        return options.common_options(command, output)

    return decorate


def offline_options(function: Command) -> Command:
    """Add the options of commands that contact nothing. They are called like those of `session_options`."""

    @wraps(function)
    def command(
        cluster: str | None,
        area: str | None,
        files: tuple[Path, ...],
        overrides: tuple[str, ...],
        **arguments: Any,
    ) -> None:
        run = session(cluster, files, overrides, False, reads_only=True, area=area)
        with run.complete_hints():
            function(run, **arguments)

    with_settings = options.settings_options(options.output_option(command))
    return options.cluster_option(options.area_option(with_settings))

"""Every command that works with a bundle takes an area."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from cli.__main__ import pipectl
from tests.cli.invoking import invoke


def commands_below(command: click.Command, *words: str) -> Iterator[tuple[str, click.Command]]:
    """A command and all of its subcommands, by the words that one types."""
    yield " ".join(words), command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            if (below := command.get_command(context, name)) is not None:
                yield from commands_below(below, *words, name)


def options_of(command: click.Command) -> set[str]:
    return {option for parameter in command.params for option in parameter.opts}


COMMANDS = dict(commands_below(pipectl))
WITH_CLUSTER = [name for name, command in COMMANDS.items() if "--cluster" in options_of(command)]
OF_ALL_AREAS = {"cluster env"}
"""What is the same for every area of a cluster."""
# A command first checks what it can check without the cluster's settings.
ARGUMENTS = {
    "limits clear": ("AAPL",),
    "limits set": ("AAPL", "--sell", "1"),
    "query": ("SELECT 1", "--on", "mysql"),
    "destroy": ("--yes",),
    "cluster link": ("prod", "--cluster", "dev"),
}


def arguments_of(name: str) -> tuple[str, ...]:
    """Those that a command needs."""
    needed = (each for each in COMMANDS[name].params if isinstance(each, click.Argument) and each.required)
    return ARGUMENTS.get(name) or tuple(
        str(each.type.choices[0]) if isinstance(each.type, click.Choice) else "some" for each in needed
    )


@pytest.mark.parametrize("name", sorted({*WITH_CLUSTER} - OF_ALL_AREAS))
def test_a_command_with_a_cluster_takes_an_area_of_it(name: str, tmp_path: Path) -> None:
    shown = CliRunner().invoke(pipectl, [*name.split(), "--help"]).output
    assert "--area NAME" in shown and "PIPECTL_AREA" in shown
    refused = invoke(tmp_path, *name.split(), *arguments_of(name), "--area", "prd", code=2).exception
    assert str(refused) == '--area prd: unknown area; did you mean "prod"?'


def test_commands_with_several_clusters_or_all_areas_are_known() -> None:
    assert len(WITH_CLUSTER) > 30 and {*WITH_CLUSTER} > OF_ALL_AREAS
    of_areas = {
        name: {option for option in options_of(command) if "area" in option}
        for name, command in COMMANDS.items()
        if name not in WITH_CLUSTER
    }
    assert {name: options for name, options in of_areas.items() if options} == {
        "clusters": {"--area"},
        "promote": {"--from-area", "--to-area"},
    }

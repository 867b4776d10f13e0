"""`pipectl scale`: another number of instances of an app."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from cli import graph, options
from cli import output as out
from cli.cluster import Json
from cli.diff import definition_of
from cli.errors import Interrupted, PipectlError, UsageProblem
from cli.progress import Progress
from cli.selection import component
from cli.session import Session, session
from cli.steps.app import AppStep

# The setting that says how many instances an app has; the others have one, and only one.
SETTINGS = {"flink-taskmanager": "flink.taskmanager.instances", "data-generator": "generator.instances"}
HINT_AFTER_STOP = "the new number stays; `pipectl status` shows how far it has come"


@dataclass(frozen=True)
class _Scaling:
    """One app to scale: the properties to change, and the app as it is."""

    name: str
    properties: dict[str, Any]
    current: Json

    @property
    def instances(self) -> int:
        return int(self.properties["instances"])


@click.command("scale")
@options.common_options
@click.argument("amounts", metavar="APP=N...", nargs=-1, required=True)
def command(
    cluster: str | None,
    files: tuple[Path, ...],
    overrides: tuple[str, ...],
    output: str,
    verbose: bool,
    amounts: tuple[str, ...],
) -> None:
    """Give flink-taskmanager or data-generator another number of instances; wait until they are healthy.

    Settings stay as they are: `pipectl plan` shows the other number as a difference, and the next deploy goes
    back to theirs. `flink.taskmanager.instances: 4` in a settings file is the lasting way.

    \b
    Example:
      pipectl scale taskmanager=2
    """
    run = session(cluster, files, overrides, verbose, reads_only=False)
    scalings = _checked(run, _amounts(run, amounts))
    with Progress() as progress:
        _carry_out(run, scalings, progress)
    if output == "json":
        scaled = {s.name: {"from": s.current["instances"], "to": s.instances} for s in scalings.values()}
        out.print_json({"cluster": run.cluster_name, "scaled": scaled})
        return
    for scaling in scalings.values():
        click.echo(
            f"{scaling.name}: {scaling.current['instances']} -> {scaling.instances} instances, healthy"
        )


def _amounts(run: Session, written: tuple[str, ...]) -> dict[str, int]:
    found: dict[str, int] = {}
    for word in written:
        wanted, _, number = word.partition("=")
        name = component(wanted, run.bundle.apps)
        if name in found:
            raise UsageProblem(f"{name} is there twice")
        if not number.isdecimal():
            raise UsageProblem(f"{word}: expected APP=NUMBER", hint="such as taskmanager=2")
        if name not in SETTINGS:
            raise UsageProblem(
                f"{name} has one instance, and only one", hint=f"what can be scaled: {', '.join(SETTINGS)}"
            )
        found[name] = int(number)
    return found


def _checked(run: Session, amounts: dict[str, int]) -> dict[str, _Scaling]:
    """What to send for each app; the numbers are checked as the settings that they stand for."""
    more = tuple(f"{SETTINGS[name]}={number}" for name, number in amounts.items())
    scaled = Session(run.cluster_name, run.files, (*run.overrides, *more), run.verbose).bundle.apps
    there = run.cluster.apps()
    found = {}
    for name, number in amounts.items():
        app = run.bundle.apps[name]
        current = there.get(app.id)
        if current is None:
            raise PipectlError(
                f"app {app.id} is not deployed", hint=f"`pipectl deploy{run.option}` deploys it"
            )
        if not AppStep(name, app.definition, run.cluster, needs=frozenset()).is_ours(current):
            raise PipectlError(f"app {app.id} is not this bundle's: it is left as it is")
        before, after = app.definition["env"], scaled[name].definition["env"]
        # An app may be told how many of it there are.
        told = {key: value for key, value in after.items() if before.get(key) != value}
        properties = {"instances": number} | ({"env": {**current["env"], **told}} if told else {})
        found[name] = _Scaling(name, properties, current)
    return found


def _carry_out(run: Session, scalings: dict[str, _Scaling], progress: Progress) -> None:
    def work(name: str) -> None:
        scaling, app = scalings[name], run.bundle.apps[name]
        step = AppStep(name, app.definition, run.cluster, needs=frozenset(), timeout=run.settings.waits.app)
        with progress.step(name, f"scaling to {scaling.instances}") as running:
            if any(scaling.current.get(key) != value for key, value in scaling.properties.items()):
                run.cluster.update_app(
                    app.id,
                    scaling.properties,
                    result={**definition_of(scaling.current), **scaling.properties},
                    force=bool(scaling.current.get("deployments")),
                )
            step.wait(running.report, run.stop)

    try:
        graph.run({name: frozenset() for name in scalings}, work, run.stop)
    except KeyboardInterrupt:
        raise Interrupted("interrupted", hint=HINT_AFTER_STOP) from None

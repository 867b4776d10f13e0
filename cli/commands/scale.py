"""`pipectl scale`: another number of instances of an app."""

from dataclasses import dataclass, replace
from pathlib import Path

import click

from cli import graph, options
from cli import output as out
from cli.engine.protocol import AppStatus, Manifest
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
    """One app to scale: the new number, what changes in its environment, and the app as it is."""

    name: str
    instances: int
    env: dict[str, str]
    current: AppStatus

    @property
    def changes(self) -> bool:
        now = self.current
        return now.instances != self.instances or {**now.env, **self.env} != now.env


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
        scaled = {s.name: {"from": s.current.instances, "to": s.instances} for s in scalings.values()}
        out.print_json({"cluster": run.cluster_name, "scaled": scaled})
        return
    for scaling in scalings.values():
        click.echo(f"{scaling.name}: {scaling.current.instances} -> {scaling.instances} instances, healthy")


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
    scaled = replace(run, overrides=(*run.overrides, *more)).bundle.apps
    there = run.engine.apps()
    found = {}
    for name, number in amounts.items():
        app = run.bundle.apps[name]
        current = there.get(app.id)
        if current is None:
            raise PipectlError(
                f"app {app.id} is not deployed", hint=f"`pipectl deploy{run.option}` deploys it"
            )
        if current.owner != Manifest.of(app).owner:
            raise PipectlError(f"app {app.id} is not this bundle's: it is left as it is")
        before, after = app.env, scaled[name].env
        # An app may be told how many of it there are.
        told = {key: value for key, value in after.items() if before.get(key) != value}
        found[name] = _Scaling(name, number, told, current)
    return found


def _carry_out(run: Session, scalings: dict[str, _Scaling], progress: Progress) -> None:
    def work(name: str) -> None:
        scaling, app = scalings[name], run.bundle.apps[name]
        step = AppStep(
            name, Manifest.of(app), run.engine, depends_on=frozenset(), timeout=run.settings.timeouts.app
        )
        with progress.step(name, f"scaling to {scaling.instances}") as running:
            if scaling.changes:
                run.engine.scale(scaling.current, scaling.instances, scaling.env)
            step.wait(running.report, run.stop)

    try:
        graph.run({name: frozenset() for name in scalings}, work, run.stop)
    except KeyboardInterrupt:
        raise Interrupted("interrupted", hint=HINT_AFTER_STOP) from None

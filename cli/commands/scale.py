"""`pipectl scale`: the number of instances of an app."""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import click

from cli import graph
from cli import output as out
from cli.engine.protocol import AppStatus, Manifest
from cli.errors import Interrupted, PipectlError, UsageProblem
from cli.parts import as_deployed
from cli.progress import Progress
from cli.selection import component
from cli.session import Session
from cli.session_options import session_options
from cli.steps.app import AppStep
from marathon.model import App

_NUMBER = re.compile(r"[0-9]{1,9}")
HINT_AFTER_STOP = "the new number stays; `pipectl status` shows the progress"


@dataclass(frozen=True)
class _Scaling:
    """One app to scale: the new number, environment and labels, and the current app."""

    name: str
    instances: int
    env: Mapping[str, Any] = field(repr=False)
    labels: Mapping[str, str]
    current: AppStatus

    @property
    def changes(self) -> bool:
        now = self.current
        return (now.instances, now.env, now.labels) != (self.instances, self.env, self.labels)


@click.command("scale")
@session_options(reads_only=False)
@click.argument("amounts", metavar="APP=N...", nargs=-1, required=True)
def command(run: Session, output: str, amounts: tuple[str, ...]) -> None:
    """Change the number of instances of an app, and wait until they are healthy.

    flink-taskmanager, data-generator and spark-worker may have several; the other apps have exactly one.

    The settings do not change: `pipectl plan` shows the new number as a difference, and the next deploy
    restores the number in the settings. For a permanent change, put `flink.taskmanager.instances: 4` in a
    settings file.

    \b
    Example:
      pipectl scale taskmanager=2
    """
    run = _with_apps_that_run(run, amounts)
    scalings = _checked(run, _amounts(run, amounts))
    with Progress() as progress:
        _carry_out(run, scalings, progress)
    if output == "json":
        scaled = {s.name: {"from": s.current.instances, "to": s.instances} for s in scalings.values()}
        out.print_json({"cluster": run.cluster_name, "scaled": scaled})
        return
    for scaling in scalings.values():
        click.echo(f"{scaling.name}: {scaling.current.instances} -> {scaling.instances} instances, healthy")


def _with_apps_that_run(run: Session, written: tuple[str, ...]) -> Session:
    """The session as deployed if an app is named that the settings do not enable, but that may run."""
    from marathon.components import read_components

    others = set(read_components().names()) - run.bundle.components.keys()
    for word in written:
        with suppress(UsageProblem):
            component(word.partition("=")[0], others)
            return as_deployed(run, run.engine)
    return run


def _amounts(run: Session, written: tuple[str, ...]) -> dict[str, int]:
    found: dict[str, int] = {}
    for word in written:
        wanted, _, number = word.partition("=")
        name = component(wanted, run.bundle.apps)
        if name in found:
            raise UsageProblem(f"{name} is given twice")
        if _NUMBER.fullmatch(number) is None:
            raise UsageProblem(f"{word}: expected APP=NUMBER", hint="such as taskmanager=2")
        if name not in (several := _settings(run)):
            raise UsageProblem(f"{name} has exactly one instance", hint=f"you can scale {', '.join(several)}")
        found[name] = int(number)
    return found


def _settings(run: Session) -> dict[str, str]:
    """The setting with the number of instances of each app of the bundle that may have several."""
    components = run.bundle.components.values()
    return {each.name: each.instances for each in components if each.instances is not None}


def _checked(run: Session, amounts: dict[str, int]) -> dict[str, _Scaling]:
    """The scaling of each app. The numbers are validated as settings."""
    scaled = _apps(run, amounts)
    other = _apps(run, {name: 1 if number > 1 else 2 for name, number in amounts.items()})
    existing = run.engine.apps()
    found = {}
    for name, number in amounts.items():
        app = run.bundle.apps[name]
        current = existing.get(app.id)
        if current is None:
            raise PipectlError(f"app {app.id} is not deployed", hint="`pipectl deploy` deploys it")
        if current.owner != Manifest.of(app).owner:
            raise PipectlError(f"app {app.id} belongs to another bundle; it was not changed")
        env, labels = (
            _adjusted(now, wanted, unwanted)
            for now, wanted, unwanted in (
                (current.env, scaled[name].env, other[name].env),
                (current.labels, scaled[name].labels, other[name].labels),
            )
        )
        found[name] = _Scaling(name, number, env, labels, current)
    return found


def _apps(run: Session, amounts: Mapping[str, int]) -> Mapping[str, App]:
    settings = _settings(run)
    more = tuple(f"{settings[name]}={number}" for name, number in amounts.items())
    return replace(run, overrides=(*run.overrides, *more)).bundle.apps


def _adjusted(now: Mapping[str, Any], wanted: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """`now` with the keys of `wanted` that differ between one instance and several.

    Other differences between the cluster and the settings are left for the next deploy.
    """
    decided = {key for key in {*wanted, *other} if wanted.get(key) != other.get(key)}
    kept = {key: value for key, value in now.items() if key not in decided}
    return {**kept, **{key: value for key, value in wanted.items() if key in decided}}


def _carry_out(run: Session, scalings: dict[str, _Scaling], progress: Progress) -> None:
    def work(name: str) -> None:
        scaling, app = scalings[name], run.bundle.apps[name]
        step = AppStep(
            name, Manifest.of(app), run.engine, depends_on=frozenset(), timeout=run.settings.timeouts.app
        )
        with progress.step(name, f"scaling to {scaling.instances}") as running:
            if scaling.changes:
                run.engine.scale(scaling.current, scaling.instances, scaling.env, scaling.labels)
            step.wait(running.report, run.stop)

    try:
        graph.run({name: frozenset() for name in scalings}, work, run.stop)
    except KeyboardInterrupt:
        raise Interrupted("interrupted", hint=HINT_AFTER_STOP) from None

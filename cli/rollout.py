"""Carries out a plan: applies each step in order and waits for it; optionally rolls back on failure."""

import sys
from collections.abc import Mapping
from threading import Event

import click

from cli import graph
from cli.errors import Interrupted, PipectlError, Superseded, UsageProblem
from cli.planning import Plan
from cli.progress import Progress

HINT_AFTER_STOP = "running components and jobs stay; run `pipectl deploy` again to continue"
_DOING = {"create": "creating", "update": "updating", "remove": "removing", "unchanged": "unchanged"}


def confirm(plan: Plan, cluster: str, *, yes: bool, always: bool = False) -> None:
    """Show a plan that changes or removes something, and ask.

    A plan that only creates needs no question. always: it needs one too.
    """
    plan.refuse_blocked()
    names = plan.changed if always else plan.modified
    if not names:
        return
    plan.show(err=True, creations=False)
    if yes:
        return
    modified = ", ".join(f"{plan.changes[name].action} {name}" for name in names)
    if not sys.stdin.isatty():
        raise UsageProblem(
            f"deploy would {modified}, but there is no terminal to ask on",
            hint="add --yes, or review the changes with `pipectl plan`",
        )
    click.confirm(f"Cluster {cluster}: {modified}?", abort=True, err=True)


def carry_out(plan: Plan, progress: Progress, stop: Event, *, atomic: bool) -> bool:
    """Apply each step of the plan and wait until it is ready. The first failure ends it.

    Returns whether there was nothing to do: no change, and every component was ready at the first look.

    stop: stops all waits and running commands. atomic: after a failure, restore the previous definitions
    before raising its error.
    """
    applied: list[str] = []
    late: list[str] = []

    def work(name: str) -> None:
        step, change = plan.steps[name], plan.changes[name]
        with progress.step(name, _DOING[change.action]) as running:
            if change.action != "unchanged":
                applied.append(name)
                step.apply(change)
            if not step.wait(running.report, stop):
                late.append(name)
            if change.action == "unchanged":
                running.end("unchanged")

    depends_on: Mapping[str, frozenset[str]] = {name: step.depends_on for name, step in plan.steps.items()}
    try:
        graph.run(depends_on, work, stop)
    except KeyboardInterrupt:
        raise Interrupted("interrupted", hint=HINT_AFTER_STOP) from None
    except Interrupted:
        raise
    except Superseded as error:
        if atomic:
            error.also = "--atomic: nothing was restored, because that would undo the other deploy"
        raise
    except PipectlError as error:
        if not atomic:
            raise
        stop.clear()
        _roll_back(plan, applied, progress, stop, error)
        raise
    return not applied and not late


def _roll_back(plan: Plan, applied: list[str], progress: Progress, stop: Event, error: PipectlError) -> None:
    """Restore the applied steps in reverse order, and add the outcome to the error."""
    said: list[str] = []
    for name in reversed(applied):
        try:
            with progress.step(name, "restoring") as running:
                restored = plan.steps[name].restore(running.report, stop)
                running.end("done" if restored else "unchanged", restored or "kept")
        except PipectlError as second:
            said.append(f"{name} could NOT be restored: {second.message}")
        else:
            said.append(restored or f"{name} kept")
    if said:
        error.also = f"--atomic: {'; '.join(said)}"

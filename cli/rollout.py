"""Carrying a plan out: each step applied and waited for in order, and put back on failure if asked."""

import sys
from collections.abc import Mapping
from threading import Event

import click

from cli import graph
from cli.errors import Interrupted, PipectlError, Superseded, UsageProblem
from cli.planning import Plan
from cli.progress import Progress

HINT_AFTER_STOP = "what runs stays; `pipectl deploy` again goes on from there"
_DOING = {"create": "creating", "update": "updating", "remove": "removing", "unchanged": "unchanged"}


def confirm(plan: Plan, cluster: str, *, yes: bool) -> None:
    """Show a plan that changes or removes something, and ask; a plan that only creates just runs."""
    plan.refuse_blocked()
    if not plan.modified:
        return
    plan.show(err=True, creations=False)
    if yes:
        return
    modified = ", ".join(f"{plan.changes[name].action} {name}" for name in plan.modified)
    if not sys.stdin.isatty():
        raise UsageProblem(
            f"deploy would {modified}, and there is no terminal to ask on",
            hint="add --yes, or look first with `pipectl plan`",
        )
    click.confirm(f"Cluster {cluster}: {modified}?", abort=True, err=True)


def carry_out(plan: Plan, progress: Progress, stop: Event, *, atomic: bool) -> None:
    """Apply each step of the plan and wait until it is ready; the first failure ends it.

    stop: ends what is under way, the commands of the plan's cluster included. atomic: after a failure the
    previous definitions are put back before its error is raised.
    """
    applied: list[str] = []

    def work(name: str) -> None:
        step, change = plan.steps[name], plan.changes[name]
        with progress.step(name, _DOING[change.action]) as running:
            if change.action != "unchanged":
                applied.append(name)
                step.apply(change)
            step.wait(running.report, stop)
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
            error.also = "--atomic: nothing was put back, as that would undo their deploy"
        raise
    except PipectlError as error:
        if not atomic:
            raise
        stop.clear()
        _put_back(plan, applied, progress, stop, error)
        raise


def _put_back(plan: Plan, applied: list[str], progress: Progress, stop: Event, error: PipectlError) -> None:
    """Restore the applied steps, the last first; what was put back, and what was not, goes into the error."""
    said: list[str] = []
    for name in reversed(applied):
        try:
            with progress.step(name, "putting it back") as running:
                restored = plan.steps[name].restore(running.report, stop)
                running.end("done" if restored else "unchanged", restored or "kept")
        except PipectlError as second:
            said.append(f"{name} could NOT be put back: {second.message}")
        else:
            said.append(restored or f"{name} kept")
    if said:
        error.also = f"--atomic: {'; '.join(said)}"

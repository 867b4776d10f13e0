"""Plans a deploy: compares every chosen component with the cluster, in order."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click

from cli.engine.protocol import Engine
from cli.errors import PipectlError, UsageProblem
from cli.page_clusters import with_linked
from cli.parts import (
    check_parts,
    check_parts_chosen,
    check_requirements,
    check_spark_room,
    with_remembered,
)
from cli.selection import component, missing_dependencies, selected
from cli.session import Session
from cli.steps.base import Change, Step
from marathon import component_names

_SIGNS = {
    "create": ("+", "green"),
    "update": ("~", "yellow"),
    "remove": ("-", "red"),
    "unchanged": ("=", None),
}
_COLOURS = {"+": "green", "-": "red", "@": "cyan"}


@dataclass(frozen=True)
class Plan:
    """The chosen steps and their changes, in order.

    run: the session with the parts that the cluster remembers. missing: dependencies that are neither chosen
    nor deployed. partial: whether a component was not chosen.
    """

    run: Session
    steps: Mapping[str, Step]
    changes: Mapping[str, Change]
    missing: Sequence[str]
    partial: bool

    @property
    def changed(self) -> list[str]:
        """The components with changes."""
        return [name for name, change in self.changes.items() if change.action != "unchanged"]

    @property
    def modified(self) -> list[str]:
        """The components that exist and would be changed or removed."""
        return [name for name, change in self.changes.items() if change.modifies]

    def creates(self, name: str) -> bool:
        """Whether the plan creates the component."""
        return name in self.changes and self.changes[name].action == "create"

    def refuse_blocked(self) -> None:
        """Raise PipectlError for a change that is not allowed, UsageProblem for a missing dependency."""
        blocked = {name: change.blocked for name, change in self.changes.items() if change.blocked}
        if blocked:
            adopt = " ".join(f"--adopt {name}" for name in blocked)
            raise PipectlError(
                "; ".join(map(str, blocked.values())),
                hint=f"use another `group`, or take the app over with `{adopt}`",
            )
        if self.missing:
            raise UsageProblem(
                f"the choice needs {_joined(self.missing)}, which {_are(self.missing)} not deployed",
                hint=f"also choose {_joined(self.missing)}, or remove --only and --skip",
            )

    def document(self) -> dict[str, Any]:
        """The plan as a JSON document."""
        return {
            "changes": [
                {
                    "name": name,
                    "kind": self.steps[name].kind,
                    "action": change.action,
                    "summary": change.summary,
                    "diff": change.diff,
                    "notes": [*change.notes, *([change.blocked] if change.blocked else [])],
                }
                for name, change in self.changes.items()
            ],
            "needed_besides": list(self.missing),
        }

    def show(self, *, err: bool, creations: bool) -> None:
        """Print one line per component, then its diff. creations: also the diff of new components."""
        width = max(len(name) for name in self.changes)
        for name, change in self.changes.items():
            sign, colour = _SIGNS[change.action]
            summary = f"  {change.summary}" if change.summary and not creations else ""
            click.secho(f"{sign} {name:<{width}}  {change.action}{summary}", fg=colour, err=err)
            for note in (*change.notes, *([change.blocked] if change.blocked else [])):
                click.secho(f"    note: {note}", err=err)
            if change.action != "create" or creations:
                for line in change.diff:
                    click.secho(f"    {line}", fg=_COLOURS.get(line[:1]), err=err)
        for name in self.missing:
            click.secho(f"! {name:<{width}}  needed, but neither chosen nor deployed", fg="yellow", err=err)


def plan_of(
    run: Session,
    engine: Engine,
    *,
    only: Sequence[str] = (),
    skip: Sequence[str] = (),
    adopt: Collection[str] = (),
    wanted_parts: Collection[str] = (),
    unwanted_parts: Collection[str] = (),
    report: Callable[[str], None] = lambda detail: None,
) -> Plan:
    """Compare the chosen components with the cluster; changes nothing."""
    from cli.steps.bundle import dependencies_of, orphan_steps, steps_of, surplus_steps

    # Check all names that are known before contacting the cluster.
    known = [*dict.fromkeys([*run.bundle.components, *component_names()])]
    for name in (*adopt, *only):
        component(name, known)
    check_parts(run, wanted_parts, unwanted_parts)
    report("reaching the cluster")
    engine.check()
    run = with_remembered(run, engine, wanted=wanted_parts, unwanted=unwanted_parts)
    check_requirements(run, run.with_parts)
    check_spark_room(run)
    run = with_linked(run, engine)
    dependencies = dependencies_of(run)
    adopted = {component(name, dependencies) for name in adopt}
    steps = steps_of(run, engine=engine, adopt=adopted)
    orphans: dict[str, Step] = {**orphan_steps(run, engine), **surplus_steps(run, steps)}
    planned = [*dependencies, *orphans]
    # A disabled component may be skipped too.
    skipped = [component(name, dict.fromkeys([*known, *planned])) for name in skip]
    chosen = selected(planned, only, [name for name in skipped if name in planned])
    if only:
        chosen = [name for name in chosen if name in dependencies]
    check_parts_chosen(run, wanted_parts, chosen)
    everything: dict[str, Step] = {**steps, **orphans}
    changes: dict[str, Change] = {}
    for name in chosen:
        report(f"comparing {name}")
        changes[name] = everything[name].plan()
    others = missing_dependencies([name for name in chosen if name in dependencies], dependencies)
    missing = [name for name in others if steps[name].plan().action == "create"]
    partial = len([name for name in chosen if name in dependencies]) < len(dependencies)
    return Plan(run, {name: everything[name] for name in chosen}, changes, missing, partial)


def _joined(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _are(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"

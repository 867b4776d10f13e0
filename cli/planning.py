"""What a deploy would do: every chosen component compared with the cluster, in order."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click

from cli.engine.protocol import Engine
from cli.errors import PipectlError, UsageProblem
from cli.parts import check_parts, with_remembered
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
    """The chosen steps and what each would do, in order.

    run: the session, with the parts that the cluster remembers. missing: what the steps need, is not chosen
    and not there. partial: whether something was not chosen.
    """

    run: Session
    steps: Mapping[str, Step]
    changes: Mapping[str, Change]
    missing: Sequence[str]
    partial: bool

    @property
    def changed(self) -> list[str]:
        """The components that would change."""
        return [name for name, change in self.changes.items() if change.action != "unchanged"]

    @property
    def modified(self) -> list[str]:
        """The components of which something that exists would be changed or removed."""
        return [name for name, change in self.changes.items() if change.modifies]

    def creates(self, name: str) -> bool:
        """Whether the component is chosen and not there yet."""
        return name in self.changes and self.changes[name].action == "create"

    def refuse_blocked(self) -> None:
        """Raise PipectlError for a change that must not be, UsageProblem if something needed is not there."""
        blocked = {name: change.blocked for name, change in self.changes.items() if change.blocked}
        if blocked:
            adopt = " ".join(f"--adopt {name}" for name in blocked)
            raise PipectlError(
                "; ".join(map(str, blocked.values())),
                hint=f"deploy under another `group`, or take it over with `{adopt}`",
            )
        if self.missing:
            raise UsageProblem(
                f"what was chosen needs {_joined(self.missing)}, which {_are(self.missing)} not there",
                hint=f"choose {_joined(self.missing)} too, or leave --only and --skip out",
            )

    def document(self) -> dict[str, Any]:
        """For programs."""
        return {
            "changes": [
                {
                    "name": name,
                    "kind": self.steps[name].kind,
                    "action": change.action,
                    "diff": change.diff,
                    "notes": [*change.notes, *([change.blocked] if change.blocked else [])],
                }
                for name, change in self.changes.items()
            ],
            "needed_besides": list(self.missing),
        }

    def show(self, *, err: bool, creations: bool) -> None:
        """Print a line a component and, below it, its diff; `creations`: that of new components too."""
        width = max(len(name) for name in self.changes)
        for name, change in self.changes.items():
            sign, colour = _SIGNS[change.action]
            click.secho(f"{sign} {name:<{width}}  {change.action}", fg=colour, err=err)
            for note in (*change.notes, *([change.blocked] if change.blocked else [])):
                click.secho(f"    note: {note}", err=err)
            if change.action != "create" or creations:
                for line in change.diff:
                    click.secho(f"    {line}", fg=_COLOURS.get(line[:1]), err=err)
        for name in self.missing:
            click.secho(f"! {name:<{width}}  is needed, not chosen, and not there", fg="yellow", err=err)


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
    """Compare the chosen components of the bundle with the cluster; changes nothing."""
    from cli.steps.bundle import dependencies_of, orphan_steps, steps_of

    # Names are checked before anything is contacted, as far as they can be known by then.
    known = [*dict.fromkeys([*run.bundle.components, *component_names()])]
    for name in (*adopt, *only):
        component(name, known)
    check_parts(run, wanted_parts, unwanted_parts)
    report("reaching the cluster")
    engine.check()
    run = with_remembered(run, engine, wanted=wanted_parts, unwanted=unwanted_parts)
    dependencies = dependencies_of(run)
    adopted = {component(name, dependencies) for name in adopt}
    steps = steps_of(run, engine=engine, adopt=adopted)
    orphans = orphan_steps(run, engine)
    there = [*dependencies, *orphans]
    # One that is switched off is skipped already.
    skipped = [component(name, dict.fromkeys([*known, *there])) for name in skip]
    chosen = selected(there, only, [name for name in skipped if name in there])
    if only:
        chosen = [name for name in chosen if name in dependencies]
    everything: dict[str, Step] = {**steps, **orphans}
    changes: dict[str, Change] = {}
    for name in chosen:
        report(f"comparing {name}")
        changes[name] = everything[name].plan()
    besides = missing_dependencies([name for name in chosen if name in dependencies], dependencies)
    missing = [name for name in besides if steps[name].plan().action == "create"]
    partial = len([name for name in chosen if name in dependencies]) < len(dependencies)
    return Plan(run, {name: everything[name] for name in chosen}, changes, missing, partial)


def _joined(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _are(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"

"""Optional parts that a deploy switched on by hand. Labels of their apps, on the cluster, remember them."""

from collections.abc import Collection
from dataclasses import replace

from cli.engine.protocol import Engine
from cli.errors import UsageProblem
from cli.session import Session
from marathon import parts
from marathon.model import PART


def check_parts(run: Session, wanted: Collection[str], unwanted: Collection[str]) -> None:
    """Raises UsageProblem for parts that there are not, or that can't be switched so."""
    known = parts(run.settings)
    for name in (*wanted, *unwanted):
        if name not in known:
            raise UsageProblem(f"no part {name}", hint=f"the parts are: {', '.join(known)}")
    for name in unwanted:
        if name in run.settings.parts:
            raise UsageProblem(
                f"--without only undoes --with; {name} is on by the setting `parts`",
                hint=f"take {name} out of `parts`, as in --set 'parts=[]'",
            )
        if name in wanted:
            raise UsageProblem(f"{name} is both --with and --without")


def with_remembered(
    run: Session, engine: Engine, *, wanted: Collection[str] = (), unwanted: Collection[str] = ()
) -> Session:
    """The session with the parts that earlier deploys switched on, and less or more of them."""
    group, known = run.settings.group, parts(run.settings)
    found = {app.labels.get(PART) for app in engine.apps().values() if app.owner == group}
    chosen = (known.keys() & found | set(wanted)) - set(unwanted) - set(run.settings.parts)
    return run if chosen == run.with_parts else replace(run, with_parts=frozenset(chosen))


def as_deployed(run: Session, engine: Engine) -> Session:
    """The session with the parts that run, whatever the settings say; as it is when nothing of it runs."""
    group = run.settings.group
    ours = {app.id for app in engine.apps().values() if app.owner == group}
    if not ours:
        return run
    running = [
        name
        for name, part in parts(run.settings).items()
        if any(f"{group}/{component}" in ours for component in part.components)
    ]
    if set(running) == {*run.settings.parts, *run.with_parts}:
        return run
    return replace(run, overrides=(*run.overrides, f"parts=[{', '.join(running)}]"), with_parts=frozenset())

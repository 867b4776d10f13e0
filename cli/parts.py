"""Optional parts that a deploy enabled with `--with`. Labels of their apps on the cluster remember them."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from cli.engine.protocol import Engine
from cli.errors import UsageProblem
from cli.session import Session
from marathon import parts
from marathon.model import KAFKA, PART

if TYPE_CHECKING:
    from marathon.requirements import Missing


def check_parts(run: Session, wanted: Collection[str], unwanted: Collection[str]) -> None:
    """Raise UsageProblem for unknown parts, and for parts that cannot be switched this way."""
    known = parts(run.settings)
    for name in (*wanted, *unwanted):
        if name not in known:
            raise UsageProblem(f"no part {name}", hint=f"the parts are: {', '.join(known)}")
    check_requirements(run, (*wanted, *run.settings.parts))
    for name in unwanted:
        if name in run.settings.parts:
            raise UsageProblem(
                f"--without only undoes --with; the setting `parts` enables {name}",
                hint=f"remove {name} from `parts`, as in --set 'parts=[]'",
            )
        if name in wanted:
            raise UsageProblem(f"{name} is given with both --with and --without")


def check_requirements(run: Session, names: Collection[str]) -> None:
    """Raise UsageProblem for a part that lacks a setting or a package."""
    from marathon.requirements import missing

    for name in names:
        _refuse(missing(name, run.settings, local=run.is_local))


def check_spark_image(run: Session) -> None:
    """Raise UsageProblem if apps run from an image, but `spark.image` does not name one with Spark."""
    from marathon.requirements import missing_spark_image

    _refuse(missing_spark_image(run.settings))


def check_spark_room(run: Session) -> None:
    """Raise UsageProblem if a standalone Spark cluster is too small for the apps of the bundle and a job."""
    from marathon.requirements import missing_room

    _refuse(missing_room(run.settings, [*run.bundle.apps]))


def _refuse(found: Iterator[Missing]) -> None:
    for each in found:
        raise UsageProblem(each.message, hint=each.hint)


def check_parts_chosen(run: Session, wanted: Collection[str], chosen: Collection[str]) -> None:
    """Raise UsageProblem if `--only` or `--skip` excludes every component of a part in `--with`."""
    known = parts(run.settings)
    for name in wanted:
        components = known[name].components
        if not components.keys() & set(chosen):
            raise UsageProblem(
                f"--with {name} has no effect: --only or --skip excludes {', '.join(components)}",
                hint=f"also choose {', '.join(components)}, or remove --with {name}",
            )


def with_remembered(
    run: Session, engine: Engine, *, wanted: Collection[str] = (), unwanted: Collection[str] = ()
) -> Session:
    """The session with the parts that earlier deploys enabled, plus `wanted` and minus `unwanted`."""
    group, known = run.settings.group, parts(run.settings)
    found = {app.labels.get(PART) for app in engine.apps().values() if app.owner == group}
    chosen = (known.keys() & found | set(wanted)) - set(unwanted) - set(run.settings.parts)
    return run if chosen == run.with_parts else replace(run, with_parts=frozenset(chosen))


def as_deployed(run: Session, engine: Engine) -> Session:
    """The session with the parts, the Kafka service and the standalone Spark of the running bundle, whatever
    the settings say.

    Returns `run` itself if none of the bundle's apps run.
    """
    group = run.settings.group
    ours = {app.id: app for app in engine.apps().values() if app.owner == group}
    if not ours:
        return run
    service = next((each for app in ours.values() if (each := app.labels.get(KAFKA))), None)
    if service is not None and service != run.settings.kafka.service:
        run = replace(run, overrides=(*run.overrides, f"kafka.service={json.dumps(service)}"))
    from marathon.components import read_components

    off = read_components().switched_off(run.settings)
    turned_on = {f"{setting}=true" for name, setting in off.items() if f"{group}/{name}" in ours}
    if turned_on:
        run = replace(run, overrides=(*run.overrides, *sorted(turned_on)))
    running = [
        name
        for name, part in parts(run.settings).items()
        if any(f"{group}/{component}" in ours for component in part.components)
    ]
    if set(running) == {*run.settings.parts, *run.with_parts}:
        return run
    return replace(run, overrides=(*run.overrides, f"parts=[{', '.join(running)}]"), with_parts=frozenset())

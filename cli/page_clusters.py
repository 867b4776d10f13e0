"""The clusters between which the live page switches: those that its cluster is linked to."""

import json
from collections.abc import Mapping
from dataclasses import replace

from cli.engine.protocol import AppStatus, Engine, Manifest
from cli.errors import EngineError
from cli.parts import with_remembered
from cli.progress import Progress
from cli.session import Session
from cli.steps.app import AppStep
from marathon.validators import InvalidValue, check_page

PAGE = "dashboard"
# What the app learns of them, in its environment.
_VARIABLES = (_NAME, _PAGES) = ("CLUSTER_NAME", "CLUSTER_PAGES")


def with_linked(run: Session, engine: Engine) -> Session:
    """The session whose page offers the linked clusters, unless the settings say which ones it offers.

    Their bundles are expected to have the same group: a page in an area leads to those in the same area. If
    the links cannot be read, the page offers what the running one does: the switch is no reason to fail.
    """
    try:
        return _with_links(run, engine)
    except EngineError as error:
        run.warn(
            "the live page offers the same clusters as before, because the links cannot be read "
            f"(`dashboard.clusters` names clusters without links): {error.message}"
        )
    current = _running_page(run, engine)
    if current is None or _PAGES not in current.env:
        return run
    return _with_pages(run, current.env.get(_NAME), json.loads(current.env[_PAGES]))


def show_linked(run: Session) -> bool:
    """Let the running pages offer the clusters that are linked now, and wait until they are healthy.

    There is one of the bundle outside of areas, and one of each area. Returns whether any changed. Everything
    else of the apps stays as it is, until the next deploy.
    """
    outside = run if run.area is None else replace(run, area=None)
    group, running = outside.settings.group, run.engine.apps()
    areas = [
        replace(run, area=name)
        for name, area in outside.settings.areas.items()
        if area is not None and f"/{name}{group}/{PAGE}" in running
    ]
    changed = [_show_linked(each, run.engine) for each in (outside, *areas)]
    return any(changed)


def _show_linked(run: Session, engine: Engine) -> bool:
    current = _running_page(run, engine)
    if current is None:
        return False
    wanted = _with_links(with_remembered(run, engine), engine).bundle.apps.get(PAGE)
    if wanted is None:
        return False
    env = {key: value for key, value in current.env.items() if key not in _VARIABLES}
    env |= {key: wanted.env[key] for key in _VARIABLES if key in wanted.env}
    if env == current.env:
        return False
    timeout = run.settings.timeouts.app
    step = AppStep(PAGE, Manifest.of(wanted), engine, depends_on=frozenset(), timeout=timeout)
    with Progress() as progress, progress.step(PAGE, "restarting the page") as running:
        engine.scale(current, current.instances, env, current.labels)
        step.wait(running.report, run.stop)
    return True


def _running_page(run: Session, engine: Engine) -> AppStatus | None:
    """The app of this bundle's page."""
    found = engine.apps().get(f"{run.settings.group}/{PAGE}")
    return found if found is not None and found.owner == run.settings.group else None


def _with_links(run: Session, engine: Engine) -> Session:
    if run.settings.dashboard.clusters is not None or PAGE not in run.bundle.apps:
        return run
    service = run.settings.names.dashboard_service
    pages = {}
    for one in engine.clusters.linked():
        try:
            pages[one.name] = check_page(f"{one.url.rstrip('/')}/service/{service}/")
        except InvalidValue as error:
            run.warn(f"the live page does not offer the linked cluster {one.name}: {error}")
    return _with_pages(run, run.cluster_name, pages)


def _with_pages(run: Session, name: str | None, pages: Mapping[str, str]) -> Session:
    """name: of this cluster, unless the settings name it."""
    if not pages:
        return run
    more = (
        f"dashboard.cluster={json.dumps(run.settings.dashboard.cluster or name)}",
        f"dashboard.clusters={json.dumps(pages)}",
    )
    return replace(run, overrides=(*run.overrides, *more))

"""The clusters between which the live page switches: those that its cluster is linked to."""

import json
from dataclasses import replace

from cli.engine.protocol import Engine, Manifest
from cli.errors import NotAllowed
from cli.parts import with_remembered
from cli.progress import Progress
from cli.session import Session
from cli.steps.app import AppStep

PAGE = "dashboard"
# What the app learns of them, in its environment.
_VARIABLES = ("CLUSTER_NAME", "CLUSTER_PAGES")


def with_linked(run: Session, engine: Engine) -> Session:
    """The session whose page offers the linked clusters, unless the settings say which ones it offers.

    Their bundles are expected to have the same group. The bundles of areas have no such page.
    """
    if run.area is not None or run.settings.dashboard.clusters is not None or PAGE not in run.bundle.apps:
        return run
    service = run.settings.names.dashboard_service
    try:
        linked = engine.clusters.linked()
    except NotAllowed as error:
        error.hint = f"{error.hint}; `--set dashboard.clusters={{}}` deploys a page without other clusters"
        raise
    pages = {one.name: f"{one.url.rstrip('/')}/service/{service}/" for one in linked}
    if not pages:
        return run
    name = run.settings.dashboard.cluster or run.cluster_name
    more = (f"dashboard.cluster={json.dumps(name)}", f"dashboard.clusters={json.dumps(pages)}")
    return replace(run, overrides=(*run.overrides, *more))


def show_linked(run: Session) -> bool:
    """Let the running page offer the clusters that are linked now, and wait until it is healthy.

    Returns whether it changed. Everything else of the app stays as it is, until the next deploy.
    """
    engine = run.engine
    current = engine.apps().get(f"{run.settings.group}/{PAGE}")
    if current is None or current.owner != run.settings.group:
        return False
    wanted = with_linked(with_remembered(run, engine), engine).bundle.apps.get(PAGE)
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

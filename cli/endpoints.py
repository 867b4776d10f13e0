"""The addresses of the bundle."""

from cli import local
from cli.errors import PipectlError
from cli.session import Session

LINK_NOTE = "signs in one browser; valid once, for 10 minutes; `pipectl open` prints a new one"


def endpoints(run: Session) -> dict[str, str]:
    """The addresses by name: `kafka` (bootstrap servers), `cluster` (front door), `flink` (web UI) and, if it
    runs, `dashboard` (live page).
    """
    addresses = {
        "kafka": ",".join(run.engine.kafka.brokers(run.settings.kafka.service)),
        "flink": run.engine.service_page(run.settings.names.flink_service),
        "cluster": run.engine.front_door(),
    }
    if _dashboard_runs(run):
        addresses["dashboard"] = run.engine.service_page(run.settings.names.dashboard_service)
    return addresses


def page_link(run: Session) -> str:
    """The address of the live page for a browser. On local, it is a link that signs in once.

    Raises PipectlError if the dashboard does not run.
    """
    address = page_address(run)
    return local.link(run.settings.names.dashboard_service) if run.is_local else address


def flink_link(run: Session) -> str:
    """Flink's own page, likewise. On DC/OS it asks for the token of Flink besides."""
    service = run.settings.names.flink_service
    return local.link(service) if run.is_local else run.engine.service_page(service)


def page_address(run: Session) -> str:
    """The address of the live page. Raises PipectlError if the dashboard does not run."""
    if not _dashboard_runs(run):
        raise PipectlError(
            f"the dashboard does not run on the cluster {run.cluster_name}",
            hint="`pipectl deploy --with dashboard` enables it",
        )
    return run.engine.service_page(run.settings.names.dashboard_service)


def _dashboard_runs(run: Session) -> bool:
    running = run.engine.apps().get(f"{run.settings.group}/dashboard")
    return running is not None and running.instances > 0

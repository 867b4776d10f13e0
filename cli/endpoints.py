"""The addresses that a user needs next."""

from cli import local
from cli.errors import PipectlError
from cli.session import Session

LINK_NOTE = "signs this browser in; works once, for 10 minutes; `pipectl open` prints another"


def endpoints(run: Session) -> dict[str, str]:
    """`kafka` (bootstrap servers), `cluster` (its front door), and the pages there: `flink`, and `dashboard`
    where it is switched on.
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
    """The dashboard's page as a browser can open it: DC/OS asks for its login there, the local cluster has
    none, so there it is a link that signs the browser in, once. Raises PipectlError where it is switched off.
    """
    address = page_address(run)
    return local.link(run.settings.names.dashboard_service) if run.is_local else address


def flink_link(run: Session) -> str:
    """Flink's own page, likewise. On DC/OS it asks for the token of Flink besides."""
    service = run.settings.names.flink_service
    return local.link(service) if run.is_local else run.engine.service_page(service)


def page_address(run: Session) -> str:
    """The dashboard's page at the front door. Raises PipectlError where it is switched off."""
    if not _dashboard_runs(run):
        raise PipectlError(
            f"the dashboard does not run on the cluster {run.cluster_name}",
            hint=f"`pipectl deploy{run.option} --with dashboard` switches it on",
        )
    return run.engine.service_page(run.settings.names.dashboard_service)


def _dashboard_runs(run: Session) -> bool:
    running = run.engine.apps().get(f"{run.settings.group}/dashboard")
    return running is not None and running.instances > 0

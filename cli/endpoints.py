"""The addresses of the bundle."""

from cli import local
from cli.errors import PipectlError, UsageProblem
from cli.session import Session

PAGES = ("dashboard", "notebooks")
"""The apps with a page for people."""
LINK_NOTE = "signs in one browser; valid once, for 10 minutes; `pipectl open` prints a new one"


def endpoints(run: Session) -> dict[str, str]:
    """The addresses by name: `kafka` (bootstrap servers), `cluster` (front door), `flink` (web UI) and, if
    they run, `dashboard` (live page) and `notebooks` (JupyterLab).
    """
    addresses = {
        "kafka": ",".join(run.engine.kafka.brokers(run.settings.kafka.service)),
        "flink": run.engine.service_page(run.settings.names.flink_service),
        "cluster": run.engine.front_door(),
    }
    pages = {app: run.engine.service_page(_service(run, app)) for app in PAGES if _runs(run, app)}
    return addresses | pages


def page_link(run: Session, app: str = "dashboard", user: str | None = None) -> str:
    """The address for a browser of the live page, or of another app with a page. On local, it is a link that
    signs in once, as `user` of an app that has users.

    Raises PipectlError if the app does not run, and UsageProblem if there is no such user, or none is given.
    """
    address = page_address(run, app)
    users = _users(run, app)
    if user is not None and not run.is_local:
        raise UsageProblem(
            f"--user is for the cluster local; on {run.cluster_name}, the cluster's login says who you are",
            hint="remove --user",
        )
    if user is not None and user not in users:
        raise UsageProblem(
            f"the running app {app} has no user {user}, but {', '.join(users) or 'none'}",
            hint="add it to accounts.users or notebooks.users, and deploy",
        )
    if run.is_local and users and user is None:
        raise UsageProblem(
            f"{app} has several users: {', '.join(users)}", hint=f"`pipectl open {app} --user {users[0]}`"
        )
    return local.link(_service(run, app), user) if run.is_local else address


def flink_link(run: Session) -> str:
    """Flink's own page, likewise. On DC/OS it asks for the token of Flink besides."""
    service = run.settings.names.flink_service
    return local.link(service) if run.is_local else run.engine.service_page(service)


def page_address(run: Session, app: str = "dashboard") -> str:
    """The address of the live page, or of another app with a page. Raises PipectlError if it does not run."""
    if not _runs(run, app):
        raise PipectlError(
            f"the app {app} does not run on the cluster {run.cluster_name}",
            hint=f"`pipectl deploy --with {app}` enables it",
        )
    return run.engine.service_page(_service(run, app))


def _service(run: Session, app: str) -> str:
    name: str = getattr(run.settings.names, f"{app}_service")
    return name


def _users(run: Session, app: str) -> list[str]:
    """The users of the app as it runs."""
    written: str = run.engine.apps()[f"{run.settings.group}/{app}"].env.get("NOTEBOOKS_USERS", "")
    return [name for name in written.split(",") if name]


def _runs(run: Session, app: str) -> bool:
    running = run.engine.apps().get(f"{run.settings.group}/{app}")
    return running is not None and running.instances > 0

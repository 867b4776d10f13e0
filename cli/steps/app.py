"""A Marathon app as a step."""

import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from cli.cluster import Cluster, Json
from cli.diff import differences
from cli.errors import DcosError, StepFailed
from cli.steps.base import Change, Report, State, wait_until

# A task that failed this often since the step began is not going to come up by itself.
FAILURES_TOO_MANY = 4
LAST_LINES = 15
TRUSTED_AFTER = timedelta(seconds=5)


class AppStep:
    """Creates or updates one app, and waits until the tasks of exactly this version are healthy."""

    kind = "app"

    def __init__(
        self,
        name: str,
        definition: Mapping[str, Any],
        cluster: Cluster,
        *,
        needs: frozenset[str],
        timeout: timedelta,
    ) -> None:
        self.name = name
        self.needs = needs
        self.app_id: str = definition["id"]
        self._definition = definition
        self._cluster = cluster
        self._timeout = timeout
        self._seen = ""
        self._failures: set[str] = set()
        self._failure_before: str | None = None

    def plan(self) -> Change:
        """Compare the rendered definition with the app on the cluster."""
        current = self._cluster.apps().get(self.app_id)
        if current is None:
            return Change("create", differences(self._definition, {}))
        diff = differences(self._definition, current)
        return Change("update" if diff else "unchanged", diff)

    def apply(self, change: Change) -> None:
        """Create or update the app; an older deployment of it that is stuck gives way."""
        if change.action == "create":
            self._cluster.add_app(self._definition)
        elif change.action == "update":
            before = self._cluster.last_failure(self.app_id)
            self._failure_before = before["timestamp"] if before else None
            busy = bool(self._cluster.apps(fresh=True).get(self.app_id, {}).get("deployments"))
            self._cluster.update_app(self.app_id, self._definition, force=busy)

    def wait(self, report: Report, stop: threading.Event) -> None:
        """Wait for running = healthy = instances and no deployment left; end early on repeated failure."""

        def ready() -> bool:
            state = self.state()
            self._seen = state.detail
            report(state.detail)
            if not state.ready:
                self._give_up_on_failures()
            return state.ready

        wait_until(
            ready,
            what=f"app {self.app_id} to be healthy",
            timeout=self._timeout,
            stop=stop,
            hint=f"see `pipectl logs {self.name}`; `--set waits.app=10m` waits longer",
            last_seen=lambda: self._seen,
        )

    def state(self) -> State:
        """Running, healthy and wanted instances, and what holds the app up."""
        app = self._cluster.apps().get(self.app_id)
        if app is None:
            return State(False, "absent", "not deployed")
        counts = f"{app['tasksHealthy']}/{app['instances']} healthy"
        if not _settled(app):
            return State(
                False, "deploying" if app["deployments"] else "unhealthy", self._why_waiting(app, counts)
            )
        tasks = self._cluster.tasks(self.app_id)
        since = _time(app["versionInfo"]["lastConfigChangeAt"])
        if any(_time(task["version"]) < since for task in tasks):
            return State(False, "deploying", f"{counts}, tasks of an older version are still there")
        if self._may_fall_again(app, tasks, since):
            return State(False, "deploying", f"{counts}, watching whether it stays up")
        return State(True, "healthy", counts)

    def remove(self, report: Report, stop: threading.Event) -> bool:
        """Remove the app and wait until Marathon has forgotten it, which is after its tasks have ended."""
        if self.app_id not in self._cluster.apps(fresh=True):
            return False
        self._cluster.remove_app(self.app_id)
        report("ending its tasks")
        wait_until(
            lambda: self.app_id not in self._cluster.apps(),
            what=f"app {self.app_id} to be gone",
            timeout=self._timeout,
            stop=stop,
            hint="`dcos marathon deployment list` shows what holds it up",
        )
        return True

    def _why_waiting(self, app: Json, counts: str) -> str:
        if app["tasksRunning"] or app["tasksStaged"]:
            return counts
        reasons = self._cluster.rejections(self.app_id)
        return f"{counts}, no offer fits: {', '.join(map(self._in_words, reasons))}" if reasons else counts

    def _in_words(self, reason: str) -> str:
        if reason != "InsufficientPorts":
            return reason
        ports = [str(p["port"]) for p in self._definition.get("portDefinitions", []) if p["port"]]
        return f"port {' or '.join(ports)} is taken by another process"

    def _may_fall_again(self, app: Json, tasks: list[Json], since: datetime) -> bool:
        """Whether tasks are too young to trust: nothing checks them, or this version has failed before."""
        now = datetime.now(UTC)
        if all(now - _time(task["startedAt"]) >= TRUSTED_AFTER for task in tasks):
            return False
        if not app.get("healthChecks"):
            return True
        failure = self._cluster.last_failure(self.app_id)
        return failure is not None and _time(failure["timestamp"]) > since

    def _give_up_on_failures(self) -> None:
        failure = self._cluster.last_failure(self.app_id)
        if failure is None or failure["timestamp"] == self._failure_before:
            return
        self._failures.add(failure["timestamp"])
        if len(self._failures) >= FAILURES_TOO_MANY:
            said = self._last_lines(failure["taskId"]) or f"  | {failure.get('message', '')}"
            raise StepFailed(
                f"app {self.app_id} keeps failing ({failure['state']}); its last lines:\n{said}",
                hint=f"`pipectl logs {self.name}` shows more",
            )

    def _last_lines(self, task_id: str) -> str:
        try:
            lines = self._cluster.dcos.run(
                ["task", "log", "--all", f"--lines={LAST_LINES}", task_id, "stderr"]
            )
        except DcosError:
            return ""
        return "\n".join(f"  | {line}" for line in lines.splitlines())


def _settled(app: Json) -> bool:
    running, healthy, wanted = app["tasksRunning"], app["tasksHealthy"], app["instances"]
    checked = bool(app.get("healthChecks"))
    return not app["deployments"] and running == wanted and (healthy == wanted or not checked)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)

"""A Marathon app as a step."""

import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from cli.cluster import Cluster, Json
from cli.diff import definition_of, differences, resets
from cli.errors import DcosError, StepFailed
from cli.steps.base import Action, Change, Report, State, wait_until
from cli.steps.waiting import why_waiting

# A task that failed this often since the step began is not going to come up by itself.
FAILURES_TOO_MANY = 4
LAST_LINES = 15
TRUSTED_AFTER = timedelta(seconds=5)
# Says whose an app is. Its value is the bundle's group.
OWNER = "pipectl.bundle"
# What starting takes besides the app's own grace period: offers, an image that is pulled.
LAUNCHING = timedelta(minutes=1)


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
        timeout: timedelta | None = None,
        adopt: bool = False,
    ) -> None:
        """`timeout`: None waits as long as the app itself may take; `adopt`: take over an app of others."""
        self.name = name
        self.needs = needs
        self.app_id: str = definition["id"]
        self._definition = definition
        self._cluster = cluster
        self._timeout = timeout or patience(definition)
        self._adopt = adopt
        self._seen = ""
        self._failures: set[str] = set()
        self._failure_before: str | None = None
        self._did: Action = "unchanged"
        self._before: Json | None = None

    def plan(self) -> Change:
        """Compare the rendered definition with the app on the cluster."""
        current = self._cluster.apps().get(self.app_id)
        if current is None:
            return Change("create", differences(self._definition, {}))
        diff = differences(self._definition, current)
        if not diff:
            return Change("unchanged")
        notes = []
        if resets(self._definition, current) is None:
            notes.append("is removed and created anew: an update cannot take a key away")
        blocked = None
        if not self.is_ours(current):
            notes.append("exists and is not labelled as this bundle's")
            if not self._adopt:
                blocked = f"app {self.app_id} exists and is not this bundle's (label {OWNER})"
        return Change("update", diff, tuple(notes), blocked)

    def apply(self, change: Change) -> None:
        """Create or update the app; an older deployment of it that is stuck gives way."""
        self._did, self._before = change.action, self._cluster.apps(fresh=True).get(self.app_id)
        if change.action == "create":
            self._cluster.add_app(self._definition)
        elif change.action == "update":
            before = self._cluster.last_failure(self.app_id)
            self._failure_before = before["timestamp"] if before else None
            self._become(self._definition, lambda detail: None, self._cluster.dcos.stop)

    def restore(self, report: Report, stop: threading.Event) -> str | None:
        """Put the definition back that was there before `apply`; what was not there is removed."""
        if self._did == "unchanged":
            return None
        if self._before is None:
            return f"{self.name} removed again" if self.remove(report, stop) else None
        before = definition_of(self._before)
        report("putting the previous definition back")
        self._become(before, report, stop)
        AppStep(self.name, before, self._cluster, needs=self.needs).wait(report, stop)
        return f"{self.name} as it was"

    def _become(self, definition: Mapping[str, Any], report: Report, stop: threading.Event) -> None:
        """Give the app this definition, by an update or, where that can't do it, as a new app."""
        current = self._cluster.apps(fresh=True).get(self.app_id)
        if current is not None:
            more = resets(definition, current)
            if more is not None:
                busy = bool(current.get("deployments"))
                self._cluster.update_app(self.app_id, {**definition, **more}, result=definition, force=busy)
                return
            self._end(report, stop)
        self._cluster.add_app(definition)

    def wait(self, report: Report, stop: threading.Event) -> None:
        """Wait for running = healthy = instances and no deployment left; end early on repeated failure."""

        def ready() -> bool:
            state = self._reached()
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
            hint=f"see `pipectl logs {self.name}` and `dcos marathon debug summary {self.app_id}`; "
            "`--set waits.app=10m` waits longer",
            last_seen=lambda: self._seen,
        )

    def _reached(self) -> State:
        """`state`, and after an update whether it is that of the definition sent: an answer is no proof."""
        state = self.state()
        if state.ready and self._did == "update":
            current = self._cluster.apps().get(self.app_id, {})
            if differences(self._definition, current):
                return State(False, "deploying", f"{state.detail}, with the definition before")
        return state

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
        if len(tasks) != app["instances"]:
            return State(False, "deploying", f"{counts}, {len(tasks)} tasks are listed")
        if any(_time(task["version"]) < since for task in tasks):
            return State(False, "deploying", f"{counts}, tasks of an older version are still there")
        if self._may_fall_again(app, tasks, since):
            return State(False, "deploying", f"{counts}, watching whether it stays up")
        return State(True, "healthy", counts)

    def remove(self, report: Report, stop: threading.Event) -> bool:
        """Remove the app and wait until Marathon has forgotten it, which is after its tasks have ended."""
        current = self._cluster.apps(fresh=True).get(self.app_id)
        if current is None:
            report("not there")
            return False
        if not self.is_ours(current):
            report(f"left as it is: {self.app_id} is not this bundle's (label {OWNER})")
            return False
        self._end(report, stop)
        return True

    def _end(self, report: Report, stop: threading.Event) -> None:
        self._cluster.remove_app(self.app_id)
        report("ending its tasks")
        wait_until(
            lambda: self.app_id not in self._cluster.apps(),
            what=f"app {self.app_id} to be gone",
            timeout=self._timeout,
            stop=stop,
            hint="`dcos marathon deployment list` shows what holds it up",
        )

    def _why_waiting(self, app: Json, counts: str) -> str:
        if app["tasksRunning"] + app["tasksStaged"] >= app["instances"]:
            return counts
        reasons = why_waiting(self._cluster.queued(self.app_id), self._definition)
        return f"{counts}, {reasons}" if reasons else counts

    def is_ours(self, app: Json) -> bool:
        """Whether an app on the cluster carries the label of the bundle that this step is of."""
        wanted = self._definition.get("labels", {}).get(OWNER)
        return wanted is None or app.get("labels", {}).get(OWNER) == wanted

    def _may_fall_again(self, app: Json, tasks: list[Json], since: datetime) -> bool:
        """Whether tasks are too young to trust: nothing checks them, or this version has failed before."""
        now = datetime.now(UTC)
        started = [_time(task["startedAt"]) if task.get("startedAt") else now for task in tasks]
        if all(now - time >= TRUSTED_AFTER for time in started):
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
                hint=f"`pipectl logs {self.name} --stderr` shows more",
            )

    def _last_lines(self, task_id: str) -> str:
        try:
            lines = self._cluster.dcos.run(
                ["task", "log", "--all", f"--lines={LAST_LINES}", task_id, "stderr"]
            )
        except DcosError:
            return ""
        return "\n".join(f"  | {line}" for line in lines.splitlines())


def patience(definition: Mapping[str, Any]) -> timedelta:
    """How long the app may take to be healthy: to end what runs, to launch, and what its checks allow."""
    seconds = float(definition.get("taskKillGracePeriodSeconds", 3))
    for check in definition.get("healthChecks", []):
        own = check.get("gracePeriodSeconds", 300) + check.get("delaySeconds", 15)
        own += check.get("intervalSeconds", 60) * max(1, check.get("maxConsecutiveFailures", 3))
        seconds = max(seconds, float(definition.get("taskKillGracePeriodSeconds", 3)) + own)
    return LAUNCHING + timedelta(seconds=seconds)


def _settled(app: Json) -> bool:
    running, healthy, wanted = app["tasksRunning"], app["tasksHealthy"], app["instances"]
    checked = bool(app.get("healthChecks"))
    return not app["deployments"] and running == wanted and (healthy == wanted or not checked)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)

"""An app as a step."""

import threading
from datetime import UTC, datetime, timedelta

from cli.engine.protocol import OWNER, AppStatus, Engine, Manifest, Task
from cli.errors import EngineError, StepFailed, Superseded
from cli.steps.base import Action, Change, Report, State, wait_until

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
        manifest: Manifest,
        engine: Engine,
        *,
        depends_on: frozenset[str],
        timeout: timedelta | None = None,
        adopt: bool = False,
    ) -> None:
        """`timeout`: None waits as long as the app itself may take; `adopt`: take over an app of others."""
        self.name = name
        self.depends_on = depends_on
        self.app_id = manifest.id
        self._manifest = manifest
        self._engine = engine
        self._timeout = timeout or engine.start_limit(manifest)
        self._adopt = adopt
        self._seen = ""
        self._failures: set[datetime] = set()
        self._failure_before: datetime | None = None
        self._did: Action = "unchanged"
        self._before: AppStatus | None = None
        # A change of the app after this that is not ours was made by somebody else.
        self._known_at: datetime | None = None

    def plan(self) -> Change:
        """Compare the rendered definition with the app on the cluster."""
        current = self._engine.apps().get(self.app_id)
        if current is None:
            return Change("create", self._engine.differences(self._manifest, None))
        diff = self._engine.differences(self._manifest, current)
        if not diff:
            return Change("unchanged")
        notes = []
        if self._engine.is_replaced(self._manifest, current):
            notes.append("is removed and created anew: an update cannot take a key away")
        blocked = None
        if not self.is_ours(current):
            notes.append("exists and is not labelled as this bundle's")
            if not self._adopt:
                blocked = f"app {self.app_id} exists and is not this bundle's (label {OWNER})"
        return Change("update", diff, tuple(notes), blocked)

    def apply(self, change: Change) -> None:
        """Create or update the app; an older deployment of it that is stuck gives way."""
        self._did, self._before = change.action, self._engine.apps(fresh=True).get(self.app_id)
        self._known_at = self._before.changed_at if self._before else None
        if change.action == "create":
            self._engine.create(self._manifest)
        elif change.action == "update":
            before = self._engine.last_failure(self.app_id)
            self._failure_before = before.time if before else None
            self._become(self._manifest, lambda detail: None, self._engine.stop)

    def restore(self, report: Report, stop: threading.Event) -> str | None:
        """Put the definition back that was there before `apply`; what was not there is removed."""
        if self._did == "unchanged":
            return None
        if self._before is None:
            return f"{self.name} removed again" if self.remove(report, stop) else None
        before = self._engine.manifest_of(self._before)
        report("putting the previous definition back")
        self._become(before, report, stop)
        AppStep(self.name, before, self._engine, depends_on=self.depends_on).wait(report, stop)
        return f"{self.name} as it was"

    def _become(self, manifest: Manifest, report: Report, stop: threading.Event) -> None:
        """Give the app this manifest, by an update or, where that can't do it, as a new app."""
        current = self._engine.apps(fresh=True).get(self.app_id)
        if current is not None:
            if not self._engine.is_replaced(manifest, current):
                self._engine.update(manifest, current)
                return
            self._end(report, stop)
        self._engine.create(manifest)

    def wait(self, report: Report, stop: threading.Event) -> None:
        """Wait for running = healthy = instances and no deployment left; end early on repeated failure."""

        def ready() -> bool:
            self._end_if_superseded()
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
            hint=f"see `pipectl logs {self.name}` and `{self._engine.how_to_inspect('app', self.app_id)}`; "
            "`--set timeouts.app=10m` waits longer",
            last_seen=lambda: self._seen,
        )

    def _end_if_superseded(self) -> None:
        """Raise Superseded when somebody has changed the app to another definition since `apply` did."""
        current = self._engine.apps().get(self.app_id)
        if self._did == "unchanged" or current is None:
            return
        if self._known_at is None:
            self._known_at = current.changed_at
        if current.changed_at > self._known_at and self._engine.differences(self._manifest, current):
            raise Superseded(
                f"somebody deployed after this deploy: app {self.app_id} was changed at "
                f"{current.changed_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC",
                hint="theirs holds; `pipectl plan` compares it with your settings",
            )

    def _reached(self) -> State:
        """`state`, and after an update whether it is that of the definition sent: an answer is no proof."""
        state = self.state()
        if not state.ready or self._did != "update":
            return state
        if self._engine.differences(self._manifest, self._engine.apps().get(self.app_id)):
            return State(False, "deploying", f"{state.detail}, with the definition before")
        return state

    def state(self) -> State:
        """Running, healthy and wanted instances, and what holds the app up."""
        app = self._engine.apps().get(self.app_id)
        if app is None:
            return State(False, "absent", "not deployed")
        counts = f"{app.healthy}/{app.instances} healthy"
        if not _settled(app):
            return State(
                False, "deploying" if app.rolling_out else "unhealthy", self._why_waiting(app, counts)
            )
        tasks = self._engine.tasks(self.app_id)
        if len(tasks) != app.instances:
            return State(False, "deploying", f"{counts}, {len(tasks)} tasks are listed")
        if any(task.revised_at < app.revised_at for task in tasks):
            return State(False, "deploying", f"{counts}, tasks of an older version are still there")
        if self._may_fall_again(app, tasks):
            return State(False, "deploying", f"{counts}, watching whether it stays up")
        return State(True, "healthy", counts)

    def remove(self, report: Report, stop: threading.Event) -> bool:
        """Remove the app and wait until Marathon has forgotten it, which is after its tasks have ended."""
        current = self._engine.apps(fresh=True).get(self.app_id)
        if current is None:
            report("not there")
            return False
        if not self.is_ours(current):
            report(f"left as it is: {self.app_id} is not this bundle's (label {OWNER})")
            return False
        self._end(report, stop)
        return True

    def _end(self, report: Report, stop: threading.Event) -> None:
        self._engine.delete(self.app_id)
        report("ending its tasks")
        wait_until(
            lambda: self.app_id not in self._engine.apps(),
            what=f"app {self.app_id} to be gone",
            timeout=self._timeout,
            stop=stop,
            hint=f"`{self._engine.how_to_inspect('rollouts', self.app_id)}` shows what holds it up",
        )

    def _why_waiting(self, app: AppStatus, counts: str) -> str:
        if app.running + app.starting >= app.instances:
            return counts
        reasons = self._engine.why_waiting(self._manifest)
        return f"{counts}, {reasons}" if reasons else counts

    def is_ours(self, app: AppStatus) -> bool:
        """Whether an app on the cluster belongs to the bundle that this step is of."""
        return self._manifest.owner is None or app.owner == self._manifest.owner

    def _may_fall_again(self, app: AppStatus, tasks: list[Task]) -> bool:
        """Whether tasks are too young to trust: nothing checks them, or this version has failed before."""
        now = datetime.now(UTC)
        started = [task.started_at or now for task in tasks]
        if all(now - time >= TRUSTED_AFTER for time in started):
            return False
        if not app.checked:
            return True
        failure = self._engine.last_failure(self.app_id)
        return failure is not None and failure.time > app.revised_at

    def _give_up_on_failures(self) -> None:
        failure = self._engine.last_failure(self.app_id)
        if failure is None or failure.time == self._failure_before:
            return
        self._failures.add(failure.time)
        if len(self._failures) >= FAILURES_TOO_MANY:
            said = self._last_lines(failure.task_id) or f"  | {failure.message}"
            raise StepFailed(
                f"app {self.app_id} keeps failing ({failure.state}); its last lines:\n{said}",
                hint=f"`pipectl logs {self.name} --stderr` shows more",
            )

    def _last_lines(self, task_id: str) -> str:
        try:
            lines = self._engine.logs(task_id, "stderr", LAST_LINES, ended=True)
        except EngineError:
            return ""
        return "\n".join(f"  | {line}" for line in lines.splitlines())


def _settled(app: AppStatus) -> bool:
    running = app.running == app.instances
    return not app.rolling_out and running and (app.healthy == app.instances or not app.checked)

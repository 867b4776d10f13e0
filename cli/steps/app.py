"""The step of an app."""

import threading
from datetime import UTC, datetime, timedelta

from cli.engine.protocol import OWNER, AppStatus, Engine, Manifest, Task
from cli.errors import EngineError, StepFailed, Superseded
from cli.steps.base import Action, Change, Report, State, wait_until

# After this many failures since its start, the step gives up.
FAILURES_TOO_MANY = 4
LAST_LINES = 15
TRUSTED_AFTER = timedelta(seconds=5)


class AppStep:
    """Creates or updates one app, and waits until the tasks of this version are healthy."""

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
        """timeout: None means what the app's health check allows. adopt: take over another bundle's app."""
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

    def plan(self) -> Change:
        """Compare the rendered definition with the app on the cluster."""
        current = self._engine.apps().get(self.app_id)
        if current is None:
            count = self._manifest.instances
            return Change(
                "create",
                self._engine.differences(self._manifest, None),
                summary=f"{count} instance{'' if count == 1 else 's'}",
            )
        diff = self._engine.differences(self._manifest, current)
        if not diff:
            return Change("unchanged")
        notes = []
        if self._engine.is_replaced(self._manifest, current):
            notes.append("is removed and created again, because an update cannot remove a key")
        blocked = None
        if not self.is_ours(current):
            notes.append("exists, but lacks this bundle's label")
            if not self._adopt:
                blocked = f"app {self.app_id} exists, but does not belong to this bundle (label {OWNER})"
        return Change("update", diff, tuple(notes), blocked)

    def apply(self, change: Change) -> None:
        """Create or update the app. This replaces an older deployment that is stuck."""
        self._did, self._before = change.action, self._engine.apps(fresh=True).get(self.app_id)
        if change.action == "create":
            self._engine.create(self._manifest)
        elif change.action == "update":
            before = self._engine.last_failure(self.app_id)
            self._failure_before = before.time if before else None
            self._become(self._manifest, lambda detail: None, self._engine.stop)

    def restore(self, report: Report, stop: threading.Event) -> str | None:
        """Restore the definition from before `apply`, or remove an app that `apply` created."""
        if self._did == "unchanged":
            return None
        if self._before is None:
            return f"{self.name} removed" if self.remove(report, stop) else None
        before = self._engine.manifest_of(self._before)
        report("restoring the previous definition")
        self._become(before, report, stop)
        AppStep(self.name, before, self._engine, depends_on=self.depends_on).wait(report, stop)
        return f"{self.name} restored"

    def _become(self, manifest: Manifest, report: Report, stop: threading.Event) -> None:
        """Update the app to this manifest, or replace it if an update cannot do that."""
        current = self._engine.apps(fresh=True).get(self.app_id)
        if current is not None:
            if not self._engine.is_replaced(manifest, current):
                self._engine.update(manifest, current)
                return
            self._end(report, stop)
        self._engine.create(manifest)

    def wait(self, report: Report, stop: threading.Event) -> bool:
        """Wait until all instances are healthy and no deployment is left; give up on repeated failures."""

        def ready() -> bool:
            app = self._engine.apps().get(self.app_id)
            state = self._reached(app)
            self._seen = state.detail
            report(state.detail)
            if not state.ready:
                self._give_up_on_failures()
            return state.ready

        return wait_until(
            ready,
            what=f"app {self.app_id} to be healthy",
            timeout=self._timeout,
            stop=stop,
            hint=f"see `pipectl logs {self.name}` and `{self._engine.how_to_inspect('app', self.app_id)}`; "
            "`--set timeouts.app=10m` waits longer",
            last_seen=lambda: self._seen,
        )

    def _reached(self, app: AppStatus | None) -> State:
        """The state, which after a change is ready only with our definition.

        Raises Superseded if somebody has changed the definition since `apply`.
        """
        state = self._state_of(app)
        if self._did == "unchanged" or app is None or not self._engine.differences(self._manifest, app):
            return state
        # A new app has had no definition before ours.
        if self._before is None or app.changed_at > self._before.changed_at:
            raise Superseded(
                f"somebody else deployed after this deploy: app {self.app_id} was changed at "
                f"{app.changed_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC",
                hint="the other deploy wins; `pipectl plan` compares it with your settings",
            )
        return State(False, "deploying", f"{state.detail}, with the previous definition")

    def state(self) -> State:
        """The counts of healthy instances, and what the app waits for."""
        return self._state_of(self._engine.apps().get(self.app_id))

    def _state_of(self, app: AppStatus | None) -> State:
        if app is None:
            return State(False, "absent", "not deployed")
        counts = f"{app.healthy}/{app.instances} healthy"
        if not _settled(app):
            return State(
                False, "deploying" if app.rolling_out else "unhealthy", self._why_waiting(app, counts)
            )
        tasks = self._engine.tasks(self.app_id)
        if len(tasks) != app.instances:
            return State(False, "deploying", f"{counts}, {len(tasks)} tasks listed")
        if any(task.revised_at < app.revised_at for task in tasks):
            return State(False, "deploying", f"{counts}, tasks of an older version still run")
        if self._may_fail_again(app, tasks):
            return State(False, "deploying", f"{counts}, checking whether it stays up")
        return State(True, "healthy", counts)

    def remove(self, report: Report, stop: threading.Event) -> bool:
        """Remove the app and wait until it is gone, after its tasks have ended."""
        current = self._engine.apps(fresh=True).get(self.app_id)
        if current is None:
            report("not deployed")
            return False
        if not self.is_ours(current):
            report(f"not changed: {self.app_id} does not belong to this bundle (label {OWNER})")
            return False
        self._end(report, stop)
        return True

    def _end(self, report: Report, stop: threading.Event) -> None:
        self._engine.delete(self.app_id)
        self.wait_until_gone(report, stop)

    def wait_until_gone(self, report: Report, stop: threading.Event) -> bool:
        """Wait until the deleted app has disappeared, after its tasks have ended."""
        report("stopping its tasks")
        return wait_until(
            lambda: self.app_id not in self._engine.apps(),
            what=f"app {self.app_id} to be gone",
            timeout=self._timeout,
            stop=stop,
            hint=f"`{self._engine.how_to_inspect('rollouts', self.app_id)}` shows the cause",
        )

    def _why_waiting(self, app: AppStatus, counts: str) -> str:
        if app.running + app.starting >= app.instances:
            return counts
        reasons = self._engine.why_waiting(self._manifest)
        return f"{counts}, {reasons}" if reasons else counts

    def is_ours(self, app: AppStatus) -> bool:
        """Whether an app on the cluster belongs to this bundle."""
        return self._manifest.owner is None or app.owner == self._manifest.owner

    def _may_fail_again(self, app: AppStatus, tasks: list[Task]) -> bool:
        """Whether new tasks may still fail: they have no health check, or this version has failed before."""
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

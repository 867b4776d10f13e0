"""The DC/OS engine as typed calls of `dcos` commands."""

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import cached_property
from typing import Any, Literal

from cli.engine.dcos import apps, diff, nodes
from cli.engine.dcos.accounts import DcosAccounts
from cli.engine.dcos.areas import DcosAreas
from cli.engine.dcos.clusters import DcosClusters
from cli.engine.dcos.faults import UnexpectedResponse, fault
from cli.engine.dcos.front_door import FrontDoor
from cli.engine.dcos.jobs import DcosJobs
from cli.engine.dcos.kafka import DcosKafka
from cli.engine.dcos.mesos import Mesos
from cli.engine.dcos.packages import DcosPackages
from cli.engine.dcos.runner import Dcos
from cli.engine.dcos.secrets import DcosSecrets
from cli.engine.dcos.service_command import ServiceCommands
from cli.engine.dcos.snapshot import Snapshot
from cli.engine.dcos.waiting import over_quota, queued, why_waiting
from cli.engine.protocol import AppStatus, Credentials, Failure, LogStream, Manifest, Task
from cli.engine.surroundings import NodeStatus
from cli.errors import EngineError, NotFound


class DcosEngine:
    """Marathon apps, packages and Kafka topics of one cluster."""

    def __init__(
        self, dcos: Dcos, *, address: str | None = None, clusters: DcosClusters | None = None
    ) -> None:
        """address: the front door; None asks `dcos`. clusters: those that the client knows by default."""
        self.dcos = dcos
        self.clusters = clusters or DcosClusters(dcos)
        commands = ServiceCommands(dcos)
        self.packages = DcosPackages(dcos, commands, self.apps, self._forget)
        self.kafka = DcosKafka(commands)
        self._address = address
        self._apps: Snapshot[dict[str, AppStatus]] = Snapshot(self._read_apps)
        self._tasks: Snapshot[list[dict[str, Any]]] = Snapshot(
            lambda: self.dcos.json(["marathon", "task", "list", "--json"])
        )

    @property
    def stop(self) -> threading.Event:
        """Setting it stops running commands."""
        return self.dcos.stop

    @cached_property
    def jobs(self) -> DcosJobs:
        """One-off jobs."""
        return DcosJobs(self.dcos)

    @cached_property
    def secrets(self) -> DcosSecrets:
        """DC/OS Enterprise's secrets and service accounts."""
        return DcosSecrets(self.dcos)

    @cached_property
    def areas(self) -> DcosAreas:
        """Areas of the cluster."""
        return DcosAreas(self.dcos, lambda: Mesos(self._door()))

    @cached_property
    def accounts(self) -> DcosAccounts:
        """DC/OS Enterprise's accounts, groups and rights."""
        return DcosAccounts(self.dcos, self._door)

    def check(self) -> None:
        """Check that Marathon is reachable with the user's login. Raises EngineError if not."""
        about = self.dcos.json(["marathon", "about"])
        if not isinstance(about, dict) or about.get("name") != "marathon":
            command, answer = ["dcos", "marathon", "about"], json.dumps(about)[:300]
            raise fault(UnexpectedResponse, command, 0, answer, "is not Marathon")

    def apps(self, *, fresh: bool = False) -> Mapping[str, AppStatus]:
        """All Marathon apps by id.

        It uses `app list --json`, since `app show` of the Go client drops fields and invents one.
        """
        return self._apps.read(fresh=fresh)

    def _read_apps(self) -> dict[str, AppStatus]:
        listed = self.dcos.json(["marathon", "app", "list", "--json"])
        return {app["id"]: apps.app_of(app) for app in listed}

    def differences(self, manifest: Manifest, app: AppStatus | None) -> list[str]:
        """The unified diff from the app to the manifest, without Marathon's defaults."""
        return diff.differences(manifest.document, app.observed if app else {})

    def manifest_of(self, app: AppStatus) -> Manifest:
        """The definition inside an app as Marathon shows it."""
        return apps.manifest_of(diff.definition_of(app.observed))

    def is_replaced(self, manifest: Manifest, app: AppStatus) -> bool:
        """Whether the change removes a key that no update can remove."""
        return diff.resets(manifest.document, app.observed) is None

    def create(self, manifest: Manifest) -> None:
        """Create an app."""
        self._change(
            ["marathon", "app", "add"], manifest.document, verify_applied=lambda: self._is_as(manifest)
        )

    def update(self, manifest: Manifest, app: AppStatus) -> None:
        """Update an app, and reset the keys that the manifest no longer has."""
        resets = diff.resets(manifest.document, app.observed) or {}
        self._update(app, {**manifest.document, **resets}, manifest)

    def scale(
        self, app: AppStatus, instances: int, env: Mapping[str, Any], labels: Mapping[str, str]
    ) -> None:
        """Send the new number, and the environment and the labels if they change."""
        properties: dict[str, Any] = {"instances": instances}
        if env != app.env:
            properties["env"] = env
        if labels != app.labels:
            properties["labels"] = labels
        result = {**diff.definition_of(app.observed), **properties}
        self._update(app, properties, apps.manifest_of(result))

    def delete(self, app_id: str) -> None:
        """Remove an app."""
        with suppress(NotFound):  # already removed
            self._change(
                ["marathon", "app", "remove", "--force", app_id],
                None,
                verify_applied=lambda: app_id not in self.apps(fresh=True),
            )

    def start_limit(self, manifest: Manifest) -> timedelta:
        """The time that the definition's health checks allow, plus a minute to launch."""
        return apps.start_limit(manifest.document)

    def tasks(self, app_id: str) -> list[Task]:
        """The app's Marathon tasks. One command lists those of all apps."""
        return [apps.task_of(task) for task in self._tasks.read() if task.get("appId") == app_id]

    def nodes(self) -> list[NodeStatus]:
        """The Mesos agents."""
        return nodes.nodes(self.dcos)

    def last_failure(self, app_id: str) -> Failure | None:
        """The app's last task failure."""
        try:
            return apps.failure_of(self.dcos.json(["marathon", "app", "show", app_id]))
        except NotFound:
            return None

    def why_waiting(self, manifest: Manifest) -> str:
        """The reasons in Marathon's launch queue."""
        item = queued(self.dcos, manifest.id)
        if item is None:
            return ""
        # Mesos offers nothing to a role that has used up its quota, and Marathon does not know why.
        role = (item.get("app") or {}).get("role", "*")
        area = self.areas.all().get(role) if role != "*" else None
        said = [over_quota(area, manifest.document) if area else "", why_waiting(item, manifest.document)]
        return next(filter(None, said), "")

    def logs(self, task_id: str, stream: LogStream, lines: int, *, ended: bool = False) -> str:
        """The last lines in a task's sandbox."""
        every = ["--all"] if ended else []
        try:
            return self.dcos.run(["task", "log", *every, f"--lines={lines}", task_id, stream])
        except EngineError as error:
            if "no logs found" not in error.said.lower():
                raise
            return ""

    def follow(self, task_id: str, stream: LogStream, lines: int) -> None:
        """Print a task's output as it appears."""

        def ended() -> bool:
            try:
                listed = self.dcos.json(["marathon", "task", "list", "--json"])
            except EngineError:
                return False  # not known
            return task_id not in {task["id"] for task in listed}

        self.dcos.stream(["task", "log", "--follow", f"--lines={lines}", task_id, stream], ended=ended)

    def front_door(self) -> str:
        """The cluster's own address."""
        if self._address is None:
            self._address = self.dcos.run(["config", "show", "core.dcos_url"]).strip().rstrip("/")
        return self._address

    def service_page(self, name: str) -> str:
        """The address of a service at Admin Router."""
        return f"{self.front_door()}/service/{name}/"

    def credentials(self) -> Credentials:
        """The token and the TLS settings in the configuration of `dcos`."""
        authorization = "token=" + self.dcos.run(["config", "show", "core.dcos_acs_token"]).strip()
        try:
            trust = self.dcos.run(["config", "show", "core.ssl_verify"], retry=False).strip()
        except EngineError:
            trust = "true"  # not set: `dcos` itself verifies too
        return Credentials(
            authorization,
            verify=trust.lower() not in ("false", "0"),
            ca=None if trust.lower() in ("true", "1", "false", "0") else trust,
            how_to_log_in="dcos auth login",
            how_to_show_ca="dcos config show core.ssl_verify",
        )

    def how_to_inspect(self, kind: Literal["app", "rollouts", "topics"], name: str) -> str:
        """The `dcos` command that shows details."""
        return {
            "app": f"dcos marathon debug summary {name}",
            "rollouts": "dcos marathon deployment list",
            "topics": f"dcos kafka --name={name} topic list",
        }[kind]

    def _door(self) -> FrontDoor:
        return FrontDoor(self.front_door(), self.credentials())

    def _update(self, app: AppStatus, properties: Mapping[str, Any], result: Manifest) -> None:
        # Without --force, a deployment in progress blocks the update.
        force = ["--force"] if app.rolling_out else []
        args = ["marathon", "app", "update", *force, app.id]
        self._change(args, properties, verify_applied=lambda: self._is_as(result))

    def _change(
        self, args: Sequence[str], document: Mapping[str, Any] | None, *, verify_applied: Callable[[], bool]
    ) -> None:
        try:
            self.dcos.change(
                args, stdin=None if document is None else json.dumps(document), verify_applied=verify_applied
            )
        finally:
            self._forget()

    def _is_as(self, manifest: Manifest) -> bool:
        current = self.apps(fresh=True).get(manifest.id)
        return current is not None and not self.differences(manifest, current)

    def _forget(self) -> None:
        self._apps.forget()
        self._tasks.forget()

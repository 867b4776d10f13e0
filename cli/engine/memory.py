"""An in-memory engine for unit tests, and for the plan of a cluster that does not exist yet."""

import threading
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from cli.engine.json_diff import json_diff
from cli.engine.memory_surroundings import MemoryAccounts, MemoryAreas, MemoryClusters
from cli.engine.protocol import (
    AppStatus,
    Credentials,
    Failure,
    JobManifest,
    JobRun,
    JobStatus,
    LogStream,
    Manifest,
    Package,
    ServiceStatus,
    Task,
)
from cli.engine.surroundings import NodeStatus
from cli.errors import AlreadyExists, NotFound
from kafka_topic.plan import TopicSpec


class MemoryEngine:
    """Apps are healthy, and packages and topics are ready, as soon as they are created."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.jobs = MemoryJobs()
        self.packages = MemoryPackages()
        self.kafka = MemoryKafka()
        self.secrets = MemorySecrets()
        self.clusters = MemoryClusters()
        self.areas = MemoryAreas()
        self.accounts = MemoryAccounts(self.secrets.names)
        self.printed: dict[tuple[str, LogStream], str] = {}
        self.failures: dict[str, Failure] = {}
        self._apps: dict[str, AppStatus] = {}

    def check(self) -> None:
        """Memory is always reachable."""

    def apps(self, *, fresh: bool = False) -> Mapping[str, AppStatus]:
        """The apps by their ids."""
        return dict(self._apps)

    def differences(self, manifest: Manifest, app: AppStatus | None) -> list[str]:
        """The diff of all keys."""
        return json_diff(_shown(manifest), _shown(self.manifest_of(app)) if app else None)

    def manifest_of(self, app: AppStatus) -> Manifest:
        """The manifest that created the app."""
        return Manifest(app.id, app.labels, app.instances, app.env, app.observed)

    def is_replaced(self, manifest: Manifest, app: AppStatus) -> bool:
        """Never: an update replaces everything."""
        return False

    def create(self, manifest: Manifest) -> None:
        """Create an app that runs at once."""
        if manifest.id in self._apps:
            raise AlreadyExists(["create", manifest.id], 1, "", "already exists")
        self._apps[manifest.id] = _running(manifest)

    def update(self, manifest: Manifest, app: AppStatus) -> None:
        """Replace the app."""
        if app.id not in self._apps:
            raise NotFound(["update", app.id], 1, "", "does not exist")
        self._apps[app.id] = _running(manifest)

    def scale(
        self, app: AppStatus, instances: int, env: Mapping[str, Any], labels: Mapping[str, str]
    ) -> None:
        """Change the number of instances, the environment and the labels."""
        if app.id not in self._apps:
            raise NotFound(["scale", app.id], 1, "", "does not exist")
        scaled = replace(self.manifest_of(app), instances=instances, env=env, labels=labels)
        self._apps[app.id] = _running(scaled)

    def delete(self, app_id: str) -> None:
        """Remove the app."""
        self._apps.pop(app_id, None)

    def put(self, app: AppStatus, **changes: Any) -> None:
        """Override the state of an app, for example to show a rollout."""
        self._apps[app.id] = replace(app, **changes)

    def start_limit(self, manifest: Manifest) -> timedelta:
        """One second."""
        return timedelta(seconds=1)

    def tasks(self, app_id: str) -> list[Task]:
        """One task per running instance."""
        app = self._apps.get(app_id)
        count = app.running if app else 0
        return [Task(f"{app_id}.{n}", app.revised_at, app.revised_at) for n in range(count) if app]

    def nodes(self) -> list[NodeStatus]:
        """One agent, which runs every app and whose size is unknown."""
        apps = tuple(sorted(app.id for app in self._apps.values() for _ in range(app.running)))
        return [NodeStatus("memory-1", "memory.invalid", True, None, None, None, None, apps)]

    def last_failure(self, app_id: str) -> Failure | None:
        """The entry in `failures`."""
        return self.failures.get(app_id)

    def why_waiting(self, manifest: Manifest) -> str:
        """Nothing waits."""
        return ""

    def logs(self, task_id: str, stream: LogStream, lines: int, *, ended: bool = False) -> str:
        """The entry in `printed`."""
        text = self.printed.get((task_id, stream), "").splitlines(keepends=True)
        return "".join(text[-lines:] if lines else [])

    def follow(self, task_id: str, stream: LogStream, lines: int) -> None:
        """Print nothing: there is no new output."""

    def front_door(self) -> str:
        """An address that does not exist."""
        return "https://memory.invalid"

    def service_page(self, name: str) -> str:
        """A page that does not exist."""
        return f"{self.front_door()}/{name}/"

    def credentials(self) -> Credentials:
        """Empty credentials."""
        return Credentials("", how_to_log_in="pipectl status", how_to_show_ca="pipectl status")

    def how_to_inspect(self, kind: Literal["app", "rollouts", "topics"], name: str) -> str:
        """The most detailed command of `pipectl`."""
        return "pipectl status"


class MemoryJobs:
    """Jobs whose runs end at once, as `outcomes` says: exit code, stdout and stderr; else with success."""

    def __init__(self) -> None:
        self.outcomes: dict[str, tuple[int | None, str, str]] = {}
        self.started: dict[str, list[JobRun]] = {}
        self._manifests: dict[str, JobManifest] = {}

    def all(self) -> Mapping[str, JobStatus]:
        """The jobs by their ids."""
        return {job_id: self._status(manifest) for job_id, manifest in self._manifests.items()}

    def differences(self, manifest: JobManifest, job: JobStatus | None) -> list[str]:
        """The diff, in which every key counts."""
        return json_diff(manifest.document, job.observed if job else None)

    def put(self, manifest: JobManifest) -> None:
        """Keep the manifest."""
        self._manifests[manifest.id] = manifest
        self.started.setdefault(manifest.id, [])

    def start(self, job_id: str) -> JobRun:
        """Run the job, to its end."""
        if job_id not in self._manifests:
            raise NotFound(["run", job_id], 1, "", "does not exist")
        now, code = datetime.now(UTC), self._outcome(job_id)[0]
        run = JobRun(f"run-{len(self.started[job_id])}", job_id, now, now, code == 0)
        self.started[job_id].append(run)
        return run

    def state(self, run: JobRun) -> JobRun:
        """The run as `started` has it."""
        return next(each for each in self.started[run.job_id] if each.id == run.id)

    def output(self, run: JobRun, stream: LogStream) -> list[str]:
        """What the outcome says."""
        _, stdout, stderr = self._outcome(run.job_id)
        return (stdout if stream == "stdout" else stderr).splitlines()

    def exit_code(self, run: JobRun) -> int | None:
        """What the outcome says."""
        return self._outcome(run.job_id)[0]

    def stop(self, run: JobRun) -> None:
        """End a run that a test has put into `started`."""
        runs = self.started[run.job_id]
        if run.ended_at is None:
            runs[runs.index(run)] = replace(run, ended_at=datetime.now(UTC), succeeded=False)

    def remove(self, job_id: str) -> None:
        """Forget the job."""
        self._manifests.pop(job_id, None)
        self.started.pop(job_id, None)

    def _outcome(self, job_id: str) -> tuple[int | None, str, str]:
        return self.outcomes.get(job_id, (0, "", ""))

    def _status(self, manifest: JobManifest) -> JobStatus:
        runs = self.started[manifest.id]

        def last(*, succeeded: bool) -> datetime | None:
            return next((run.ended_at for run in runs[::-1] if run.succeeded is succeeded), None)

        active = [run for run in runs if run.ended_at is None]
        return JobStatus(
            manifest.id,
            manifest.labels,
            active,
            last(succeeded=True),
            last(succeeded=False),
            manifest.document,
        )


class MemoryPackages:
    """Every package is available."""

    def __init__(self) -> None:
        self.services: dict[str, tuple[str, str | None, Mapping[str, Any]]] = {}

    def installed(self, package: str, service: str) -> Package | None:
        """The package that runs as this service."""
        found = self.services.get(service)
        return Package(found[1]) if found and found[0] == package else None

    def options(self, service: str) -> Mapping[str, Any] | None:
        """The options that it was installed with."""
        found = self.services.get(service)
        return found[2] if found else None

    def check_offered(self, name: str, package: str, version: str | None) -> None:
        """It is available."""

    def install(self, package: str, version: str | None, service: str, options: Mapping[str, Any]) -> None:
        """Install it."""
        if service in self.services:
            raise AlreadyExists(["install", package], 1, "", "already installed")
        self.services[service] = (package, version, options)

    def status(self, package: str, service: str) -> ServiceStatus:
        """Complete once it is installed."""
        return ServiceStatus("COMPLETE" if service in self.services else "UNKNOWN")

    def how_to_inspect(self, name: str, service: str) -> str:
        """The most detailed command of `pipectl`."""
        return "pipectl status"

    def why_waiting(self, service: str, options: Mapping[str, Any]) -> str:
        """Nothing waits."""
        return ""

    def differences(self, wanted: Mapping[str, Any], installed: Mapping[str, Any]) -> list[str]:
        """The diff of the options."""
        return json_diff(wanted, installed or None)

    def host_of(self, service: str, task: str) -> str:
        """A host that does not exist."""
        return f"{task}.{service}.memory.invalid"

    def how_to_update(self, name: str, service: str, version: str | None, *, options: bool) -> str:
        """Packages in memory cannot be updated."""
        return "it cannot be updated"


class MemoryKafka:
    """The topics of every installed service."""

    def __init__(self) -> None:
        self.specs: dict[str, TopicSpec] = {}

    def brokers(self, service: str, *, retry: bool = True) -> list[str]:
        """An address that does not exist."""
        return ["memory.invalid:9092"]

    def topics(self, service: str, *, retry: bool = True) -> list[str]:
        """Their names."""
        return sorted(self.specs)

    def create_topic(self, service: str, spec: TopicSpec) -> None:
        """Create a topic."""
        if spec.name in self.specs:
            raise AlreadyExists(["create", spec.name], 1, "", "already exists")
        self.specs[spec.name] = spec

    def describe_topic(self, service: str, name: str) -> tuple[int, int]:
        """All replicas are in sync."""
        return self.specs[name].partitions, self.specs[name].replication

    def delete_topic(self, service: str, name: str) -> None:
        """Delete a topic."""
        self.specs.pop(name, None)


class MemorySecrets:
    """The names of secrets and accounts, without values."""

    def __init__(self) -> None:
        self.names: set[tuple[Literal["secret", "account"], str]] = set()

    def has_secret(self, path: str) -> bool:
        """Whether the secret exists."""
        return ("secret", path) in self.names

    def has_account(self, name: str) -> bool:
        """Whether the account exists."""
        return ("account", name) in self.names

    def create_secret(self, path: str, file: Path) -> None:
        """Create a secret."""
        self.names.add(("secret", path))

    def create_account_secret(self, path: str, account: str, private: Path, *, strict: bool) -> None:
        """Create an account's secret."""
        self.names.add(("secret", path))

    def create_account(self, name: str, public: Path, description: str) -> None:
        """Create an account."""
        self.names.add(("account", name))

    def how_to_delete(self, kind: Literal["secret", "account"], name: str) -> str:
        """A command that does not exist."""
        return f"forget the {kind} {name}"


def _running(manifest: Manifest) -> AppStatus:
    now = datetime.now(UTC)
    return AppStatus(
        id=manifest.id,
        labels=manifest.labels,
        instances=manifest.instances,
        running=manifest.instances,
        healthy=manifest.instances,
        starting=0,
        checked=True,
        rolling_out=False,
        revised_at=now,
        changed_at=now,
        env=manifest.env,
        ports={},
        observed=manifest.document,
    )


def _shown(manifest: Manifest) -> dict[str, Any]:
    return {
        "app": manifest.id,
        "tags": dict(manifest.labels),
        "replicas": manifest.instances,
        "environment": dict(manifest.env),
        "definition": dict(manifest.document),
    }

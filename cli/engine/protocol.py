"""The protocol of an engine: apps, their tasks and logs, jobs, packages, Kafka, secrets and the front door.

Every method may raise an EngineError. A method that changes something returns once the engine has accepted
the change. If an answer is lost, it checks the cluster before it repeats the command.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, Protocol, Self

from cli.engine.accounts import Accounts
from cli.engine.surroundings import Areas, Clusters, NodeStatus
from kafka_topic.plan import TopicSpec
from marathon.model import App, Job

LogStream = Literal["stdout", "stderr"]
# The label with the group of the bundle that owns an app.
OWNER = "pipectl.bundle"
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Manifest:
    """The desired state of an app.

    document: the definition in the engine's own form. The other fields are the parts of it that steps use.
    """

    id: str
    labels: Mapping[str, str]
    instances: int
    env: Mapping[str, Any] = field(repr=False)
    document: Mapping[str, Any] = field(repr=False)

    @classmethod
    def of(cls, app: App) -> Self:
        """The manifest of a rendered app."""
        return cls(app.id, app.labels, app.instances, app.env, app.definition)

    @property
    def owner(self) -> str | None:
        """The group of the bundle that owns the app, if any."""
        return self.labels.get(OWNER)


@dataclass(frozen=True)
class AppStatus:
    """The current state of an app.

    instances: the desired number. starting: launched tasks that do not run yet. checked: whether it has
    health checks. rolling_out: whether a change is in progress. revised_at: the time of its current
    definition. changed_at: the time of the last change, including its number of instances. ports: by name.
    observed: the app in the engine's own form.
    """

    id: str
    labels: Mapping[str, str]
    instances: int
    running: int
    healthy: int
    starting: int
    checked: bool
    rolling_out: bool
    revised_at: datetime
    changed_at: datetime
    env: Mapping[str, Any] = field(repr=False)
    ports: Mapping[str, int]
    observed: Mapping[str, Any] = field(repr=False)

    @property
    def owner(self) -> str | None:
        """The group of the bundle that owns the app, if any."""
        return self.labels.get(OWNER)


@dataclass(frozen=True)
class Task:
    """One process of an app. revised_at: the time of the definition that it runs."""

    id: str
    started_at: datetime | None
    revised_at: datetime


@dataclass(frozen=True)
class Failure:
    """The failure of a task: when, which task, and the engine's message."""

    time: datetime
    task_id: str
    state: str
    message: str


@dataclass(frozen=True)
class JobManifest:
    """A one-off job as it should be. document: the definition in the engine's own form."""

    id: str
    labels: Mapping[str, str]
    document: Mapping[str, Any] = field(repr=False)

    @classmethod
    def of(cls, job: Job) -> Self:
        """The manifest of a rendered job."""
        return cls(job.id, job.labels, job.definition)


@dataclass(frozen=True)
class JobRun:
    """One run of a job. ended_at, succeeded: None while it is active."""

    id: str
    job_id: str
    started_at: datetime
    ended_at: datetime | None
    succeeded: bool | None


@dataclass(frozen=True)
class JobStatus:
    """A one-off job as it is.

    active: its active runs, the oldest first. succeeded_at, failed_at: when the last run that succeeded, and
    the last that failed, ended. observed: the job in the engine's own form.
    """

    id: str
    labels: Mapping[str, str]
    active: Sequence[JobRun]
    succeeded_at: datetime | None
    failed_at: datetime | None
    observed: Mapping[str, Any] = field(repr=False)

    @property
    def owner(self) -> str | None:
        """The group of the bundle that it belongs to, if any."""
        return self.labels.get(OWNER)


@dataclass(frozen=True)
class ServiceStatus:
    """The progress of a package's service.

    status: one word; COMPLETE when all steps are done. pending: the other steps. errors: its messages.
    """

    status: str
    pending: Sequence[str] = ()
    errors: Sequence[str] = ()

    @property
    def complete(self) -> bool:
        """Whether all steps are done."""
        return self.status == "COMPLETE"


@dataclass(frozen=True)
class Package:
    """An installed package."""

    version: str | None


@dataclass(frozen=True)
class Credentials:
    """The user's credentials at the front door: the value of the header Authorization, a secret.

    verify: whether to verify TLS certificates. ca: a file of trusted CA certificates; None: the system's.
    how_to_log_in, how_to_show_ca: the engine's own commands that log in, and that show which file `ca` is.
    """

    authorization: str = field(repr=False)
    verify: bool = True
    ca: str | None = None
    how_to_log_in: str = field(kw_only=True)
    how_to_show_ca: str = field(kw_only=True)


class Jobs(Protocol):
    """One-off jobs. An engine may run a job twice at once, so a caller checks for active runs first."""

    def all(self) -> Mapping[str, JobStatus]:
        """Every job by its id."""

    def differences(self, manifest: JobManifest, job: JobStatus | None) -> list[str]:
        """The unified diff from the job as it is to the manifest; empty when nothing has to change."""

    def put(self, manifest: JobManifest) -> None:
        """Add the job, or update it to the manifest; active runs do not change."""

    def start(self, job_id: str) -> JobRun:
        """Start a run of a job."""

    def state(self, run: JobRun) -> JobRun:
        """The current state of the run. A run that the engine no longer knows has failed."""

    def output(self, run: JobRun, stream: LogStream) -> list[str]:
        """All lines that a run has printed. While it is active, the last one may be incomplete."""

    def exit_code(self, run: JobRun) -> int | None:
        """The exit code of a run that has ended; None if it has none, or if it cannot be read (yet)."""

    def stop(self, run: JobRun) -> None:
        """Stop a run if it is active; returns before it has ended."""

    def remove(self, job_id: str) -> None:
        """Remove a job, its active runs and its history."""


class Packages(Protocol):
    """Packages of the engine's catalog."""

    def installed(self, package: str, service: str) -> Package | None:
        """The package that runs as this service, if any."""

    def options(self, service: str) -> Mapping[str, Any] | None:
        """The options that a service was installed with; None if they cannot be read."""

    def check_offered(self, name: str, package: str, version: str | None) -> None:
        """Raise PipectlError if the package is not available in this version. None means the newest.

        name: the component's name, whose settings choose the version.
        """

    def install(self, package: str, version: str | None, service: str, options: Mapping[str, Any]) -> None:
        """Install a package as this service."""

    def status(self, package: str, service: str) -> ServiceStatus:
        """The progress of the service. Raises EngineError, or ValueError for an invalid answer."""

    def how_to_inspect(self, name: str, service: str) -> str:
        """The engine's own command that shows the progress of the service. name: the component's name."""

    def why_waiting(self, service: str, options: Mapping[str, Any]) -> str:
        """Why the engine does not launch a service with these options; empty if unknown."""

    def differences(self, wanted: Mapping[str, Any], installed: Mapping[str, Any]) -> list[str]:
        """The unified diff from the installed options to the wanted ones."""

    def host_of(self, service: str, task: str) -> str:
        """The name of a task's host on the cluster's own network."""

    def how_to_update(self, name: str, service: str, version: str | None, *, options: bool) -> str:
        """How a user updates an installed package that differs, as a sentence.

        name: the component's name, which is also the name of its options file from `pipectl render`.
        """


class Kafka(Protocol):
    """A Kafka service and its topics. `retry=False`: do not retry, since the caller polls."""

    def brokers(self, service: str, *, retry: bool = True) -> list[str]:
        """`host:port` of every broker."""

    def topics(self, service: str, *, retry: bool = True) -> list[str]:
        """The names of all topics."""

    def create_topic(self, service: str, spec: TopicSpec) -> None:
        """Create a topic with its partitions and replicas. It must not exist."""

    def describe_topic(self, service: str, name: str) -> tuple[int, int]:
        """The number of partitions of a topic, and the highest number of in-sync replicas of one."""

    def delete_topic(self, service: str, name: str) -> None:
        """Delete a topic and all its records."""


class Secrets(Protocol):
    """Secrets and service accounts. Values are never read. Raises StepFailed if the engine has none."""

    def has_secret(self, path: str) -> bool:
        """Whether the secret exists."""

    def has_account(self, name: str) -> bool:
        """Whether the service account exists."""

    def create_secret(self, path: str, file: Path) -> None:
        """Create a secret from the content of `file`."""

    def create_account_secret(self, path: str, account: str, private: Path, *, strict: bool) -> None:
        """Create the secret with which a service logs in as `account`, from the key in `private`."""

    def create_account(self, name: str, public: Path, description: str) -> None:
        """Create a service account with the public key in `public`."""

    def how_to_delete(self, kind: Literal["secret", "account"], name: str) -> str:
        """The engine's own command that deletes one."""


class Engine(Protocol):
    """One cluster."""

    @property
    def jobs(self) -> Jobs:
        """Its one-off jobs."""

    @property
    def packages(self) -> Packages:
        """Its packages."""

    @property
    def kafka(self) -> Kafka:
        """Its Kafka services."""

    @property
    def secrets(self) -> Secrets:
        """Its secrets."""

    @property
    def accounts(self) -> Accounts:
        """Its accounts of services and people."""

    @property
    def areas(self) -> Areas:
        """Its areas."""

    @property
    def clusters(self) -> Clusters:
        """The clusters that its client knows, and its links."""

    @property
    def stop(self) -> threading.Event:
        """Setting it stops retries and running commands."""

    def check(self) -> None:
        """Check that the cluster is reachable with the user's login. Raises EngineError if not."""

    def apps(self, *, fresh: bool = False) -> Mapping[str, AppStatus]:
        """All apps by id. `fresh` bypasses the short cache that components share."""

    def differences(self, manifest: Manifest, app: AppStatus | None) -> list[str]:
        """The unified diff from the app to the manifest; empty if nothing has to change."""

    def manifest_of(self, app: AppStatus) -> Manifest:
        """The manifest of an app as it is."""

    def is_replaced(self, manifest: Manifest, app: AppStatus) -> bool:
        """Whether the change needs a new app, because an update cannot remove everything."""

    def create(self, manifest: Manifest) -> None:
        """Create an app. It must not exist."""

    def update(self, manifest: Manifest, app: AppStatus) -> None:
        """Update an app to the manifest. This replaces a change that is in progress."""

    def scale(
        self, app: AppStatus, instances: int, env: Mapping[str, Any], labels: Mapping[str, str]
    ) -> None:
        """Change only an app's number of instances, its environment and its labels."""

    def delete(self, app_id: str) -> None:
        """Delete an app if it exists, even if a change of it is in progress."""

    def start_limit(self, manifest: Manifest) -> timedelta:
        """The time that an app may take to become healthy, by its own health checks."""

    def tasks(self, app_id: str) -> list[Task]:
        """The app's tasks."""

    def nodes(self) -> list[NodeStatus]:
        """The agents of the cluster."""

    def last_failure(self, app_id: str) -> Failure | None:
        """The last failure of the app's tasks."""

    def why_waiting(self, manifest: Manifest) -> str:
        """Why the engine does not launch an app's tasks; empty if unknown."""

    def logs(self, task_id: str, stream: LogStream, lines: int, *, ended: bool = False) -> str:
        """The last lines of a task's output. ended: also look for tasks that have ended."""

    def follow(self, task_id: str, stream: LogStream, lines: int) -> None:
        """Print the last lines of a task and then its new output, until it ends or the user stops it."""

    def front_door(self) -> str:
        """The address at which users reach the cluster, without a trailing slash."""

    def service_page(self, name: str) -> str:
        """The address of a service's page at the front door, with a trailing slash."""

    def credentials(self) -> Credentials:
        """The user's credentials at the front door."""

    def how_to_inspect(self, kind: Literal["app", "rollouts", "topics"], name: str) -> str:
        """The engine's own command that shows details, for the hint of an error."""


def newest_task(engine: Engine, app_id: str) -> Task | None:
    """The app's task that started last, if any."""
    return max(engine.tasks(app_id), key=lambda task: task.started_at or _NEVER, default=None)

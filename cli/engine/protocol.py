"""What `pipectl` needs of an engine: apps, tasks and logs, jobs, packages, Kafka, secrets, the front door.

Every method may raise an EngineError. One that changes something returns only once the engine has taken the
change, and looks on the cluster before it repeats a command whose answer was lost.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, Protocol, Self

from kafka_topic.plan import TopicSpec
from marathon.model import App, Job

LogStream = Literal["stdout", "stderr"]
# The label that says whose an app is. Its value is the bundle's group.
OWNER = "pipectl.bundle"
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Manifest:
    """An app as it should be.

    document: the definition in the engine's own form, of which the other fields are what the steps speak of.
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
        """The group of the bundle that it belongs to, if any."""
        return self.labels.get(OWNER)


@dataclass(frozen=True)
class AppStatus:
    """An app as it is.

    instances: how many are wanted. starting: tasks that are launched and do not run yet. checked: whether
    health checks tell which are healthy. rolling_out: whether a change of the app has not ended. revised_at:
    when its present definition was set. changed_at: when anything of it was changed, its number of instances
    too. ports: by name. observed: the app in the engine's own form.
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
        """The group of the bundle that it belongs to, if any."""
        return self.labels.get(OWNER)


@dataclass(frozen=True)
class Task:
    """One process of an app. revised_at: when the definition that it was started with was set."""

    id: str
    started_at: datetime | None
    revised_at: datetime


@dataclass(frozen=True)
class Failure:
    """How a task of an app failed: at what time, which one, and what the engine says of it."""

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
    """One run of a job. ended_at, succeeded: None while it goes on."""

    id: str
    job_id: str
    started_at: datetime
    ended_at: datetime | None
    succeeded: bool | None


@dataclass(frozen=True)
class JobStatus:
    """A one-off job as it is.

    active: its runs that go on, the oldest first. succeeded_at, failed_at: the ends of its last runs that
    did. observed: the job in the engine's own form.
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
    """How far a package's service is with what it was asked for.

    status: one word, COMPLETE when all is done. pending: its steps that are not done. errors: what it
    complains of.
    """

    status: str
    pending: Sequence[str] = ()
    errors: Sequence[str] = ()

    @property
    def complete(self) -> bool:
        """Whether all is done."""
        return self.status == "COMPLETE"


@dataclass(frozen=True)
class Package:
    """A package as it is installed."""

    version: str | None


@dataclass(frozen=True)
class Credentials:
    """How the front door knows the user: the value of the header Authorization, which is a secret.

    verify: whether TLS is checked. ca: a file of the authorities that are trusted, the system's when None.
    """

    authorization: str = field(repr=False)
    verify: bool = True
    ca: str | None = None


class Jobs(Protocol):
    """One-off jobs. An engine may run one twice at a time: whoever starts it looks first."""

    def all(self) -> Mapping[str, JobStatus]:
        """Every job by its id."""

    def differences(self, manifest: JobManifest, job: JobStatus | None) -> list[str]:
        """The unified diff from the job as it is to the manifest; empty when nothing has to change."""

    def put(self, manifest: JobManifest) -> None:
        """Add the job, or make it as the manifest says; runs that go on stay as they are."""

    def start(self, job_id: str) -> JobRun:
        """Start a run of a job."""

    def state(self, run: JobRun) -> JobRun:
        """The run as it is now; one that nothing knows any more has failed."""

    def output(self, run: JobRun, stream: LogStream) -> list[str]:
        """All lines that a run has printed; the last one may not be whole while it goes on."""

    def exit_code(self, run: JobRun) -> int | None:
        """The exit code of a run that has ended; None when it has none, or it cannot be read (yet)."""

    def stop(self, run: JobRun) -> None:
        """End a run, if it goes on; returns before it has ended."""

    def remove(self, job_id: str) -> None:
        """Remove a job, its runs that go on and its history."""


class Packages(Protocol):
    """Packages of the engine's catalogue."""

    def installed(self, package: str, service: str) -> Package | None:
        """The package that runs as this service; None when none does."""

    def options(self, service: str) -> Mapping[str, Any] | None:
        """What the package of a service was installed with; None when that cannot be read."""

    def check_offered(self, package: str, version: str | None) -> None:
        """Raises PipectlError when no catalogue has the package in this version; None means the newest."""

    def install(self, package: str, version: str | None, service: str, options: Mapping[str, Any]) -> None:
        """Install a package as this service."""

    def why_waiting(self, service: str, options: Mapping[str, Any]) -> str:
        """What keeps the engine from launching a service that was given these options; empty when unknown."""

    def differences(self, wanted: Mapping[str, Any], installed: Mapping[str, Any]) -> list[str]:
        """The unified diff from the options that are installed to those wanted."""

    def how_to_update(self, name: str, service: str, version: str | None, *, options: bool) -> str:
        """What a user does about an installed package that differs, as part of a sentence.

        name: the component's, which `pipectl render` gives the file of its options.
        """


class Kafka(Protocol):
    """A Kafka service and its topics. `retry=False`: ask once only, as somebody waits and will ask again."""

    def status(self, service: str) -> ServiceStatus:
        """How far the service is. Raises EngineError, or ValueError for an answer that makes no sense."""

    def brokers(self, service: str, *, retry: bool = True) -> list[str]:
        """`host:port` of every broker."""

    def topics(self, service: str, *, retry: bool = True) -> list[str]:
        """The names of all topics."""

    def create_topic(self, service: str, spec: TopicSpec) -> None:
        """Create a topic with its partitions and replicas. Topics that exist must not be asked for."""

    def describe_topic(self, service: str, name: str) -> tuple[int, int]:
        """The partitions of a topic, and the replicas in sync of its best one."""

    def delete_topic(self, service: str, name: str) -> None:
        """Delete a topic and all that is in it."""


class Secrets(Protocol):
    """Secrets and service accounts; values are never read. Raises StepFailed where the engine has none."""

    def has_secret(self, path: str) -> bool:
        """Whether the secret is there."""

    def has_account(self, name: str) -> bool:
        """Whether the service account is there."""

    def create_secret(self, path: str, file: Path) -> None:
        """Create a secret with what is in `file`."""

    def create_account_secret(self, path: str, account: str, private: Path, *, strict: bool) -> None:
        """Create the secret by which a service logs in as `account` with the key in `private`."""

    def create_account(self, name: str, public: Path, description: str) -> None:
        """Create a service account with the public key in `public`."""

    def how_to_delete(self, kind: Literal["secret", "account"], name: str) -> str:
        """The engine's own command that deletes one."""


class Engine(Protocol):
    """One cluster of some engine."""

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
    def stop(self) -> threading.Event:
        """Set: nothing is tried again, and what runs is ended."""

    def check(self) -> None:
        """Reach the cluster as the user who is logged in; raises the EngineError that says what is wrong."""

    def apps(self, *, fresh: bool = False) -> Mapping[str, AppStatus]:
        """Every app by its id; `fresh` forbids a reading that another component has just made."""

    def differences(self, manifest: Manifest, app: AppStatus | None) -> list[str]:
        """The unified diff from the app as it is to the manifest; empty when nothing has to change."""

    def manifest_of(self, app: AppStatus) -> Manifest:
        """The manifest that makes the app as it is."""

    def is_replaced(self, manifest: Manifest, app: AppStatus) -> bool:
        """Whether only a new app can become as the manifest says: an update can't take everything away."""

    def create(self, manifest: Manifest) -> None:
        """Create an app; it must not exist."""

    def update(self, manifest: Manifest, app: AppStatus) -> None:
        """Make an app as the manifest says; a change of it that has not ended gives way."""

    def scale(self, app: AppStatus, instances: int, env: Mapping[str, str]) -> None:
        """Change an app's number of instances and these variables of its environment, and nothing else."""

    def delete(self, app_id: str) -> None:
        """Delete an app, if it is there; a change of it that has not ended does not hold it up."""

    def start_limit(self, manifest: Manifest) -> timedelta:
        """How long the app may take to be healthy, by its own health checks."""

    def tasks(self, app_id: str) -> list[Task]:
        """The app's tasks."""

    def last_failure(self, app_id: str) -> Failure | None:
        """The app's last task that failed."""

    def why_waiting(self, manifest: Manifest) -> str:
        """What keeps the engine from launching an app's tasks; empty when unknown."""

    def logs(self, task_id: str, stream: LogStream, lines: int, *, ended: bool = False) -> str:
        """The last lines that a task has printed. ended: it may be one that runs no more."""

    def follow(self, task_id: str, stream: LogStream, lines: int) -> None:
        """Print the last lines of a task and then what it prints, until it ends or the user stops it."""

    def front_door(self) -> str:
        """The address at which users reach the cluster, without a slash at its end."""

    def service_page(self, name: str) -> str:
        """The address of a service's page at the front door, with a slash at its end."""

    def credentials(self) -> Credentials:
        """How the front door knows the user."""

    def how_to_inspect(self, kind: Literal["app", "rollouts", "service", "topics"], name: str) -> str:
        """The engine's own command that shows more, for the next step of an error."""


def newest_task(engine: Engine, app_id: str) -> Task | None:
    """The app's task that started last; None when it has none."""
    return max(engine.tasks(app_id), key=lambda task: task.started_at or _NEVER, default=None)

"""Apps, tasks and deployments, each with its JSON form for the state file."""

import asyncio
import secrets
import subprocess
import time
import uuid
from dataclasses import dataclass, field, fields
from typing import Any, Protocol, Self

from local_dcos.home import OWN_AGENT
from local_dcos.stamps import seconds_of, stamp

Json = dict[str, Any]
VERSIONS_KEPT = 25
STAGING, RUNNING, KILLING = "TASK_STAGING", "TASK_RUNNING", "TASK_KILLING"
FINISHED, FAILED, KILLED = "TASK_FINISHED", "TASK_FAILED", "TASK_KILLED"
UNREACHABLE, GONE = "TASK_UNREACHABLE", "TASK_GONE"
# The minimum, whatever a definition says: an app that fails at once must not take all of a processor.
MIN_BACKOFF_SECONDS = 0.2

# Marks the fields of a record that are not saved.
NOT_SAVED = {"saved": False}


@dataclass
class Record:
    """Something with a JSON form for the state file."""

    def to_json(self) -> Json:
        """Returns its saved fields."""
        saved = [each.name for each in fields(self) if each.metadata.get("saved", True)]
        return {name: getattr(self, name) for name in saved}

    @classmethod
    def from_json(cls, document: Json) -> Self:
        """Returns what `to_json` saved."""
        return cls(**document)


class Process(Protocol):
    """The process of a task. Its agent has started it, and learns how it ends."""

    @property
    def pid(self) -> int: ...

    def wait(self) -> int | None:
        """Returns the exit code, negative for a signal, of a process that has ended; None if nobody knows."""


@dataclass
class Node(Record):
    """An agent. The only agent has no process of its own.

    back_at: when one that was killed starts again. silent: whether it runs but did not answer.
    """

    id: str
    pid: int = 0
    created: float = 0.0
    back_at: float = 0.0
    up: bool = field(default=False, metadata=NOT_SAVED)
    silent: bool = field(default=False, metadata=NOT_SAVED)
    process: "subprocess.Popen[bytes] | None" = field(default=None, metadata=NOT_SAVED)

    @property
    def is_active(self) -> bool:
        """Whether it takes tasks."""
        return self.up and not self.silent


@dataclass
class CheckResult:
    """The results of one health check of one task."""

    alive: bool | None = None
    consecutive_failures: int = 0
    first_success: str | None = None
    last_success: str | None = None
    last_failure: str | None = None
    last_cause: str | None = None


@dataclass
class Task(Record):
    """One process of an app, running or ended."""

    id: str
    app_id: str
    version: str = ""
    config_version: str = ""
    ports: list[int] = field(default_factory=list)
    staged_at: str = field(default_factory=stamp)
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    pid: int = 0
    created: float = 0.0
    started_at: str | None = None
    finished_at: str | None = None
    state: str = STAGING
    message: str = ""
    # Earlier versions had only one agent, and did not save it.
    agent_id: str = OWN_AGENT
    # A restarted agent checks its tasks again.
    health: list[CheckResult] = field(default_factory=list, metadata=NOT_SAVED)
    kill_reason: str | None = field(default=None, metadata=NOT_SAVED)
    process: Process | None = field(default=None, metadata=NOT_SAVED)
    exited: asyncio.Event = field(default_factory=asyncio.Event, metadata=NOT_SAVED)
    watchers: list["asyncio.Task[None]"] = field(default_factory=list, metadata=NOT_SAVED)

    @property
    def is_healthy(self) -> bool | None:
        """False if a check fails, True if all pass, None if there are no results yet."""
        answers = [result.alive for result in self.health]
        if False in answers:
            return False
        return None if None in answers or not answers else True

    @property
    def is_available(self) -> bool:
        """Whether the task runs and passes its health checks. Deployments wait for that."""
        return self.state == RUNNING and all(result.alive for result in self.health)


@dataclass
class App(Record):
    """An app: its definition, its earlier versions, and the state of its launches."""

    definition: Json
    versions: dict[str, Json] = field(default_factory=dict)
    last_scaling_at: str = ""
    last_config_change_at: str = ""
    last_failure: Json | None = None
    deleting: bool = False
    delay: float = 0.0
    next_launch: float = 0.0
    deployment: str | None = field(default=None, metadata=NOT_SAVED)
    waiting_since: float | None = field(default=None, metadata=NOT_SAVED)
    offers: int = field(default=0, metadata=NOT_SAVED)
    rejections: dict[str, int] = field(default_factory=dict, metadata=NOT_SAVED)
    last_rejection: str | None = field(default=None, metadata=NOT_SAVED)
    last_offer_used: str | None = field(default=None, metadata=NOT_SAVED)
    timer: asyncio.TimerHandle | None = field(default=None, metadata=NOT_SAVED)

    @property
    def id(self) -> str:
        return str(self.definition["id"])

    @property
    def version(self) -> str:
        return str(self.definition["version"])

    @property
    def instances(self) -> int:
        return int(self.definition["instances"])

    def set_definition(self, definition: Json, version: str, *, config_changed: bool) -> None:
        """Makes `definition` the current one. `version` is its name."""
        self.definition = {**definition, "version": version}
        self.versions[version] = self.definition
        for old in sorted(self.versions)[:-VERSIONS_KEPT]:
            del self.versions[old]
        self.last_scaling_at = version
        if config_changed or not self.last_config_change_at:
            self.last_config_change_at = version
            self.delay = self.next_launch = 0.0

    def definition_of(self, task: Task) -> Json:
        """Returns the definition that `task` was launched with."""
        return self.versions.get(task.version, self.definition)

    def keeps_place(self, task: Task) -> bool:
        """Whether no other task may take the place of an unreachable one yet."""
        strategy = self.definition_of(task)["unreachableStrategy"]
        if task.config_version != self.last_config_change_at:
            return False
        lost_at = seconds_of(task.finished_at or task.staged_at)
        return strategy == "disabled" or time.time() - lost_at < float(strategy["inactiveAfterSeconds"])

    def failed(self, task: Task) -> None:
        """Delays the next launch after a task has ended. The delay grows with each task that ended soon."""
        definition = self.definition
        lived = time.time() - seconds_of(task.started_at or task.staged_at)
        longest = float(definition["maxLaunchDelaySeconds"])
        if self.delay and lived < max(10.0, 2 * self.delay):
            self.delay = min(longest, self.delay * float(definition["backoffFactor"]))
        else:
            self.delay = min(longest, float(definition["backoffSeconds"]))
        self.next_launch = time.time() + max(MIN_BACKOFF_SECONDS, self.delay)

    def rejected(self, reason: str) -> None:
        """Records why a launch was impossible, for the launch queue."""
        self.offers += 1
        self.rejections[reason] = self.rejections.get(reason, 0) + 1
        self.last_rejection = stamp()

    def launched(self) -> None:
        """Clears what was recorded for the launch queue: an offer was used, even if its launch failed."""
        self.rejections.clear()
        self.offers = 0
        self.last_offer_used = stamp()


@dataclass
class Deployment(Record):
    """A change of one app that has not ended. `previous` is the definition before it, None for a new app."""

    version: str
    app_id: str
    action: str
    previous: Json | None
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

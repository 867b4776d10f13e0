"""The jobs of the agent: each definition with its runs, and their JSON form for the state file."""

from dataclasses import dataclass, field
from typing import Self

from local_dcos import model
from local_dcos.model import Json, Record, Task

STARTING, ACTIVE, SUCCESS, FAILED = "STARTING", "ACTIVE", "SUCCESS", "FAILED"
HISTORY_KEPT = 10


@dataclass
class Run(Record):
    """One run of a job: its definition at the start, and its only task."""

    id: str
    created_at: str
    definition: Json
    task: Task
    status: str = STARTING
    finished_at: str | None = None

    def to_json(self) -> Json:
        return {**super().to_json(), "task": self.task.to_json()}

    @classmethod
    def from_json(cls, document: Json) -> Self:
        return super().from_json({**document, "task": Task.from_json(document["task"])})

    def end(self, message: str, *, succeeded: bool, at: str) -> None:
        """Records the end of the run."""
        self.status, self.finished_at = SUCCESS if succeeded else FAILED, at
        self.task.message, self.task.finished_at = message, at
        if succeeded:
            self.task.state = model.FINISHED
        else:
            self.task.state = model.FAILED if self.task.kill_reason is None else model.KILLED
        self.task.exited.set()


@dataclass
class Job(Record):
    """A job: its definition, its active runs, and its last ended runs."""

    definition: Json
    active: dict[str, Run] = field(default_factory=dict)
    ended: list[Run] = field(default_factory=list)
    successes: int = 0
    failures: int = 0

    def to_json(self) -> Json:
        active = [run.to_json() for run in self.active.values()]
        return {**super().to_json(), "active": active, "ended": [run.to_json() for run in self.ended]}

    @classmethod
    def from_json(cls, document: Json) -> Self:
        active, ended = ([Run.from_json(run) for run in document[key]] for key in ("active", "ended"))
        return super().from_json({**document, "active": {run.id: run for run in active}, "ended": ended})

    @property
    def id(self) -> str:
        return str(self.definition["id"])

    def over(self, run: Run) -> list[Run]:
        """Moves an ended run to the history; returns the runs that drop out of it."""
        self.active.pop(run.id, None)
        self.ended.insert(0, run)
        if run.status == SUCCESS:
            self.successes += 1
        else:
            self.failures += 1
        same = [one for one in self.ended if one.status == run.status]
        dropped = same[HISTORY_KEPT:]
        self.ended = [one for one in self.ended if one not in dropped]
        return dropped

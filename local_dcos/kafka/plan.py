"""The deploy plan of the service, as the DC/OS SDK shows it."""

import uuid
from dataclasses import dataclass, field
from typing import Any

PENDING, IN_PROGRESS, COMPLETE, ERROR = "PENDING", "IN_PROGRESS", "COMPLETE", "ERROR"
# What the SDK's scheduler answers for a plan in each state.
HTTP_STATUS = {COMPLETE: 200, ERROR: 417}


@dataclass
class Step:
    """One thing to do; phases of the SDK are phases of one step here."""

    phase: str
    name: str
    message: str = ""
    status: str = PENDING
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def to_json(self) -> dict[str, Any]:
        step = {"id": self.id, "name": self.name, "status": self.status, "message": self.message}
        return {
            "id": self.id,
            "name": self.phase,
            "strategy": "serial",
            "status": self.status,
            "steps": [step],
        }


class Plan:
    """The steps from nothing to a serving broker."""

    def __init__(self) -> None:
        self.jars = Step("jars", "jars")
        self.broker = Step("broker", "kafka-0:[broker]")
        self.errors: list[str] = []

    def begin(self, step: Step, message: str) -> None:
        step.status, step.message = IN_PROGRESS, message

    def finish(self, step: Step) -> None:
        step.status, step.message = COMPLETE, ""

    def fail(self, cause: str) -> None:
        """Marks the step that is going on as failed."""
        self.errors.append(cause)
        for step in (self.jars, self.broker):
            if step.status == IN_PROGRESS:
                step.status, step.message = ERROR, cause

    @property
    def status(self) -> str:
        states = [step.status for step in (self.jars, self.broker)]
        if self.errors:
            return ERROR
        return COMPLETE if states == [COMPLETE, COMPLETE] else IN_PROGRESS

    @property
    def http_status(self) -> int:
        return HTTP_STATUS.get(self.status, 202)

    def to_json(self) -> dict[str, Any]:
        return {
            "phases": [step.to_json() for step in (self.jars, self.broker)],
            "errors": self.errors,
            "strategy": "serial",
            "status": self.status,
        }

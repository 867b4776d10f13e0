"""The deploy plan of the service, in the form of the DC/OS SDK."""

import uuid
from dataclasses import dataclass, field
from typing import Any

PENDING, IN_PROGRESS, COMPLETE, ERROR = "PENDING", "IN_PROGRESS", "COMPLETE", "ERROR"
# The HTTP status of a plan in each state; of the others it is 202.
HTTP_STATUS = {COMPLETE: 200, ERROR: 417}


@dataclass
class Step:
    """One step of the plan, which is the only one of its phase."""

    phase: str
    name: str
    message: str = ""
    status: str = PENDING
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def begin(self, message: str) -> None:
        self.status, self.message = IN_PROGRESS, message

    def finish(self) -> None:
        self.status, self.message = COMPLETE, ""

    def to_json(self) -> dict[str, Any]:
        step = {"id": self.id, "name": self.name, "status": self.status, "message": self.message}
        return {**step, "name": self.phase, "strategy": "serial", "steps": [step]}


class Plan:
    """The steps until the service serves. The first one fetches the jars, the second one starts the node."""

    def __init__(self, phase: str, node: str) -> None:
        self.jars = Step("jars", "jars")
        self.node = Step(phase, node)
        self.errors: list[str] = []

    def fail(self, cause: str) -> None:
        """Marks the current step as failed."""
        self.errors.append(cause)
        for step in (self.jars, self.node):
            if step.status == IN_PROGRESS:
                step.status, step.message = ERROR, cause

    @property
    def status(self) -> str:
        if self.errors:
            return ERROR
        return COMPLETE if self.jars.status == self.node.status == COMPLETE else IN_PROGRESS

    @property
    def http_status(self) -> int:
        return HTTP_STATUS.get(self.status, 202)

    def to_json(self) -> dict[str, Any]:
        phases = [step.to_json() for step in (self.jars, self.node)]
        return {"phases": phases, "errors": self.errors, "strategy": "serial", "status": self.status}

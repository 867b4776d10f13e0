"""What every step promises, and the waiting that they share."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal, Protocol

from cli.errors import Interrupted, WaitTimeout

POLL_SECONDS = 0.4

Action = Literal["create", "update", "remove", "unchanged"]
Report = Callable[[str], None]


@dataclass(frozen=True)
class Change:
    """What applying a step would do.

    diff: the lines of a unified diff. notes: what is named besides. blocked: why the change must not be made.
    additive: an update that takes nothing away from what is there.
    """

    action: Action
    diff: list[str] = field(default_factory=list)
    notes: tuple[str, ...] = ()
    blocked: str | None = None
    additive: bool = False

    @property
    def modifies(self) -> bool:
        """Whether something that exists is changed or removed."""
        return self.action in {"update", "remove"} and not self.additive


@dataclass(frozen=True)
class State:
    """How a component is: `state` is one word, `detail` a few more for people."""

    ready: bool
    state: str
    detail: str = ""


class Step(Protocol):
    """One component of the bundle."""

    name: str
    kind: str
    depends_on: frozenset[str]

    def plan(self) -> Change:
        """Compare what is wanted with what is there; changes nothing."""

    def apply(self, change: Change) -> None:
        """Carry the change out; returns before the component is ready."""

    def restore(self, report: Report, stop: threading.Event) -> str | None:
        """Undo what `apply` did and wait for that; says what was put back, None when nothing was."""

    def wait(self, report: Report, stop: threading.Event) -> None:
        """Return once the component is ready; raises WaitTimeout or StepFailed."""

    def state(self) -> State:
        """How the component is now; changes nothing."""

    def remove(self, report: Report, stop: threading.Event) -> bool:
        """Take the component away and wait until it is gone; False when there was nothing of ours."""


def wait_until(
    done: Callable[[], bool],
    *,
    what: str,
    timeout: timedelta,
    stop: threading.Event,
    hint: str | None = None,
    last_seen: Callable[[], str] = str,
) -> None:
    """Ask `done` until it is true. The error of a wait that runs out says what it waited for and last saw."""
    deadline = time.monotonic() + timeout.total_seconds()
    while not done():
        if time.monotonic() > deadline:
            seen = last_seen()
            raise WaitTimeout(
                f"waited {timeout.total_seconds():g} s for {what}" + (f"; last seen: {seen}" if seen else ""),
                hint=hint,
            )
        if stop.wait(POLL_SECONDS):
            raise Interrupted(f"stopped waiting for {what}")

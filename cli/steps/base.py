"""The protocol of steps, and how they wait."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal, Protocol

from cli.errors import Interrupted, WaitTimeout

POLL_SECONDS = 0.4
# A look takes commands. Where they are slow, because machine or cluster are busy, looks are rarer.
PAUSE_PER_LOOK = 1.0

Action = Literal["create", "update", "remove", "unchanged"]
Report = Callable[[str], None]


@dataclass(frozen=True)
class Change:
    """What applying a step would do.

    diff: the lines of a unified diff. summary: what would be created, in a few words. notes: further remarks.
    blocked: why the change is not allowed. additive: whether an update only adds to what exists.
    """

    action: Action
    diff: list[str] = field(default_factory=list)
    notes: tuple[str, ...] = ()
    blocked: str | None = None
    additive: bool = False
    summary: str = ""

    @property
    def modifies(self) -> bool:
        """Whether the change modifies or removes something that exists."""
        return self.action in {"update", "remove"} and not self.additive


@dataclass(frozen=True)
class State:
    """The state of a component: one word, and a few more as `detail`."""

    ready: bool
    state: str
    detail: str = ""


class Step(Protocol):
    """One component of the bundle."""

    name: str
    kind: str
    depends_on: frozenset[str]

    def plan(self) -> Change:
        """Compare the desired state with the cluster; changes nothing."""

    def apply(self, change: Change) -> None:
        """Start the change; returns before the component is ready."""

    def restore(self, report: Report, stop: threading.Event) -> str | None:
        """Undo `apply` and wait for it; returns what was restored, or None if nothing was."""

    def wait(self, report: Report, stop: threading.Event) -> bool:
        """Wait until the component is ready; returns whether it was at the first look.

        Raises WaitTimeout or StepFailed.
        """

    def state(self) -> State:
        """The current state; changes nothing."""

    def remove(self, report: Report, stop: threading.Event) -> bool:
        """Remove the component and wait until it is gone; returns False if there was nothing of ours."""


def wait_until(
    done: Callable[[], bool],
    *,
    what: str,
    timeout: timedelta,
    stop: threading.Event,
    hint: str | None = None,
    last_seen: Callable[[], str] = str,
) -> bool:
    """Poll `done` until it is true; returns whether it was at the first look.

    After `timeout`, raise WaitTimeout with `what` and the last state.
    """
    began = time.monotonic()
    deadline, at_once = began + timeout.total_seconds(), True
    while not done():
        at_once = False
        if (now := time.monotonic()) > deadline:
            seen = last_seen()
            raise WaitTimeout(
                f"waited {timeout.total_seconds():g} s for {what}" + (f"; last seen: {seen}" if seen else ""),
                hint=hint,
            )
        if stop.wait(max(POLL_SECONDS, PAUSE_PER_LOOK * (now - began))):
            raise Interrupted(f"stopped waiting for {what}")
        began = time.monotonic()
    return at_once

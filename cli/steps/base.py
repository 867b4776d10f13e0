"""The protocol of steps, and how they wait."""

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
    deadline, at_once = time.monotonic() + timeout.total_seconds(), True
    while not done():
        at_once = False
        if time.monotonic() > deadline:
            seen = last_seen()
            raise WaitTimeout(
                f"waited {timeout.total_seconds():g} s for {what}" + (f"; last seen: {seen}" if seen else ""),
                hint=hint,
            )
        if stop.wait(POLL_SECONDS):
            raise Interrupted(f"stopped waiting for {what}")
    return at_once

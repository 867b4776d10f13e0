"""Waiting for what the job needs, and giving up."""

from __future__ import annotations

import threading

import pytest

from flink_scripts.errors import NotReadyError, RestError, Stopped
from flink_scripts.health import Health
from flink_scripts.waiter import Waiter
from tests.flink_scripts.life import SteppingClock


class Waiting:
    def __init__(self) -> None:
        self.health, self.clock, self.stop = Health(""), SteppingClock(), threading.Event()
        self.lines: list[str] = []
        self.waiter = Waiter(self.health, self.clock, self.stop, self.lines.append)


def test_waiting_returns_what_appears_and_logs_each_reason_once() -> None:
    waiting, answers = Waiting(), [RestError("a"), RestError("a"), NotReadyError("b"), 7]

    def ask() -> object:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert waiting.waiter.until("it", ask) == 7
    assert waiting.lines == ["waiting for it: a", "waiting for it: b"]


def test_a_stop_ends_the_waiting() -> None:
    waiting = Waiting()
    waiting.clock.steps.append(waiting.stop.set)

    def ask() -> None:
        raise NotReadyError("never")

    with pytest.raises(Stopped):
        waiting.waiter.until("it", ask)


def test_waiting_gives_up_only_on_the_same_missing_thing() -> None:
    waiting = Waiting()
    for what in ("one", "another"):
        waiting.waiter.missing(what, "x")
        waiting.clock.sleep(200)
    waiting.waiter.missing("another", "y")
    waiting.clock.sleep(101)
    with pytest.raises(NotReadyError, match="gave up after 300 s waiting for another: z"):
        waiting.waiter.missing("another", "z")

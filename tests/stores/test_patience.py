"""What is repeated while a store is away, and what is said meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from stores import patience
from stores.errors import AwayError, UnreachableError
from stores.patience import Patience


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "PAUSE_SECONDS", 0.0)


def test_a_failure_that_passes_is_said_until_it_has_passed() -> None:
    asked: list[str | None] = []
    patient = Patience("the store x", 60)

    def ask() -> int:
        asked.append(patient.problem)
        if len(asked) < 3:
            raise AwayError(f"the store x does not answer: {len(asked)}")
        return 7

    assert patient.repeat(ask) == 7
    assert asked == [None, "the store x does not answer: 1", "the store x does not answer: 2"]
    assert patient.problem is None


def test_other_errors_and_the_last_one_are_raised() -> None:
    patient = Patience("the store x", 60)
    errors: Iterator[UnreachableError] = iter([UnreachableError("refused"), AwayError("away")])

    def ask() -> None:
        raise next(errors)

    with pytest.raises(UnreachableError, match="refused"):
        patient.repeat(ask)
    with pytest.raises(UnreachableError, match="away"):
        patient.repeat(ask, 0.0)
    assert patient.problem is None


def test_a_store_without_an_answer_is_said_though_others_ask_it_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(patience, "SILENT_SECONDS", 0.0)
    patient = Patience("the store x")
    begun, answered = threading.Event(), threading.Event()

    def hang() -> None:
        begun.set()
        assert answered.wait(240)

    waiting = threading.Thread(target=patient.repeat, args=(hang,))
    waiting.start()
    assert begun.wait(240)
    patient.repeat(lambda: None)
    assert patient.problem == "the store x has not finished a request for 0 s"
    answered.set()
    waiting.join(240)
    assert patient.problem is None

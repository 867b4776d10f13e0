"""A reading of the cluster that components share for a moment."""

import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest

from cli.engine.dcos import snapshot
from cli.engine.dcos.snapshot import Snapshot


@pytest.fixture(autouse=True)
def long_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "SNAPSHOT_SECONDS", 60.0)


def test_threads_that_need_it_at_once_take_it_once() -> None:
    together, numbers = threading.Barrier(8, timeout=30), count()
    shared = Snapshot(lambda: next(numbers))

    def read(_: int) -> int:
        together.wait()
        return shared.read()

    with ThreadPoolExecutor(8) as pool:
        assert {*pool.map(read, range(8))} == {0}


def test_it_is_taken_again_when_it_is_old_or_something_has_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = count()
    shared = Snapshot(lambda: next(numbers))
    assert (shared.read(), shared.read(), shared.read(fresh=True), shared.read()) == (0, 0, 1, 1)
    shared.forget()
    assert shared.read() == 2
    monkeypatch.setattr(snapshot, "SNAPSHOT_SECONDS", -1.0)
    assert shared.read() == 3


def test_a_failure_is_not_kept() -> None:
    numbers = count()

    def take() -> int:
        if (number := next(numbers)) == 0:
            raise OSError("no answer")
        return number

    shared = Snapshot(take)
    with pytest.raises(OSError, match="no answer"):
        shared.read()
    assert shared.read() == 1

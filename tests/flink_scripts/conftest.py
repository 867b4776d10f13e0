"""A job's life on a Flink that is scripted."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.flink_scripts.fake_flink import FakeFlink
from tests.flink_scripts.life import Life


@pytest.fixture
def flink() -> Iterator[FakeFlink]:
    flink = FakeFlink()
    yield flink
    flink.close()


@pytest.fixture
def make_life(flink: FakeFlink, tmp_path: Path) -> Iterator[Callable[..., Life]]:
    made: list[Life] = []

    def make(gate: str = "") -> Life:
        made.append(Life(flink.address, tmp_path / "state", gate=gate))
        return made[-1]

    yield make
    for process in (process for life in made for process in life.submitting):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)


@pytest.fixture
def life(make_life: Callable[..., Life]) -> Life:
    return make_life()

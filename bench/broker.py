"""Starts brokers for a benchmark, in the same way as the tests."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lent

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # a benchmark runs from its own folder


@lent.or_started("broker")
def broker(folder: Path) -> Iterator[Any]:
    """Apache Kafka in `folder`, as tests/conftest.py's Broker; it stops at the end of the block."""
    from tests.conftest import Broker

    kafka = Broker(folder)
    try:
        kafka.start()
        yield kafka
    finally:
        kafka.stop()


@contextmanager
def brokers(folder: Path) -> Iterator[tuple[Any, Any]]:
    """Two brokers of one cluster, with data below `folder`; the second is not started."""
    from tests.conftest import Broker

    folders = folder / "kafka", folder / "second"
    for each in folders:
        each.mkdir()
    with broker(folders[0]) as first:
        second = Broker(folders[1], joins=first)
        try:
            yield first, second
        finally:
            second.stop()

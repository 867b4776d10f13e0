"""A broker of its own for a benchmark, started as the tests start theirs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


@contextmanager
def broker(folder: Path) -> Iterator[Any]:
    """Apache Kafka in `folder`, as tests/conftest.py's Broker; it ends with the block."""
    sys.path.insert(0, str(ROOT))  # a benchmark runs from its own folder
    from tests.conftest import Broker

    kafka = Broker(folder)
    kafka.start()
    try:
        yield kafka
    finally:
        kafka.stop()

"""A broker of its own for a benchmark, started as the tests start theirs."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


@contextmanager
def broker(folder: Path) -> Iterator[Any]:
    """Apache Kafka in `folder`, as tests/conftest.py's Broker; it ends with the block."""
    spec = importlib.util.spec_from_file_location("conftest", ROOT / "tests" / "conftest.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    kafka = module.Broker(folder)
    kafka.start()
    try:
        yield kafka
    finally:
        kafka.stop()

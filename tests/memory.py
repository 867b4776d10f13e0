"""Heavy parts are skipped, with a clear word, where memory is short."""

from __future__ import annotations

import psutil
import pytest

SPARK_MB, STANDALONE_MB, CASSANDRA_MB = 1536, 3072, 1536
"""What a driver, a standalone cluster with a driver, and a node take at most, as the tests run them."""
BUNDLE_MB = 4096
"""What a bundle of one's own without optional parts takes at most."""


def need(megabytes: int, what: str) -> None:
    """Skip the test unless so much memory is available."""
    available = psutil.virtual_memory().available // 2**20
    if available < megabytes:
        pytest.skip(f"{what} needs {megabytes} MiB of memory, and {available} MiB are available")

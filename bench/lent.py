"""What a test lends to a benchmark that it runs in its own process; the benchmark starts the rest itself.

So a smoke run is short, and cannot measure anything.
"""

from __future__ import annotations

from typing import Any

broker: Any = None
flink: Any = None
bundle: Any = None
cassandra: Any = None
spark: Any = None

"""Batches of ticks for the tests of all stores."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from stores.tables import PRICES, Flow

FLOW = Flow("prices", PRICES)
START = datetime(2026, 11, 22, 23, 59, 50, tzinfo=UTC)
ALWAYS = datetime(2000, 1, 1, tzinfo=UTC), datetime(2050, 1, 1, tzinfo=UTC)


def rows(number: int, size: int = 10) -> dict[str, list[Any]]:
    """Batch `number`: a tick a second, so that some batches lie on two days, and in two hours."""
    offsets = range(number * size, (number + 1) * size)
    return {
        "ts": [START + timedelta(seconds=offset) for offset in offsets],
        "symbol": ["AAPL" if offset % 2 else "MSFT" for offset in offsets],
        "price": [Decimal(offset) / 100 + 1 for offset in offsets],
        "topic": ["prices"] * size,
        "partition": [0] * size,
        "offset": list(offsets),
    }

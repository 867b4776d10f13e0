"""Encodes thousands of ticks at a time: the bytes of `kafka_topic.contracts.Price.to_json`, column by column.

Records whose prices have equally many digits have equal length, so they form one matrix of bytes: constant
parts are written once for all rows, digits by a few table look-ups.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from data_generator.models import Prices

MAX_CENTS = 10**11 - 1
"""999,999,999.99, the highest price of two decimals that the contract has."""
_POWERS = 10 ** np.arange(1, 14, dtype=np.int64)
_TWO = np.array([list(b"%02d" % number) for number in range(100)], dtype=np.uint8)
_THREE = np.array([list(b"%03d" % number) for number in range(1000)], dtype=np.uint8)
_TIME_AT = len('{"ts": "')


def to_cents(prices: Prices) -> NDArray[np.int64]:
    """Prices rounded to whole cents. A price that would round to zero becomes the least price, 0.01."""
    cents: NDArray[np.int64] = np.clip(np.rint(prices * 100), 1, MAX_CENTS).astype(np.int64)
    return cents


def encode(symbol: str, epoch_ms: NDArray[np.int64], cents: NDArray[np.int64]) -> list[bytes]:
    """The price records of one position, in order."""
    whole = cents // 100
    digits = np.searchsorted(_POWERS, whole, side="right") + 1
    lengths = np.unique(digits)
    if len(lengths) == 1:
        return _encode_equally_long(symbol, epoch_ms, cents, int(lengths[0]))
    records = np.empty(len(cents), dtype=object)
    for length in lengths:
        chosen = digits == length
        records[chosen] = _encode_equally_long(symbol, epoch_ms[chosen], cents[chosen], int(length))
    return list(records)


def _encode_equally_long(
    symbol: str, epoch_ms: NDArray[np.int64], cents: NDArray[np.int64], digits: int
) -> list[bytes]:
    row = f'{{"ts": "2026-11-22 01:02:03.004", "symbol": "{symbol}", "price": {"0" * digits}.00}}'.encode()
    price_at = len(row) - len(".00}") - digits
    rows = np.empty((len(cents), len(row)), dtype=np.uint8)
    rows[:] = np.frombuffer(row, dtype=np.uint8)

    seconds, which = np.unique(epoch_ms // 1000, return_inverse=True)
    texts = np.datetime_as_string(seconds.astype("datetime64[s]")).astype("S19")
    rows[:, _TIME_AT : _TIME_AT + 19] = texts.view(np.uint8).reshape(-1, 19)[which]
    rows[:, _TIME_AT + 10] = ord(" ")  # numpy writes a T between date and time
    rows[:, _TIME_AT + 20 : _TIME_AT + 23] = _THREE[epoch_ms % 1000]

    whole, rest = np.divmod(cents, 100)
    for column in range(price_at + digits - 1, price_at - 1, -1):
        whole, digit = np.divmod(whole, 10)
        rows[:, column] = digit + ord("0")
    rows[:, price_at + digits + 1 : price_at + digits + 3] = _TWO[rest]

    records: list[bytes] = rows.view(f"S{len(row)}").ravel().tolist()
    return records

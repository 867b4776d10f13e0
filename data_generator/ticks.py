"""The ticks of one position: its schedule, its prices, its records."""

from __future__ import annotations

import logging
import math

import numpy as np

from data_generator.encoding import encode, to_cents
from data_generator.models import PriceModel

_LOG = logging.getLogger(__name__)

MAX_BLOCK = 2000
"""Ticks made at once: enough to make numpy efficient, few enough to keep positions in step."""

MAX_AHEAD_SECONDS = 60.0
"""If the clock is set back by more than this, event times follow it. Otherwise the schedule waits for it."""


class TickSource:
    """Makes the records of one position, in order.

    Tick number k is scheduled at start_ms + k * 1000 / rate; its event time is that, truncated to the
    millisecond. So event times strictly increase up to 1000 ticks/s, and never decrease above.
    """

    def __init__(self, symbol: str, model: PriceModel, *, rate: float, start_ms: int) -> None:
        self.symbol = symbol
        self._model = model
        self._rate = rate
        self._start_ms = start_ms
        self._number = 0
        self.last_ms = start_ms
        """The event time of the last tick taken."""

    def due(self, now_ms: float) -> int:
        """How many ticks are scheduled up to now and neither taken nor skipped."""
        return max(0, math.floor((now_ms - self._start_ms) * self._rate / 1000) + 1 - self._number)

    def follow(self, now_ms: float) -> None:
        """Continue at `now_ms` if the clock was set back by more than MAX_AHEAD_SECONDS.

        Waiting for the clock would mean silence for as long as it was wrong.
        """
        ahead_ms = self._start_ms + (self._number - 1) * 1000 / self._rate - now_ms
        if ahead_ms > MAX_AHEAD_SECONDS * 1000:
            _LOG.warning(
                "%s: the clock was set back by %.0f s; event times follow it", self.symbol, ahead_ms / 1000
            )
            self._start_ms, self._number = int(now_ms), 0

    def skip(self, count: int) -> None:
        """Skip the next ticks of the schedule. The price path continues where it was."""
        self._number += count

    def take(self, count: int) -> list[bytes]:
        """The records of the next ticks of the schedule."""
        numbers = np.arange(self._number, self._number + count)
        self._number += count
        epoch_ms = self._start_ms + np.floor(numbers * 1000 / self._rate).astype(np.int64)
        self.last_ms = int(epoch_ms[-1])
        return encode(self.symbol, epoch_ms, to_cents(self._model.next(count)))

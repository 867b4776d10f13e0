"""The progress of a position's prices, in the form in which Kafka keeps it beside the ticks."""

from __future__ import annotations

import hashlib
import json
import math
import time
from dataclasses import dataclass
from typing import Any

from data_generator.models import MODELS, position_random
from data_generator.settings import Settings
from data_generator.ticks import TickSource


@dataclass(frozen=True)
class Progress:
    """The state after the last tick of a position; all that the next tick depends on.

    last_ms: the event time of that tick. path: digest of the settings that shape the prices. state, random:
    the state of the price model and of its random numbers.
    """

    last_ms: int
    path: str
    state: list[float]
    random: dict[str, Any]

    @classmethod
    def from_json(cls, text: str | None) -> Progress | None:
        """Read what `to_json` wrote; None for anything else."""
        try:
            return cls(**json.loads(text or ""))
        except (ValueError, TypeError):
            return None

    def to_json(self) -> str:
        return json.dumps(self.__dict__, separators=(",", ":"))


def digest_of(settings: Settings, symbol: str) -> str:
    """Digest of the settings that shape the prices of a position. When it changes, the prices start anew."""
    seed = settings.seed if settings.seeded else None
    shape = (settings.model, settings.start_price_of(symbol), settings.volatility, settings.rate, seed)
    return hashlib.sha256(repr(shape).encode()).hexdigest()[:12]


class PricePath:
    """The ticks of one position, continued from another generator's progress."""

    def __init__(self, settings: Settings, symbol: str, after: Progress | None) -> None:
        self._random = position_random(settings.seed, symbol)
        self._model = MODELS[settings.model](
            self._random, settings.start_price_of(symbol), settings.volatility, 1 / settings.rate
        )
        self._digest = digest_of(settings, symbol)
        start_ms = time.time_ns() // 1_000_000
        if after is not None:
            # Event times increase even if the clock of the last machine was ahead of ours.
            start_ms = max(start_ms, after.last_ms + math.ceil(1000 / settings.rate))
            if after.path == self._digest:
                self._random.bit_generator.state = after.random
                self._model.state = tuple(after.state)
        self.source = TickSource(symbol, self._model, rate=settings.rate, start_ms=start_ms)

    def progress(self) -> Progress:
        """The progress after the last tick taken."""
        return Progress(
            self.source.last_ms, self._digest, [*self._model.state], dict(self._random.bit_generator.state)
        )

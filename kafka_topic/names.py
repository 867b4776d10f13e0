"""Topic names: `position.<SYMBOL>` for prices, one topic for each kind of result, and a common prefix.

Kafka allows letters, digits, '.', '_' and '-' in a name, at most 249 characters. Its metric names replace '.'
by '_', so it refuses a topic that differs from another only in these two. We refuse it before anything is
created.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from kafka_topic.errors import SymbolError

MAX_TOPIC_LENGTH = 249
_LEGAL = re.compile(r"[A-Za-z0-9._-]+")
_POSITION = "position."


@lru_cache(maxsize=8192)
def check_symbol(symbol: str) -> str:
    """Return the symbol (such as `BRK.B`) if it can be part of a topic name; raise SymbolError otherwise."""
    if not _LEGAL.fullmatch(symbol):
        raise SymbolError(
            f"symbol {symbol!r}: a Kafka topic name takes letters, digits, '.', '_' and '-' only; "
            "rename the position"
        )
    if len(_POSITION) + len(symbol) > MAX_TOPIC_LENGTH:
        raise SymbolError(
            f"symbol {symbol[:20] + '…'!r}: {len(symbol)} characters make the topic name longer than "
            f"{MAX_TOPIC_LENGTH}; shorten it"
        )
    return symbol


def check_symbols(symbols: Iterable[str]) -> tuple[str, ...]:
    """The symbols in order. Raises SymbolError when one is invalid, occurs twice or collides with another."""
    checked: dict[str, str] = {}
    for symbol in symbols:
        metric_name = check_symbol(symbol).replace(".", "_")
        other = checked.get(metric_name)
        if other == symbol:
            raise SymbolError(f"symbol {symbol!r} is listed twice; remove one")
        if other is not None:
            raise SymbolError(
                f"symbols {other!r} and {symbol!r} differ only in '.' and '_', which Kafka's metrics can't "
                "tell apart; rename one"
            )
        checked[metric_name] = symbol
    return tuple(checked.values())


@dataclass(frozen=True)
class Topics:
    """The topic names of one bundle. The prefix, with its dot, separates bundles on one cluster."""

    prefix: str = ""

    def __post_init__(self) -> None:
        if self.prefix and not _LEGAL.fullmatch(self.prefix):
            raise SymbolError(
                f"topic prefix {self.prefix!r}: a topic name takes letters, digits, '.', '_' and '-' only"
            )
        if self.prefix.startswith(_POSITION):
            raise SymbolError(
                f"topic prefix {self.prefix!r}: its topics would look like positions of a bundle without a "
                f"prefix; choose one that doesn't start with {_POSITION!r}"
            )
        self._checked_length("movingaverage")

    @property
    def position_start(self) -> str:
        """The part of a position's topic name before the symbol."""
        return self.prefix + _POSITION

    def position(self, symbol: str) -> str:
        """The topic of a position's prices."""
        return self._checked_length(_POSITION + check_symbol(symbol))

    def check_positions(self, symbols: Iterable[str]) -> tuple[str, ...]:
        """The symbols in order, at least one; raises SymbolError as `check_symbols` and `position` do."""
        checked = check_symbols(symbols)
        if not checked:
            raise SymbolError("there are no positions; name at least one symbol")
        for symbol in checked:
            self.position(symbol)
        return checked

    def read_positions(self, text: str) -> tuple[str, ...]:
        """The symbols in the apps' variable POSITIONS, "AAPL,MSFT"; raises SymbolError."""
        return self.check_positions(part.strip() for part in text.split(",") if part.strip())

    @property
    def moving_average(self) -> str:
        """The topic of the windowed statistics of all positions."""
        return f"{self.prefix}movingaverage"

    @property
    def signals(self) -> str:
        """The topic of the signals of all positions."""
        return f"{self.prefix}signals"

    @property
    def dead_letter(self) -> str:
        """The topic of the records that can't be used."""
        return f"{self.prefix}dead_letter"

    @property
    def limits(self) -> str:
        """The compacted topic of the positions' limits."""
        return f"{self.prefix}limits"

    @property
    def position_pattern(self) -> str:
        """A regular expression that matches every position topic of this bundle and no other topic.

        It is anchored at both ends (librdkafka searches, Java matches). It has no backslashes, so JSON and
        shell quoting leave it unchanged.
        """
        return f"^{self.prefix.replace('.', '[.]')}position[.][A-Za-z0-9._-]+$"

    def symbol_of(self, topic: str) -> str | None:
        """The symbol whose prices the topic carries; None unless it is a position topic of this bundle."""
        symbol = topic[len(self.position_start) :]
        return symbol if topic.startswith(self.position_start) and _LEGAL.fullmatch(symbol) else None

    def kind(self, topic: str) -> str | None:
        """`prices` for a position's topic, the name without prefix for our other topics, else None."""
        if self.symbol_of(topic) is not None:
            return "prices"
        named = {self.moving_average, self.signals, self.dead_letter, self.limits}
        return topic.removeprefix(self.prefix) if topic in named else None

    def _checked_length(self, name: str) -> str:
        topic = self.prefix + name
        if len(topic) > MAX_TOPIC_LENGTH:
            raise SymbolError(
                f"topic {topic[:40] + '…'!r} has {len(topic)} characters, Kafka takes {MAX_TOPIC_LENGTH}; "
                "shorten the prefix or the symbol"
            )
        return topic

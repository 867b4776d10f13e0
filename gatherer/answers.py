"""Writes the answers of the analysis, which `AnalysisOperator.java` reads."""

from __future__ import annotations

import struct

MOVING_AVERAGE, SIGNALS, DEAD_LETTER = range(3)
"""The numbers of the output topics. Java has their names, in this order."""
_RECORD, _CHANGE, _FAILURE = range(3)
_NONE = -1
# Its kind, its topic, its key in the state; the lengths of the symbol and the content, which follow.
_HEAD = struct.Struct(">bbqii")


class Answers:
    """The answers to a batch of rows, in order."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def record(self, topic: int, symbol: bytes | None, content: bytes) -> None:
        """Write a record to an output topic. symbol: its key."""
        length = _NONE if symbol is None else len(symbol)
        self._parts += (_HEAD.pack(_RECORD, topic, 0, length, len(content)), symbol or b"", content)

    def keep(self, symbol: bytes, key: int, content: bytes) -> None:
        """Keep a value in the state of a position."""
        self._parts += (_HEAD.pack(_CHANGE, 0, key, len(symbol), len(content)), symbol, content)

    def drop(self, symbol: bytes, key: int) -> None:
        """Remove a value from the state of a position; it need not be there."""
        self._parts += (_HEAD.pack(_CHANGE, 0, key, len(symbol), _NONE), symbol)

    def failure(self, text: str) -> None:
        """Fail the job."""
        content = text.encode()
        self._parts += (_HEAD.pack(_FAILURE, 0, 0, 0, len(content)), content)

    def take(self) -> bytes:
        """All of them as bytes; none are left."""
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken

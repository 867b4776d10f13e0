"""Batches of rows, as `AnalysisOperator.java` writes them, and its reading of the answers."""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Iterator

from gatherer.panes import Pane
from gatherer.rows import STATE, Row

_U64 = (1 << 64) - 1


def batch_of(*rows: Row) -> bytes:
    parts = []
    for row in rows:
        texts = [
            None if text is None else text.encode()
            for text in (row.symbol, row.topic, row.reason, row.detail)
        ]
        fields = [texts[0], None if row.content is None else bytes(row.content), *texts[1:]]
        parts.append(struct.pack(">bqiqq", *row[:5]))
        parts.append(struct.pack(">5i", *(-1 if each is None else len(each) for each in fields)))
        parts += [each for each in fields if each is not None]
    return b"".join(parts)


def pane_bytes(pane: Pane, counts_from_ms: int | None = None) -> bytes:
    total, squares = pane.total, pane.sum_of_squares
    counts = list(zip(*pane.histogram, strict=True)) if pane.histogram else []
    fixed = struct.pack(
        ">qq q qQ QQQ qq qq qqq q",
        pane.end_ms if counts_from_ms is None else counts_from_ms,
        pane.end_ms,
        pane.n,
        *(total >> 64, total & _U64),
        *(squares >> 128 & _U64, squares >> 64 & _U64, squares & _U64),
        *(pane.low, pane.low_ms, pane.high, pane.high_ms, pane.last, pane.last_ms, pane.last_order),
        len(counts),
    )
    return fixed + b"".join(struct.pack(">qq", *each) for each in counts)


class Kept:
    """What Java does with answers: it keeps the state of positions, and writes records."""

    def __init__(self) -> None:
        self.state: dict[str, dict[int, bytes]] = defaultdict(dict)
        self.records: list[tuple[int, str | None, bytes]] = []
        self.failures: list[str] = []

    def use(self, answer: bytes) -> None:
        at = 0
        while at < len(answer):
            kind, topic, key, symbol_n, content_n = struct.unpack_from(">bbqii", answer, at)
            at += struct.calcsize(">bbqii")
            symbol = None if symbol_n < 0 else answer[at : (at := at + symbol_n)].decode()
            content = None if content_n < 0 else answer[at : (at := at + content_n)]
            if kind == 0:
                self.records.append((topic, symbol, content or b""))
            elif kind == 2:
                self.failures.append((content or b"").decode())
            elif content is None:
                self.state[symbol or ""].pop(key, None)
            else:
                self.state[symbol or ""][key] = content

    def rows(self) -> Iterator[Row]:
        """The rows that a new process gets first."""
        for symbol, entries in self.state.items():
            content = b"".join(struct.pack(">qi", key, len(value)) + value for key, value in entries.items())
            yield Row(STATE, 0, 0, 0, 0, symbol, content, None, None, None)

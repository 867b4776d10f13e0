"""The analysis of many positions: it takes rows with panes and records, and answers with records of the
output topics and with changes of the positions' state.

It runs once per pane, not once per tick. A position is held twice: as entries that Java keeps in Flink's
state, and as an object, which a new process makes from the entries.
"""

from __future__ import annotations

from datetime import UTC, datetime

from gatherer.analysis import AnalysisSettings, PositionAnalysis
from gatherer.answers import DEAD_LETTER, MOVING_AVERAGE, SIGNALS, Answers
from gatherer.panes import Pane
from gatherer.rows import LETTER, LIMITS, PANES, PARTITIONS, STATE, Row, entries_of, panes_of, rows_of
from kafka_topic.contracts import DeadLetter, Limits
from kafka_topic.errors import ContractError

# Kafka accepts records of 1 MiB by default, and base64 makes four bytes of three.
_LONGEST_VALUE, _LONGEST_DETAIL, _LONGEST_KEY = 700_000, 200, 249
# A datetime ends with the year 9999; Kafka's timestamps do not.
_LAST_MS = 253_402_300_799_999
# The keys of a position's state: those of blocks of panes, and these two.
_SMALL, _LIMITS = -1, -2


class _Position:
    """A position, and the key of its records."""

    def __init__(self, symbol: str, settings: AnalysisSettings) -> None:
        self.key = symbol.encode()
        self.analysis = PositionAnalysis(symbol, settings)

    def restore(self, row: Row) -> None:
        """Continue from the entries of a row of the kind STATE."""
        entries = dict(entries_of(row.content or b""))
        small, limits = entries.pop(_SMALL, None), entries.pop(_LIMITS, None)
        if small is not None:
            self.analysis.restore(entries, small)
        # Reported forecasts stay reported, unless the bundle's settings change the question.
        if limits is not None:
            self.analysis.set_limits(Limits.from_json(limits))

    def save(self, answers: Answers) -> None:
        """Write what has changed."""
        for key, block in self.analysis.changes():
            if block is None:
                answers.drop(self.key, key)
            else:
                answers.keep(self.key, key, block)
        answers.keep(self.key, _SMALL, self.analysis.small_state())


class Analysis:
    """All positions of a subtask."""

    def __init__(self, settings: AnalysisSettings) -> None:
        self._settings = settings
        self._pane_ms = settings.pane_ms
        self._positions: dict[str, _Position] = {}
        self._touched: dict[str, _Position] = {}
        self._answers = Answers()

    def answer(self, batch: bytes) -> bytes:
        """The answers to a batch of rows."""
        for row in rows_of(batch):
            if row.kind == LETTER:
                self._dead(row, row.reason or "", row.detail or "")
            elif row.symbol is None:
                self._dead(row, "bad_limits", "the record has no key")
            elif row.kind == PANES:
                self._add(self._position(row.symbol), row)
            elif row.kind == LIMITS:
                self._set_limits(row.symbol, row)
            elif row.kind == STATE:
                self._position(row.symbol).restore(row)
            else:
                raise ValueError(f"a row has the unknown kind {row.kind}")
        for position in self._touched.values():
            position.save(self._answers)
        self._touched.clear()
        return self._answers.take()

    def _position(self, symbol: str) -> _Position:
        """The position, whose state this batch may change."""
        position = self._positions.get(symbol)
        if position is None:
            position = self._positions[symbol] = _Position(symbol, self._settings)
        self._touched[symbol] = position
        return position

    def _add(self, position: _Position, row: Row) -> None:
        """Add the panes, and write every window that ends at or before the row's clock."""
        analysis = position.analysis
        for counts_from, pane in panes_of(row.content):
            # Late ticks do not belong in windows that closed before they came.
            if (until := counts_from - self._pane_ms) > analysis.closed:
                self._close(position, until)
            if not analysis.add(pane):
                self._too_late(row, pane)
        self._close(position, row.clock_ms)

    def _close(self, position: _Position, until_ms: int) -> None:
        for averages, signals in position.analysis.close(until_ms):
            for average in averages:
                self._answers.record(MOVING_AVERAGE, position.key, average.to_json())
            for signal in signals:
                self._answers.record(SIGNALS, position.key, signal.to_json())

    def _too_late(self, row: Row, pane: Pane) -> None:
        """The dead letter for ticks that were in time for their partition, but late for the position.

        That happens only where the log has no order; see "Guarantees" in the README.
        """
        offset, partition = divmod(pane.last_order, PARTITIONS)
        self._dead(
            row._replace(content=None, partition=partition, offset=offset, written_ms=pane.last_ms),
            "late",
            f"{pane.n} ticks, of which this is the last, came after all windows of their time had closed",
        )

    def _set_limits(self, symbol: str, row: Row) -> None:
        content = None if row.content is None else bytes(row.content)
        try:
            limits = None if content is None else Limits.from_json(content)
        except ContractError as error:
            self._dead(row, "bad_limits", str(error))
            return
        if limits is not None and limits.symbol != symbol:
            self._dead(row, "unknown_symbol", f"the record says {limits.symbol}, its key says another symbol")
            return
        # Only now: anyone may write a record with any key, and a position is kept for ever.
        if limits is None and symbol not in self._positions:
            return
        position = self._position(symbol)
        position.analysis.set_limits(limits)
        if limits is None:
            self._answers.drop(position.key, _LIMITS)
        else:
            self._answers.keep(position.key, _LIMITS, limits.to_json())

    def _dead(self, row: Row, reason: str, detail: str) -> None:
        value, detail = row.content, detail[:_LONGEST_DETAIL]
        if value is not None and len(value) > _LONGEST_VALUE:
            detail += f" (its {len(value)} bytes are left out)"
            value = None
        letter = DeadLetter(
            topic=row.topic or "",
            partition=row.partition,
            offset=row.offset,
            reason=reason,
            detail=detail,
            time=datetime.fromtimestamp(min(max(row.written_ms, 0), _LAST_MS) / 1000, UTC),
            value=None if value is None else bytes(value),
        )
        symbol = None if row.symbol is None else row.symbol[:_LONGEST_KEY].encode()
        self._answers.record(DEAD_LETTER, symbol, letter.to_json())

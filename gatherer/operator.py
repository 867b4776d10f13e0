"""The analysis as a Flink operator: panes and records in, records of the output topics out.

It runs once a pane, not once a tick. What it knows of a position is held twice: as Flink's state, written
pane by pane, and as the object made of it, which a restarted worker makes anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from pyflink.common import Row, Types
from pyflink.datastream import KeyedProcessFunction, RuntimeContext
from pyflink.datastream.state import MapState, MapStateDescriptor, ValueState, ValueStateDescriptor

from gatherer.analysis import PositionAnalysis
from gatherer.panes import Pane
from gatherer.rows import BAD, LATE, LIMITS, PANE, Input, pane_of, tick_of
from gatherer.settings import Settings
from kafka_topic.contracts import DeadLetter, Limits
from kafka_topic.errors import ContractError

_TEXT, _NUMBER, _BYTES = Types.STRING(), Types.LONG(), Types.PRIMITIVE_ARRAY(Types.BYTE())
INPUT = Types.ROW_NAMED(
    list(Input._fields),
    [_TEXT, _TEXT, _BYTES, _NUMBER, _NUMBER, _TEXT, Types.INT(), _NUMBER, _NUMBER, _TEXT],
)
OUTPUT = Types.ROW_NAMED(["symbol", "content", "topic"], [_TEXT, _BYTES, _TEXT])

# Kafka takes records of 1 MiB, unless it is told otherwise, and base64 makes four bytes of three.
_LONGEST_VALUE, _LONGEST_DETAIL, _LONGEST_KEY = 700_000, 200, 249
# What Kafka takes for a time, a datetime need not: it ends with the year 9999.
_LAST_MS = 253_402_300_799_999


class Analysis(KeyedProcessFunction):  # type: ignore[misc]
    """Rows of `rows.Input`, keyed by symbol, to rows of OUTPUT."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._analysis_settings = settings.analysis
        # Made of the other settings each time that they are asked for.
        self._pane_ms, self._histogram = settings.pane_ms, settings.histogram

    def open(self, runtime_context: RuntimeContext) -> None:
        """Called by Flink before the first row."""
        blob = Types.PICKLED_BYTE_ARRAY()
        self._panes: MapState = runtime_context.get_map_state(MapStateDescriptor("panes", Types.LONG(), blob))
        self._small: ValueState = runtime_context.get_state(ValueStateDescriptor("small", blob))
        self._limits: ValueState = runtime_context.get_state(ValueStateDescriptor("limits", blob))
        self._positions: dict[str, PositionAnalysis] = {}

    def process_element(self, value: Row, ctx: KeyedProcessFunction.Context) -> Iterator[Row]:
        """Called by Flink for each row."""
        row = Input(*value)
        symbol = row.symbol
        if symbol is None:
            yield self._dead(row, "bad_limits", "the record has no key")
        elif row.kind == PANE:
            if not self._add(symbol, pane_of(row, self._pane_ms), ctx):
                # It can't be, and if it were, to go on would lose ticks.
                raise RuntimeError(f"a pane of {symbol} came after every window that it belongs to")
        elif row.kind == LATE:
            if not self._add(symbol, tick_of(row, self._pane_ms, histogram=self._histogram), ctx):
                yield self._dead(row, "late", "every window of its time has been written")
        elif row.kind == BAD:
            reason, _, detail = (row.detail or "").partition(": ")
            yield self._dead(row, reason, detail)
        elif row.kind == LIMITS:
            yield from self._set_limits(symbol, row)

    def on_timer(self, timestamp: int, ctx: KeyedProcessFunction.OnTimerContext) -> Iterator[Row]:
        """Called by Flink when the watermark has passed the end of a window.

        All that the watermark allows is written at once: Flink hands over one timer of a key at a time, and
        that takes a hundred times as long as a window.
        """
        symbol = ctx.get_current_key()
        position = self._position(symbol)
        watermark = ctx.timer_service().current_watermark()
        topics = self._settings.topics
        # A timer may be older than what was decided since: then nothing is due.
        while (due := position.next_due()) is not None and due - 1 <= watermark:
            averages, signals = position.advance(due)
            for average in averages:
                yield Row(symbol, average.to_json(), topics.moving_average)
            for signal in signals:
                yield Row(symbol, signal.to_json(), topics.signals)
        for end in position.expired():
            self._panes.remove(end)
        self._small.update(position.small_state())
        self._wake(position, ctx)

    def _add(self, symbol: str, pane: Pane, ctx: KeyedProcessFunction.Context) -> bool:
        position = self._position(symbol)
        if not position.add(pane):
            return False
        self._panes.put(pane.end_ms, position.pane(pane.end_ms).to_bytes())
        self._wake(position, ctx)
        return True

    def _wake(self, position: PositionAnalysis, ctx: KeyedProcessFunction.Context) -> None:
        due = position.next_due()
        if due is not None:
            # As Flink's own windows: when the watermark has reached the last millisecond before the end.
            ctx.timer_service().register_event_time_timer(due - 1)

    def _set_limits(self, symbol: str, row: Input) -> Iterable[Row]:
        try:
            limits = None if row.content is None else Limits.from_json(row.content)
        except ContractError as error:
            return [self._dead(row, "bad_limits", str(error))]
        if limits is not None and limits.symbol != symbol:
            return [self._dead(row, "unknown_symbol", f"the record says {limits.symbol}, its key another")]
        position = self._position(symbol)
        position.set_limits(limits)
        self._limits.update(None if limits is None else limits.to_json())
        self._small.update(position.small_state())
        return []

    def _position(self, symbol: str) -> PositionAnalysis:
        position = self._positions.get(symbol)
        if position is None:
            position = self._positions[symbol] = PositionAnalysis(symbol, self._analysis_settings)
            panes = [Pane.from_bytes(pane) for pane in self._panes.values()]
            if (small := self._small.value()) is not None:
                position.restore(panes, small)
            else:  # nothing was due yet when they were kept
                for pane in panes:
                    position.add(pane)
            # What was said of limits stays, unless the bundle's settings have changed what they ask.
            if (limits := self._limits.value()) is not None:
                position.set_limits(Limits.from_json(limits))
        return position

    def _dead(self, row: Input, reason: str, detail: str) -> Row:
        value, detail = row.content, detail[:_LONGEST_DETAIL]
        if value is not None and len(value) > _LONGEST_VALUE:
            detail += f" (left out here: {len(value)} bytes)"
            value = None
        letter = DeadLetter(
            topic=row.topic or "",
            partition=row.partition or 0,
            offset=row.offset or 0,
            reason=reason,
            detail=detail,
            time=datetime.fromtimestamp(min(max(row.written_ms or 0, 0), _LAST_MS) / 1000, UTC),
            value=value,
        )
        return Row(
            row.symbol and row.symbol[:_LONGEST_KEY], letter.to_json(), self._settings.topics.dead_letter
        )

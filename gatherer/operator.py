"""The analysis as a Flink operator: it takes panes and records, and emits records of the output topics.

It runs once per pane, not once per tick. A position is held twice: as Flink's state, written pane by pane,
and as an object, which a restarted worker makes from the state.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from pyflink.common import Row as FlinkRow
from pyflink.common import Types
from pyflink.datastream import KeyedProcessFunction, RuntimeContext
from pyflink.datastream.state import MapState, MapStateDescriptor, ValueState, ValueStateDescriptor

from gatherer.analysis import PositionAnalysis
from gatherer.panes import Pane
from gatherer.rows import FIELD_TYPES, LETTER, LIMITS, PANES, PARTITIONS, Row, panes_of
from gatherer.settings import Settings
from kafka_topic.contracts import DeadLetter, Limits
from kafka_topic.errors import ContractError

_TYPES = {
    "string": Types.STRING(),
    "bytes": Types.PRIMITIVE_ARRAY(Types.BYTE()),
    "int": Types.INT(),
    "long": Types.LONG(),
}
INPUT = Types.ROW_NAMED(list(FIELD_TYPES), [_TYPES[each] for each in FIELD_TYPES.values()])
OUTPUT = Types.ROW_NAMED(
    ["symbol", "content", "topic"], [_TYPES["string"], _TYPES["bytes"], _TYPES["string"]]
)

# Kafka accepts records of 1 MiB by default, and base64 makes four bytes of three.
_LONGEST_VALUE, _LONGEST_DETAIL, _LONGEST_KEY = 700_000, 200, 249
# A datetime ends with the year 9999; Kafka's timestamps do not.
_LAST_MS = 253_402_300_799_999


class Analysis(KeyedProcessFunction):  # type: ignore[misc]
    """Turns rows of `rows.Row`, keyed by symbol, into rows of OUTPUT."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._analysis_settings = settings.analysis
        # The property computes it on each access.
        self._pane_ms = settings.pane_ms

    def open(self, runtime_context: RuntimeContext) -> None:
        """Called by Flink before the first row."""
        blob = Types.PICKLED_BYTE_ARRAY()
        self._panes: MapState = runtime_context.get_map_state(MapStateDescriptor("panes", Types.LONG(), blob))
        self._small: ValueState = runtime_context.get_state(ValueStateDescriptor("small", blob))
        self._limits: ValueState = runtime_context.get_state(ValueStateDescriptor("limits", blob))
        self._positions: dict[str, PositionAnalysis] = {}

    def process_element(self, value: FlinkRow, ctx: KeyedProcessFunction.Context) -> Iterator[FlinkRow]:
        """Called by Flink for each row."""
        row = Row(*value)
        if row.kind == LETTER:
            yield self._dead(row, row.reason or "", row.detail or "")
        elif row.symbol is None:
            yield self._dead(row, "bad_limits", "the record has no key")
        elif row.kind == PANES:
            yield from self._add(row.symbol, row)
        elif row.kind == LIMITS:
            yield from self._set_limits(row.symbol, row)

    def _add(self, symbol: str, row: Row) -> Iterator[FlinkRow]:
        """Add the panes, and write every window that ends at or before the row's clock."""
        position = self._position(symbol)
        changed = set()
        for counts_from, pane in panes_of(row.content):
            # Late ticks do not belong in windows that closed before they came.
            yield from self._close(position, counts_from - self._pane_ms)
            if position.add(pane):
                changed.add(pane.end_ms)
            else:
                yield self._too_late(row, pane)
        yield from self._close(position, row.clock_ms or 0)
        expired = position.expired()
        for end in changed.difference(expired):
            self._panes.put(end, position.pane(end).to_bytes())
        for end in expired:
            self._panes.remove(end)
        self._small.update(position.small_state())

    def _close(self, position: PositionAnalysis, until_ms: int) -> Iterator[FlinkRow]:
        topics = self._settings.topics
        for averages, signals in position.close(until_ms):
            for average in averages:
                yield FlinkRow(position.symbol, average.to_json(), topics.moving_average)
            for signal in signals:
                yield FlinkRow(position.symbol, signal.to_json(), topics.signals)

    def _too_late(self, row: Row, pane: Pane) -> FlinkRow:
        """The dead letter for ticks that were in time for their partition, but late for the position.

        That happens only where the log has no order; see "Guarantees" in the README.
        """
        offset, partition = divmod(pane.last_order, PARTITIONS)
        return self._dead(
            row._replace(content=None, partition=partition, offset=offset, written_ms=pane.last_ms),
            "late",
            f"{pane.n} ticks, of which this is the last, came after all windows of their time had closed",
        )

    def _set_limits(self, symbol: str, row: Row) -> Iterable[FlinkRow]:
        try:
            limits = None if row.content is None else Limits.from_json(row.content)
        except ContractError as error:
            return [self._dead(row, "bad_limits", str(error))]
        if limits is not None and limits.symbol != symbol:
            return [
                self._dead(
                    row, "unknown_symbol", f"the record says {limits.symbol}, its key says another symbol"
                )
            ]
        position = self._position(symbol)
        position.set_limits(limits)
        self._limits.update(None if limits is None else limits.to_json())
        self._small.update(position.small_state())
        return []

    def _position(self, symbol: str) -> PositionAnalysis:
        position = self._positions.get(symbol)
        if position is None:
            position = self._positions[symbol] = PositionAnalysis(symbol, self._analysis_settings)
            if (small := self._small.value()) is not None:
                position.restore([Pane.from_bytes(pane) for pane in self._panes.values()], small)
            # Reported forecasts stay reported, unless the bundle's settings change the question.
            if (limits := self._limits.value()) is not None:
                position.set_limits(Limits.from_json(limits))
        return position

    def _dead(self, row: Row, reason: str, detail: str) -> FlinkRow:
        value, detail = row.content, detail[:_LONGEST_DETAIL]
        if value is not None and len(value) > _LONGEST_VALUE:
            detail += f" (its {len(value)} bytes are left out)"
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
        return FlinkRow(
            row.symbol and row.symbol[:_LONGEST_KEY], letter.to_json(), self._settings.topics.dead_letter
        )

"""What the gatherer owes for a log: its rule once more, in whole numbers, from the raw records alone.

Nothing of the gatherer's code is used. Times are whole milliseconds, those of the log since 1970.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right, insort
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from tests.gatherer.exact import Ewma, Key, Tick, Window, compare, epoch_ms, key_of, moment, realized

_PARTITIONS = 4096
_FIRST, _LAST = (datetime(year, 1, 1, tzinfo=UTC) for year in (2000, 2050))
_TIME = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?", re.ASCII)

Place = tuple[str, int, int]
"""Topic, partition, offset."""


@dataclass(frozen=True)
class Rules:
    """The settings that the outcome depends on; the defaults are the job's. windows: label, length, slide."""

    windows: tuple[tuple[str, int, int], ...] = (
        ("10s", 10_000, 1_000),
        ("1m", 60_000, 5_000),
        ("10m", 600_000, 10_000),
    )
    bound_ms: int = 500
    idle_ms: int = 30_000
    future_ms: int = 60_000

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Rules:
        """From the environment of the app."""
        usual = cls()
        units = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
        windows = []
        for part in filter(None, environ.get("GATHERER_WINDOWS", "").split(",")):
            label, slide = part.split("=")
            windows.append((label, *(int(each[:-1]) * units[each[-1]] for each in (label, slide))))

        def ms(name: str, default: int) -> int:
            text = environ.get(f"GATHERER_{name}_SECONDS")
            return default if text is None else int(Decimal(text) * 1000)

        return cls(
            windows=tuple(windows) or usual.windows,
            bound_ms=ms("MAX_OUT_OF_ORDERNESS", usual.bound_ms),
            idle_ms=ms("IDLE_TIMEOUT", usual.idle_ms),
            future_ms=ms("MAX_CLOCK_SKEW", usual.future_ms),
        )

    @property
    def pane_ms(self) -> int:
        return min(slide for _, _, slide in self.windows)

    def last_end(self, ms: int) -> int:
        """The end of the last window, of any length, that holds a moment."""
        return max((ms + length) // slide * slide for _, length, slide in self.windows)


@dataclass(frozen=True)
class Record:
    """A committed record of a position's topic."""

    topic: str
    partition: int
    offset: int
    append_ms: int
    value: bytes | None

    @property
    def place(self) -> Place:
        return self.topic, self.partition, self.offset


@dataclass(frozen=True)
class Outcome:
    """What is owed for one position.

    windows: all that hold a tick, those after the end of the log too. letters: the reason of each record
    that is refused. clock: up to where windows are due by the log alone, None when by the log none is.
    """

    windows: dict[Key, Window] = field(default_factory=dict)
    letters: dict[Place, str] = field(default_factory=dict)
    clock: int | None = None

    def due(self, until: datetime | None = None) -> set[Key]:
        """The windows that are due, of those that end at `until` at the latest."""
        if self.clock is None:
            return set()
        last = moment(self.clock) if until is None else min(until, moment(self.clock))
        return {key for key in self.windows if key[2] <= last}


def outcome(symbol: str, partitions: Iterable[Sequence[Record]], rules: Rules) -> Outcome:
    """What is owed for a position that is fed by these partitions, each in the order of its offsets."""
    ticks: list[Tick] = []
    letters: dict[Place, str] = {}
    clocks: list[int] = []
    for records in partitions:
        clock: int | None = None
        for record, verdict, after in _judge(symbol, records, rules):
            clock = after
            if isinstance(verdict, Tick):
                ticks.append(verdict)
            else:
                letters[record.place] = verdict
        if clock is not None:  # a partition that never had a tick has no clock to wait for
            clocks.append(clock)
    windows = dict(_windows(symbol, ticks, rules))
    return Outcome(windows, letters, min(clocks, default=None))


@dataclass(frozen=True)
class Faults:
    """What is wrong with written windows: due and not there, there again, or not as they are owed."""

    missing: list[Key] = field(default_factory=list)
    doubled: list[Key] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.missing or self.doubled or self.wrong)

    def __str__(self) -> str:
        counts = ", ".join(f"{name} {len(found)}" for name, found in vars(self).items())
        return f"{counts}: {[*self.missing[:5], *self.doubled[:5], *self.wrong[:2]]}" if self else counts


def faults(records: Iterable[dict[str, Any]], owed: Iterable[Outcome], due: set[Key]) -> Faults:
    """Compare what was written with what is owed; `due` must be there, the rest may be."""
    windows: dict[Key, Window] = {}
    for one in owed:
        windows |= one.windows
    seen: set[Key] = set()
    found = Faults()
    for record in records:
        key = key_of(record)
        if key in seen:
            found.doubled.append(key)
        elif key not in windows:
            found.wrong.append(f"nothing is owed for {key}: {record}")
        else:
            try:
                compare(record, windows[key])
            except AssertionError as error:
                found.wrong.append(f"{key}: {error}")
        seen.add(key)
    found.missing.extend(sorted(due - seen))
    return found


def check_windows(records: Iterable[dict[str, Any]], owed: Iterable[Outcome], due: set[Key]) -> None:
    """Check that all windows that are due are there, that each came once, and that each is what is owed."""
    found = faults(records, owed, due)
    assert not found, f"of {len(due)} windows that are due: {found}"


def check_letters(letters: Iterable[dict[str, Any]], owed: Iterable[Outcome]) -> None:
    """Check that there is one dead letter for each record that is refused, with that reason."""
    reasons: dict[Place, str] = {}
    for one in owed:
        reasons |= one.letters
    found: dict[Place, str] = {}
    for letter in letters:
        place = letter["topic"], letter["partition"], letter["offset"]
        assert place not in found, f"{place} came twice"
        found[place] = letter["reason"]
    wrong = sorted(place for place in found.keys() | reasons.keys() if found.get(place) != reasons.get(place))
    assert not wrong, [(place, found.get(place), reasons.get(place)) for place in wrong[:5]]


def _judge(
    symbol: str, records: Sequence[Record], rules: Rules
) -> Iterator[tuple[Record, Tick | str, int | None]]:
    """The records of one partition, each with its tick or why it is none, and the clock after it."""
    latest: int | None = None  # the latest event time
    clock: int | None = None
    before: int | None = None  # when the record before was appended
    for record in records:
        if before is not None and latest is not None and clock is not None:
            silence = max(0, record.append_ms - before - rules.idle_ms)
            clock = max(clock, latest - rules.bound_ms + silence)
        before = record.append_ms
        verdict = read(record.value, symbol, record.append_ms, rules.future_ms)
        if isinstance(verdict, str):
            yield record, verdict, clock
            continue
        ms, units = verdict
        tick = Tick(ms, record.offset * _PARTITIONS + record.partition, units, clock)
        is_late = clock is not None and clock >= rules.last_end(ms)
        # A late tick may be the latest so far: the clock runs on without ticks.
        latest = ms if latest is None else max(latest, ms)
        clock = latest - rules.bound_ms if clock is None else max(clock, latest - rules.bound_ms)
        yield record, "late" if is_late else tick, clock


def _windows(symbol: str, ticks: list[Tick], rules: Rules) -> Iterator[tuple[Key, Window]]:
    """Every window, in the order of their ends, with what had been judged by then."""
    pane_ms = rules.pane_ms

    def counts_from(tick: Tick) -> int:
        return (max(tick.ms, tick.ms if tick.clock is None else tick.clock) // pane_ms + 1) * pane_ms

    ends = set()
    for first, pane in {(counts_from(tick), tick.ms // pane_ms * pane_ms) for tick in ticks}:
        for _, length, slide in rules.windows:
            ends |= set(range(-(-first // slide) * slide, (pane + length) // slide * slide + 1, slide))
    coming = sorted(ticks, key=counts_from, reverse=True)
    panes: dict[int, list[Tick]] = {}
    last: dict[int, Tick] = {}
    pane_ends: list[int] = []
    ewma = Ewma()
    for end in sorted(ends):
        while coming and counts_from(coming[-1]) <= end:
            tick = coming.pop()
            pane = (tick.ms // pane_ms + 1) * pane_ms
            if pane not in panes:
                insort(pane_ends, pane)
            panes.setdefault(pane, []).append(tick)
            last[pane] = max(tick, last.get(pane, tick), key=lambda each: (each.ms, each.order))
        # A return is weighted at the end of its pane: one that comes later is too late for it.
        if end in panes and (before := bisect_right(pane_ends, end) - 2) >= 0:
            ewma.add(last[pane_ends[before]], last[end])
        for label, length, slide in rules.windows:
            first_in = bisect_right(pane_ends, end - length)
            if end % slide == 0 and first_in < len(pane_ends):
                inside = [tick for pane in pane_ends[first_in:] for tick in panes[pane]]
                lasts = [last[pane] for pane in pane_ends[max(first_in - 1, 0) :]]
                volatility = realized(lasts, end - length)
                key = symbol, label, moment(end)
                yield key, Window.of(length, inside, volatility, ewma.volatility)


def read(value: bytes | None, symbol: str, append_ms: int, future_ms: int) -> tuple[int, int] | str:
    """Event time and price of a record, or the reason why it is refused."""
    fields = _fields(value)
    if isinstance(fields, str):
        return fields
    record: dict[str, Any] = {}
    for name, each in fields:
        record.pop(name, None)
        record[name] = each  # the last of several counts, where it stands
    if wrong := next(filter(None, (_wrong(name, each) for name, each in record.items())), None):
        return wrong
    if not record.keys() >= {"ts", "symbol", "price"}:
        return "missing_field"
    ms = _ms(record["ts"])
    if ms is None:
        return "bad_time"
    if record["symbol"] != symbol:
        return "unknown_symbol"
    if ms > append_ms + future_ms:
        return "future"
    return ms, _units(record["price"])


def _fields(value: bytes | None) -> list[tuple[str, Any]] | str:
    """The fields of a JSON object, one that comes twice too."""

    def refuse(constant: str) -> Any:
        raise ValueError(constant)

    class Fields(list[tuple[str, Any]]):
        pass

    try:
        found = json.loads(
            (value or b"").decode(),
            parse_float=Decimal,
            parse_int=Decimal,
            parse_constant=refuse,
            object_pairs_hook=Fields,
        )
    except (ValueError, RecursionError):
        return "not_json"
    return found if isinstance(found, Fields) else "not_json"


def _wrong(name: str, value: Any) -> str | None:
    if name in ("ts", "symbol"):
        return None if isinstance(value, str) else "wrong_type"
    if name == "price":
        if not isinstance(value, Decimal):
            return "wrong_type"
        # By its size first: Decimal would write out 1e999999999.
        if value <= 0 or value.adjusted() < -9 or value.adjusted() >= 9 or not 0 < _units(value) < 10**17:
            return "bad_price"
    return None


def _units(price: Decimal) -> int:
    return int((price * 10**8).to_integral_value(ROUND_HALF_UP))


def _ms(text: str) -> int | None:
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    date, time, decimals = match.groups()
    try:
        when = datetime.strptime(f"{date} {time}", "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    if not _FIRST <= when < _LAST:
        return None
    return epoch_ms(when) + int((decimals or "0").ljust(3, "0")[:3])

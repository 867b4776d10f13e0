"""Historical prices in the CSV and Parquet files that people have.

Exports of Yahoo, Kaggle and vendors differ in the names of columns, in the form of times, and in lines that
hold no price, such as stock splits and dividends.
"""

from __future__ import annotations

import csv
import gzip
import io
import math
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from kafka_topic.contracts import Price
from kafka_topic.errors import ContractError
from task_runtime.errors import SettingsError

_NAMES = {
    "time": ("ts", "time", "timestamp", "datetime", "date time", "date"),
    "price": ("price", "last", "last price", "close", "close/last", "adj close", "mid", "value"),
    "symbol": ("symbol", "ticker", "sym", "name"),
}
"""The names by which a column is found, the best first; case, '_' and spaces do not matter."""
_NO_PRICE = re.compile(r"|null|nan|n/?a|-|.*(split|dividend).*", re.IGNORECASE)
_DECIMALS = 8
# India groups by two digits. Any other comma is a decimal one, and must not make a price larger.
_THOUSANDS = re.compile(r"\d{1,3}(,\d{2,3})*,\d{3}(\.\d*)?", re.ASCII)
# 129.04 and 1,234.5, but not 1.234 or 1.234,5, where the point may group thousands.
_DECIMAL_POINT = re.compile(r"(\d+|\d[\d,]*,\d{3})\.(\d{0,2}|\d{4,})", re.ASCII)
_CURRENCIES = "$€£"
_SWAPPED = str.maketrans(",.", ".,")
# A date without separators has 8 digits. Python also takes some longer numbers for a date and a time.
_SINCE_1970 = re.compile(r"\d{9,}(\.\d*)?", re.ASCII)
_UNREADABLE = (OSError, EOFError, UnicodeDecodeError, csv.Error, zlib.error, ValueError)
# Numbers since 1970: seconds stay below this until the year 5138; larger units are larger by thousands.
_SECONDS_BELOW = 1e11


class Past(NamedTuple):
    """One historical price; ts: UTC."""

    ts: datetime
    symbol: str
    price: float


@dataclass(frozen=True)
class Columns:
    """How to read a file. time, price, symbol: its columns; None: found by name.

    time_zone: of times without an offset. time_format: as in Python. since: earlier prices are left out.
    """

    time: str | None = None
    price: str | None = None
    symbol: str | None = None
    time_zone: str = "UTC"
    time_format: str | None = None
    since: datetime | None = None

    @property
    def zone(self) -> ZoneInfo:
        """The time zone. Raises SettingsError."""
        try:
            return ZoneInfo(self.time_zone)
        # The last one is for a folder of the database, such as America, and for a name that no file can have.
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise SettingsError(
                f"there is no time zone {self.time_zone!r}; write one such as America/New_York"
            ) from None


def read_history(files: Sequence[Path], columns: Columns) -> tuple[list[Past], int]:
    """The prices of all files in the order of their time, and the number of lines without a price.

    Prices with the same time keep the order of the files. Raises SettingsError, which names the file and the
    line.
    """
    columns.zone  # noqa: B018  raises if there is no such time zone
    past: list[Past] = []
    skipped = 0
    for file in files:
        for each in _prices(file, columns):
            if each is None:
                skipped += 1
            else:
                past.append(each)
    if not past:
        raise SettingsError(f"no price is in {', '.join(map(str, files))}")
    past.sort(key=lambda each: each.ts)
    return past, skipped


def _prices(file: Path, columns: Columns) -> Iterator[Past | None]:
    """The price of each line; None if it has none."""
    try:
        names, lines, delimiter = _parquet(file) if file.suffix == ".parquet" else _csv(file)
    except _UNREADABLE as error:
        raise SettingsError(f"{file}: {error}") from error
    find = partial(_found, file, names)
    time, price = find("time", columns.time), find("price", columns.price)
    symbol = find("symbol", columns.symbol, needed=False)
    zone, name = columns.zone, file.name.partition(".")[0]
    # Where the comma is the decimal separator, programs separate columns by ';'.
    comma = False
    if delimiter == ";":
        lines = iter(held := list(lines))
        comma = _has_decimal_commas(str(line[price]) for _, line in held)
    for number, line in lines:
        try:
            value = _price(line[price], comma=comma)
            if value is None:
                yield None
                continue
            at = _time(line[time], zone, columns.time_format)
            if columns.since is not None and at < _utc(columns.since, zone):
                continue
            of = name if symbol is None else str(line[symbol] or "").strip()
            checked = Price(at, of, value)
        except (ValueError, ContractError, OverflowError) as error:
            raise SettingsError(f"{file}:{number}: {error}") from error
        yield Past(checked.ts, checked.symbol, checked.price)


def _csv(file: Path) -> tuple[list[str], Iterator[tuple[int, Mapping[str, Any]]], str]:
    """The names of the columns, the lines with their numbers, and the delimiter: ',', ';', '|' or a tab.

    Accepts a BOM.
    """
    data = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    header = text.partition("\n")[0]
    delimiter = max(",;\t|", key=header.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, restval="", strict=True)
    names = [name.strip() for name in reader.fieldnames or ()]
    reader.fieldnames = names

    def lines() -> Iterator[tuple[int, Mapping[str, Any]]]:
        try:
            for row in reader:
                # Yahoo writes a split or a dividend into one cell of an otherwise empty line.
                yield reader.line_num, row
        except csv.Error as error:
            raise SettingsError(f"{file}:{reader.line_num + 1}: {error}") from error

    return names, lines(), delimiter


def _parquet(file: Path) -> tuple[list[str], Iterator[tuple[int, Mapping[str, Any]]], str]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.ParquetFile(file)
    except pa.ArrowException as error:
        raise ValueError(str(error)) from error

    def lines() -> Iterator[tuple[int, Mapping[str, Any]]]:
        number = 0
        try:
            for batch in table.iter_batches():
                for row in batch.to_pylist():
                    number += 1
                    yield number, row
        except (pa.ArrowException, OSError) as error:
            raise SettingsError(f"{file}: after row {number}: {error}") from error

    return list(table.schema_arrow.names), lines(), ""


def _found(file: Path, names: Sequence[str], what: str, given: str | None, *, needed: bool = True) -> Any:
    """The name of a column."""
    by_name = {_plain(name): name for name in reversed(names)}
    for wanted in (given,) if given is not None else _NAMES[what]:
        if _plain(wanted) in by_name:
            return by_name[_plain(wanted)]
    if given is None and not needed:
        return None
    raise SettingsError(
        f"{file}: no column {given or f'for the {what}'}; it has {', '.join(names)}; "
        f"name one with --{what}-column"
    )


def _plain(name: str) -> str:
    return " ".join(name.strip().lower().replace("_", " ").split())


def _has_decimal_commas(prices: Iterable[str]) -> bool:
    """Whether the comma is the decimal separator in a column of prices.

    A price with a point that groups no thousands shows that it is not. "129,040" alone shows nothing.
    """
    return not any(_DECIMAL_POINT.fullmatch(price.strip().lstrip(_CURRENCIES)) for price in prices)


def _price(value: object, *, comma: bool = False) -> float | None:
    """The price; None if the cell has none. comma: whether the comma is the decimal separator."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, int | float | Decimal):
        return round(float(value), _DECIMALS)
    text = str(value).strip()
    if _NO_PRICE.fullmatch(text):
        return None
    number = text.lstrip(_CURRENCIES)
    if comma:
        number = number.translate(_SWAPPED)
    if _THOUSANDS.fullmatch(number):
        number = number.replace(",", "")
    try:
        return round(float(number), _DECIMALS)
    except ValueError:
        hint = "; write a point before the decimals" if "," in number else ""
        raise ValueError(f"{text!r} is not a price{hint}") from None


def _time(value: object, zone: ZoneInfo, form: str | None) -> datetime:
    if isinstance(value, datetime):
        return _utc(value, zone)
    if isinstance(value, date):
        return _utc(datetime(value.year, value.month, value.day), zone)
    text = str(value).strip()
    if form is not None:
        return _utc(datetime.strptime(text, form), zone)
    if not _SINCE_1970.fullmatch(text):
        with suppress(ValueError):
            return _utc(datetime.fromisoformat(text), zone)
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{text!r} is not a time in ISO 8601; set --time-format, such as %m/%d/%Y")
    while abs(number) >= _SECONDS_BELOW:
        number /= 1000
    return datetime.fromtimestamp(number, UTC)


def _utc(time: datetime, zone: ZoneInfo) -> datetime:
    return (time if time.tzinfo is not None else time.replace(tzinfo=zone)).astimezone(UTC)

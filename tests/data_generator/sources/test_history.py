"""Historical prices: the forms in which people have them, and what is refused."""

from __future__ import annotations

import gzip
import threading
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from data_generator.sources.history import Columns, Past, read_history
from data_generator.sources.ledger import Written
from data_generator.sources.replay import Replay, main, source_of
from kafka_topic.contracts import Price
from task_runtime.errors import SettingsError


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type]


def read(folder: Path, text: str | bytes, name: str = "AAPL.csv", **columns: Any) -> list[Past]:
    file = folder / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_history([file], Columns(**columns))[0]


ONE = [Past(at(2020, 8, 31), "AAPL", 129.04)]


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("Date,Open,High,Low,Close,Adj Close,Volume\n2020-08-31,127.6,131,126,129.04,127.1,225702700\n", {}),
        ("\ufeffts,symbol,price\n2020-08-31 00:00:00.000,AAPL,129.04\n", {}),
        ("time;ticker;last price\r\n2020-08-31T00:00:00Z;AAPL;129.04\r\n", {}),
        ("Date\tClose/Last\n08/31/2020\t$129.04\n", {"time_format": "%m/%d/%Y"}),
        ("when,close,paid\n1598832000,1,129.04\n", {"time": "when", "price": "paid"}),
        ("timestamp,price\n1598832000000,129.04\n", {}),
        ("date,price\n20200831,129.04\n", {}),
        ("date_time,price\n2020-08-30 20:00,129.04\n", {"time_zone": "America/New_York"}),
        ("ts,price\n2020-08-31T02:00:00+02:00,129.04\n", {"time_zone": "America/New_York"}),
        ('ts,price,note\n2020-08-31,129.04,"two\nlines"\n', {}),
        ("ts,price\n1999-12-31,1\n2020-08-31,129.04\n", {"since": datetime(2000, 1, 1)}),
    ],
)
def test_forms_of_one_price(tmp_path, text, columns):
    assert read(tmp_path, text, **columns) == ONE


def test_other_encodings_and_compressed_files(tmp_path):
    text = "ts,price\n2020-08-31,129.04\n"
    assert read(tmp_path, text.encode("utf-16")) == ONE
    assert read(tmp_path, gzip.compress(text.encode()), "AAPL.csv.gz") == ONE


def test_a_number_since_1970_is_no_date_whatever_its_digits(tmp_path):
    # Python takes these digits for 1512-01-28 00:00.
    assert read(tmp_path, "ts,price\n1512012800000,1\n") == [Past(at(2017, 11, 30, 3, 33, 20), "AAPL", 1)]


@pytest.mark.parametrize(
    ("text", "price"), [("1,234.5", 1234.5), ("$1,234", 1234), ("12,34,567.89", 1234567.89)]
)
def test_commas_may_separate_thousands(tmp_path, text, price):
    (found,) = read(tmp_path, f'ts,price\n2020-08-31,"{text}"\n')
    assert found.price == price


@pytest.mark.parametrize(
    ("prices", "found"),
    [
        (["129,040", "1.234,5"], [129.04, 1234.5]),
        (["129,040", "130"], [129.04, 130]),
        (["129,040", "99.5"], [129040, 99.5]),
        (["129,040", "1,234.50"], [129040, 1234.5]),
        (["99,5", "null", "1.234"], [99.5, 1234]),
    ],
)
def test_commas_between_semicolons_are_decimal_unless_a_price_has_a_decimal_point(tmp_path, prices, found):
    lines = "".join(f"2020-08-31;{price}\n" for price in prices)
    assert [each.price for each in read(tmp_path, f"ts;price\n{lines}")] == found


def test_a_price_with_both_separators_of_decimals_is_refused(tmp_path):
    with pytest.raises(SettingsError, match=r"AAPL\.csv:3: '99,5' is not a price"):
        read(tmp_path, "ts;price\n2020-08-31;99.5\n2020-08-31;99,5\n")


def test_files_that_are_cut_off_or_damaged_are_named(tmp_path):
    whole = gzip.compress(b"ts,price\n2020-08-31,129.04\n")
    for content, name in (
        (whole[:-9], "a.csv.gz"),
        (whole[:12] + b"\xff" * 9, "b.csv.gz"),
        (b"PAR1", "c.parquet"),
    ):
        with pytest.raises(SettingsError, match=rf"^{tmp_path}/{name}: (?!{tmp_path})"):
            read(tmp_path, content, name)


def test_lines_without_a_price_are_counted(tmp_path):
    file = tmp_path / "AAPL.csv"
    file.write_text(
        "Date,Open,Close\n2020-08-28,1,124.81\n2020-08-31,4:1 Stock Splits,4:1 Stock Splits\n"
        "2020-09-01,,null\n2020-09-02,0.205 Dividend,0.205 Dividend\n2020-08-31,127.6,129.04\n"
    )
    past, skipped = read_history([file], Columns())
    assert ([each.price for each in past], skipped) == ([124.81, 129.04], 3)


def test_parquet_files_and_several_files_in_the_order_of_time(tmp_path):
    table = {
        "Timestamp": [at(2020, 8, 31, 0, 0, 0, 1000), at(2020, 8, 30)],
        "Symbol": ["MSFT", "MSFT"],
        "Close": [225.53, None],
    }
    pq.write_table(pa.table(table), tmp_path / "x.parquet")
    read(tmp_path, "ts,price\n2020-08-31,129.04\n2020-09-01,134.18\n")
    past, skipped = read_history([tmp_path / "x.parquet", tmp_path / "AAPL.csv"], Columns())
    assert [(each.symbol, each.price) for each in past] == [
        ("AAPL", 129.04),
        ("MSFT", 225.53),
        ("AAPL", 134.18),
    ]
    assert skipped == 1


@pytest.mark.parametrize(
    ("text", "columns", "said"),
    [
        (
            "day,price\n2020-08-31,1\n",
            {},
            "AAPL.csv: no column for the time; it has day, price; name one with",
        ),
        ("ts,price\n2020-08-31,1\n", {"price": "close"}, "AAPL.csv: no column close"),
        (
            "ts,price\n08/31/2020,1\n",
            {},
            "AAPL.csv:2: '08/31/2020' is not a time in ISO 8601; set --time-format",
        ),
        ("ts,price\n2020-08-31,1\n2020-09-01,x\n", {}, "AAPL.csv:3: 'x' is not a price"),
        ('ts,price\n2020-08-31,"1234,56"\n', {}, "AAPL.csv:2: '1234,56' is not a price; write a point"),
        ('ts,price\n2020-08-31,"1.234,56"\n', {}, "AAPL.csv:2: '1.234,56' is not a price; write a point"),
        ("ts,price\ninf,1\n", {}, "AAPL.csv:2: 'inf' is not a time"),
        ('ts,price\n2020-08-31,"1"2\n', {}, "AAPL.csv:2: ',' expected after"),
        ("ts,symbol,price\n2020-08-31,,1\n", {}, "AAPL.csv:2: field 'symbol'"),
        ("ts,price\n2020-08-31,-1\n", {}, "AAPL.csv:2: field 'price' must be"),
        ("ts,price\n1999-12-31,1\n", {}, "AAPL.csv:2: field 'ts' must be in the years 2000 to 2049"),
        ("ts,price\n", {}, "no price is in"),
        ("ts,price\n2020-08-31,1\n", {"time_zone": "Mars/Olympus"}, "no time zone 'Mars/Olympus'"),
        ("ts,price\n2020-08-31,1\n", {"time_zone": "America"}, "no time zone 'America'"),
        (b"\x80\x81", {}, "AAPL.csv: 'utf-8' codec"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path, text, columns, said):
    with pytest.raises(SettingsError, match=said):
        read(tmp_path, text, **columns)


def test_a_replay_keeps_the_original_pace():
    past = [Past(at(2020, 1, 1, 0, 0, second), "A", 1.0) for second in (0, 20, 30, 40)]
    replay = Replay(past, 100.0, threading.Event())
    began, numbers = time.monotonic(), 0
    while numbers < len(past):
        found = replay.make(numbers, len(past), Written(0, None))
        numbers += len(found)
        took = time.monotonic() - began
        assert took >= (past[numbers - 1].ts - past[0].ts).total_seconds() / 100
    assert took < 20
    at_once = Replay(past, 0.0, threading.Event()).make(0, 4, Written(0, None))
    assert [Price.from_json(each.value).ts for each in at_once] == [each.ts for each in past]


@pytest.mark.slow
def test_the_daily_sp500_is_read_as_it_is(sp500):
    past, skipped = read_history([sp500], Columns(time_format="%m/%d/%Y", since=datetime(2000, 1, 1)))
    given = []
    for line in gzip.decompress(sp500.read_bytes()).decode().splitlines()[1:]:
        month, day, year = map(int, (fields := line.split(","))[0].split("/"))
        if year >= 2000:
            given.append((at(year, month, day), "sp500", Decimal(fields[4])))
    assert [(each.ts, each.symbol, Decimal(repr(each.price))) for each in past] == given
    assert (len(past), skipped) == (4779, 0)
    assert past[0] == Past(at(2000, 1, 3), "sp500", 1455.219971)
    assert past[-1] == Past(at(2018, 12, 31), "sp500", 2506.850098)


@pytest.mark.slow
def test_each_price_of_then_is_in_the_topic_once(kafka, tmp_path):
    kafka.create("replay-test")
    file = tmp_path / "AAPL.csv"
    start = at(2020, 1, 1)
    given = [(start + timedelta(minutes=n), (10_000 + n) / 100) for n in range(2500)]
    file.write_text("ts,price\n" + "".join(f"{ts.isoformat()},{price}\n" for ts, price in given))
    argv = [str(file), "--bootstrap-servers", kafka.bootstrap_servers, "--topic", "replay-test"]
    for wrote in (2500, 0):
        done = CliRunner().invoke(main, argv)
        assert (
            done.exit_code == 0 and f"2500 prices are in replay-test; this run wrote {wrote}" in done.output
        )
    found = [Price.from_json(each.value()) for each in kafka.records("replay-test")]
    assert [(each.ts, each.symbol, each.price) for each in found] == [
        (ts, "AAPL", price) for ts, price in given
    ]


def test_another_history_is_another_source():
    assert source_of(ONE) == source_of(list(ONE))
    assert source_of(ONE) != source_of([ONE[0]._replace(price=129.05)])

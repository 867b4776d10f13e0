"""What a query may be, and how the program prints what it finds."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from click.testing import CliRunner

from stores import query
from stores.base import Batch
from stores.disk import DiskStore
from stores.errors import BrokenError, QueryError
from stores.queries import Result, check_reads
from stores.tables import STATISTICS, Flow
from tests.stores.batches import FLOW, START, rows

WORDS = ("SELECT", "WITH")


@pytest.mark.parametrize(
    "text", ["SELECT 1", "  select 1 ; ", "/* why */ SELECT 1", "-- why\nwith a as (select 1) select 1"]
)
def test_what_reads_is_taken(text):
    assert check_reads(text, WORDS) == text.strip().rstrip(";").rstrip()


@pytest.mark.parametrize(
    "text", ["", ";", "DROP TABLE prices", "/* SELECT */ DELETE FROM prices", "-- SELECT"]
)
def test_what_writes_is_refused(text):
    with pytest.raises(QueryError, match="they begin with SELECT, WITH"):
        check_reads(text, WORDS)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("SELECT 1 INTO OUTFILE '/tmp/x'", "OUTFILE"),
        ("select 1 into/**/dumpfile '/tmp/x'", "dumpfile"),
        ("SELECT 'it\\'s' INTO OUTFILE '/tmp/x'", "OUTFILE"),
        ("SELECT 1 # '\nINTO OUTFILE '/tmp/x'", "OUTFILE"),
        ("SELECT /*+ MAX_EXECUTION_TIME(0) */ SLEEP(100)", "/*+"),
        ("SELECT 1 /*!99999 ' */ INTO OUTFILE '/tmp/x'", "/*!"),
        ("WITH a AS (SELECT 1) /*M! DELETE FROM prices */", "/*M!"),
    ],
)
def test_what_writes_a_file_or_hides_in_a_comment_is_refused(text, found):
    with pytest.raises(QueryError) as refused:
        check_reads(text, WORDS)
    assert str(refused.value).endswith(f"remove {found}")


def test_a_statement_does_not_begin_in_a_comment_that_the_server_executes():
    with pytest.raises(QueryError, match="they begin with"):
        check_reads("/*! CREATE TABLE x AS */ SELECT 1", WORDS)


def test_quoted_words_are_no_commands():
    text = """SELECT 'INTO OUTFILE', "/*! x */", `dumpfile` FROM a -- outfile"""
    assert check_reads(text, WORDS) == text


class Store:
    """A store that answers every query in the same way."""

    def query(self, text: str, *, limit: int, seconds: float) -> Result:
        assert (text, limit, seconds) == ("SELECT 1", 2, 5.0)
        at = datetime(2026, 11, 22, 1, 2, 3, 4000)
        rows = [(at, Decimal("1.25"), None, "ü", b"x"), (at.replace(tzinfo=UTC), 1, True, 1.5, "")]
        return Result(("a", "b", "c", "d", "e"), rows, True)


def test_the_program_prints_json(monkeypatch):
    monkeypatch.setattr(query, "open_store", lambda address: Store())
    done = CliRunner().invoke(query.main, ["mysql:x", "--limit", "2", "--seconds", "5"], input="SELECT 1")
    at = "2026-11-22 01:02:03.004"
    assert json.loads(done.stdout) == {
        "columns": ["a", "b", "c", "d", "e"],
        "rows": [[at, 1.25, None, "ü", "b'x'"], [at, 1, True, 1.5, ""]],
        "more": True,
    }


@pytest.fixture
def files(tmp_path):
    store = DiskStore(tmp_path)
    for number in (0, 1):
        store.write(FLOW, Batch("w", number), rows(number, 20))
    times: dict[str, list[Any]] = {"window_start": [START], "window_end": [START + timedelta(minutes=1)]}
    figures: dict[str, list[Any]] = {
        "count": [1],
        "mean": [1.0],
        "stddev": [None],
        "min": [1.0],
        "max": [1.0],
    }
    store.write(
        Flow("prices-statistics", STATISTICS),
        Batch("w", 0),
        {"name": ["A"], "window": ["1m"], **times, **figures},
    )
    return store


def test_files_answer_sql(files):
    def asked(text: str, limit: int = 10) -> Result:
        return files.query(text, limit=limit, seconds=30)

    days = asked("SELECT day, count(*) AS rows, max(price) FROM prices GROUP BY day ORDER BY day")
    assert days.columns == ["day", "rows", "max(price)"] and not days.more
    first, second = date(2026, 11, 22), date(2026, 11, 23)
    assert days.rows == [(first, 10, Decimal("1.09")), (second, 30, Decimal("1.39"))]
    some = asked('WITH a AS (SELECT * FROM Prices) SELECT ts, "offset" FROM a ORDER BY ts;', limit=2)
    assert some.rows == [(START, 0), (START + timedelta(seconds=1), 1)] and some.more
    assert asked("SELECT name, stddev FROM prices_statistics").rows == [("A", None)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("DELETE FROM prices", "they begin with SELECT"),
        ("SELECT nope FROM prices", 'column "nope" not found'),
        ("SELECT * FROM read_csv('/etc/passwd')", "file system operations are disabled"),
        ("SELECT * FROM files", "Table with name files does not exist"),
        ("SELECT count(*) FROM range(100000000000) a, range(1000000) b", "took longer than 0.5 s; narrow it"),
    ],
)
def test_a_query_on_files_reads_nothing_else_and_ends(files, text, said):
    with pytest.raises(QueryError, match=said) as refused:
        files.query(text, limit=10, seconds=0.5)
    assert "\n" not in str(refused.value)


def test_a_file_merged_during_a_query_is_found_again(files, monkeypatch):
    stale = [{"prices": ["flow=prices/day=2026-11-22/w.0000000000-0000000009.parquet"]}]
    now = DiskStore._paths_in
    monkeypatch.setattr(
        DiskStore, "_paths_in", lambda store, text: stale.pop() if stale else now(store, text)
    )
    assert files.query("SELECT count(*) FROM prices", limit=1, seconds=30).rows == [(40,)]
    with pytest.raises(BrokenError, match="restore the file"):
        [path, *_] = files.files("prices")
        path.write_bytes(b"PAR1, not")
        files.query("SELECT count(*) FROM prices", limit=1, seconds=30)


def test_a_slow_query_ends_although_files_are_added(files, monkeypatch):
    numbers, now = count(2), DiskStore._paths_in

    def growing(store: DiskStore, text: str) -> dict[str, list[str]]:
        number = next(numbers)
        store.write(FLOW, Batch("w", number), rows(number))
        return now(store, text)

    monkeypatch.setattr(DiskStore, "_paths_in", growing)
    with pytest.raises(QueryError, match=r"took longer than 0\.2 s"):
        files.query("SELECT count(*) FROM prices, range(100000000000), range(1000000)", limit=1, seconds=0.2)
    with pytest.raises(QueryError, match='column "nope" not found'):
        files.query("SELECT nope FROM prices", limit=1, seconds=30)
    assert next(numbers) < 8


def test_a_store_without_a_language_answers_no_queries(monkeypatch):
    monkeypatch.setattr(query, "open_store", lambda address: object())
    done = CliRunner().invoke(query.main, ["tape:x"], input="SELECT 1")
    assert (done.exit_code, done.stderr) == (1, "the store tape:x answers no queries\n")

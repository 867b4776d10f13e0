"""What a query may be, and how the program prints what it finds."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from click.testing import CliRunner

from stores import query
from stores.errors import QueryError
from stores.queries import Result, check_reads

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


def test_a_store_of_files_answers_no_queries(tmp_path):
    done = CliRunner().invoke(query.main, [f"disk:{tmp_path}"], input="SELECT 1")
    assert (done.exit_code, done.stderr) == (1, f"the store disk:{tmp_path} answers no queries\n")

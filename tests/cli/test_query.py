"""`pipectl query`: its output, its login and its errors; its program has a stand-in."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cli.__main__ import pipectl
from cli.engine.memory import MemoryEngine

ROWS = {"columns": ["symbol", "cv"], "rows": [["AAPL", 0.25], ["a\x1b[2J", None]], "more": True}
ON = ("--cluster", "prod", "--set", "parts=[mysql]", "--set", "mysql.password=a/path")


class Program:
    """Stands in for `python -m stores.query`."""

    def __init__(self) -> None:
        self.answer = (0, json.dumps(ROWS), "")
        self.asked: dict[str, Any] = {}

    def run(self, command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        self.asked = {"command": command, **options}
        return subprocess.CompletedProcess(command, *self.answer)


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Program:
    program = Program()
    monkeypatch.setattr(subprocess, "run", program.run)
    monkeypatch.setattr("cli.session.connect", lambda *_, **__: MemoryEngine())
    monkeypatch.setenv("PIPECTL_HOME", str(tmp_path))
    monkeypatch.setenv("MYSQL_PASSWORD", "hush")
    return program


def asked(*arguments: str) -> Result:
    return CliRunner().invoke(pipectl, ["query", "SELECT 1", "--on", "mysql", *arguments, *ON])


def test_rows_as_table_json_and_csv(program):
    table = asked()
    assert table.exit_code == 0
    assert [line.split() for line in table.stdout.splitlines()] == [
        ["symbol", "cv"],
        ["AAPL", "0.25"],
        ["a\N{REPLACEMENT CHARACTER}[2J", "-"],
    ]
    assert table.stderr == "only the first 1000 rows; --limit asks for more\n"
    assert json.loads(asked("-o", "json").stdout)[0] == {"symbol": "AAPL", "cv": 0.25}
    assert asked("-o", "csv").stdout.splitlines()[:2] == ["symbol,cv", "AAPL,0.25"]


def test_no_column_hides_another_of_the_same_name(program):
    program.answer = (0, json.dumps({"columns": ["n", "n", "m"], "rows": [[1, 2, 3]], "more": False}), "")
    refused = asked("-o", "json")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "several columns are named n," in refused.stderr and "-o csv" in refused.stderr
    assert asked("-o", "csv").stdout == "n,n,m\n1,2,3\n"


def test_the_query_and_the_password_are_on_no_command_line(program):
    asked("--limit", "7", "--timeout", "2s")
    address = "mysql:volatility-mysql.marathon.l4lb.thisdcos.directory:3306/volatility"
    assert program.asked["command"][1:] == [
        *("-m", "stores.query", address, "--limit", "7", "--seconds", "2.0")
    ]
    assert program.asked["input"] == "SELECT 1"
    assert program.asked["env"]["MYSQL_PASSWORD"] == "hush"


def test_errors_are_one_line(program, monkeypatch):
    program.answer = (1, "", "Traceback\nUnknown column 'nothing'\n")
    failed = asked()
    assert (failed.exit_code, failed.stdout) == (1, "")
    assert "Unknown column 'nothing'" in failed.stderr and "Traceback" not in failed.stderr
    monkeypatch.delenv("MYSQL_PASSWORD")
    assert "environment variable MYSQL_PASSWORD" in asked().stderr
    assert "--timeout: expected a duration" in asked("--timeout", "soon").stderr
    assert "--timeout: must be more than 0s" in asked("--timeout", "0s").stderr
    off = CliRunner().invoke(pipectl, ["query", "SELECT 1", "--on", "cassandra", *ON])
    assert off.exit_code == 2 and "the part cassandra is disabled" in off.stderr

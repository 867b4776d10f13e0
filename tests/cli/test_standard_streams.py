"""Standard streams that are closed, cut off, or on a terminal without colours."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

PIPECTL = f"{sys.executable} -m cli"
COLOUR = re.compile(rb"\x1b\[[0-9;]*3[0-9][0-9;]*m")


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PIPECTL_", "NO_COLOR", "TERM"))}
    return {**kept, "PIPECTL_HOME": str(tmp_path / "home"), "TERM": "xterm-256color", "COLUMNS": "120"}


def shell(command: str, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", "-c", command], env=environ, capture_output=True, text=True, timeout=60, check=False
    )


def on_a_terminal(environ: dict[str, str], *args: str) -> bytes:
    """All that `pipectl` writes to a terminal that is its stdin, stdout and stderr."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "cli", *args], env=environ, stdin=slave, stdout=slave, stderr=slave
    )
    os.close(slave)
    said = b""
    try:
        while True:
            said += os.read(master, 65536)
    except OSError:  # the last writer has closed it
        pass
    finally:
        os.close(master)
        process.wait(timeout=60)
    return said


@pytest.mark.parametrize("args", [("plan",), ("validate", "--set", "generator.rate=0")])
def test_no_colours_where_none_are_wanted(environ: dict[str, str], args: tuple[str, ...]) -> None:
    assert COLOUR.search(on_a_terminal(environ, *args))
    assert not COLOUR.search(on_a_terminal({**environ, "NO_COLOR": "1"}, *args))
    plain = on_a_terminal({**environ, "TERM": "dumb"}, *args)
    assert plain
    assert b"\x1b" not in plain
    assert COLOUR.search(on_a_terminal({**environ, "NO_COLOR": ""}, *args))


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_a_closed_stream_is_as_dev_null(environ: dict[str, str], closed: str) -> None:
    for command, code in (("validate", 0), ("render", 0), ("--help", 0), ("plan", 2), ("status", 4)):
        done = shell(f"{PIPECTL} {command} {closed}", environ)
        assert "Traceback" not in done.stderr
        assert done.returncode == code, f"{command} {closed}: {done.stdout}{done.stderr}"
    assert shell(f"{PIPECTL} validate --set generator.rate=0 {closed}", environ).returncode == 2


@pytest.mark.parametrize("command", ["render", "--help", "validate", "plan"])
def test_a_pipeline_that_is_cut_off_ends_as_usual(environ: dict[str, str], command: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)  # before the first byte
    process = subprocess.Popen(
        [sys.executable, "-m", "cli", *command.split()], env=environ, stdout=writer, stderr=subprocess.PIPE
    )
    os.close(writer)
    _, said = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGPIPE
    assert b"Traceback" not in said
    assert b"Exception ignored" not in said


def test_bytes_are_cut_off_as_text_is(environ: dict[str, str]) -> None:
    code = (
        "import click\n"
        "from cli import standard_streams\n"
        "standard_streams.prepare()\n"
        "try: click.echo(b'a record')\n"
        "except standard_streams.ReaderGone: standard_streams.end_as_if_piped()"
    )
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([sys.executable, "-c", code], env=environ, stdout=writer, timeout=60, check=False)
    os.close(writer)
    assert done.returncode == -signal.SIGPIPE


@pytest.mark.parametrize("read", [True, False])
def test_whether_anybody_reads_is_known_without_writing(environ: dict[str, str], read: bool) -> None:
    code = (
        "from cli.standard_streams import ReaderGone, check_reader\n"
        "try: check_reader()\n"
        "except ReaderGone: raise SystemExit(7)"
    )
    reader, writer = os.pipe()
    if not read:
        os.close(reader)
    done = subprocess.run([sys.executable, "-c", code], env=environ, stdout=writer, timeout=60, check=False)
    os.close(writer)
    if read:
        os.close(reader)
    assert done.returncode == (0 if read else 7)


def test_output_that_cannot_be_written_is_an_error(environ: dict[str, str]) -> None:
    done = shell(f"{PIPECTL} render > /dev/full", environ)
    assert done.returncode == 1
    assert done.stderr == "error: [Errno 28] No space left on device\n"

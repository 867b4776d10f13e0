"""The guided tour is true: its commands are run in its order, and print what it shows."""

import os
import re
import shlex
import shutil
import sys
from pathlib import Path

import pytest

from tests import memory
from tests.e2e.documents import agrees, as_printed, steps_of
from tests.e2e.terminal import Terminal

ROOT = Path(__file__).parents[2]
STEPS = steps_of((ROOT / "docs" / "tour.md").read_text())
CLIENTS = ("kcat", "mysql", "cqlsh")
NEEDED = 8_000
"""MiB: the stores with notebooks, or two bundles."""
SECONDS = 900
DEFAULT_HOME = "~/.local/share/pipectl"
PATH = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
"""As after `. .venv/bin/activate`, also for the programs of the tour."""


def test_the_tour_uses_what_a_terminal_and_its_clients_know():
    typed = (re.sub(r"^(\w+=\S+ )+", "", command) for command, _, _ in STEPS if command)
    first_words = {command.split()[0].partition("=")[0] for command in typed}
    assert first_words == {"pipectl", "python", "kcat", "mysql", "kill", "export", "unset", "secrets"}
    assert any(program for _, _, program in STEPS)


@pytest.mark.parametrize(
    ("printed", "shown", "same"),
    [
        ("a  1.5\nb  2\n", "   a 7\n   b 8\n", True),
        ("a 1\nb 2\nc 3\n", "a 1\n…\nc 3\n", True),
        ("a 1\nc 3\n", "b 1\n…\n", False),
        ("a 1\nb 2\nc 3\nd 4\ne 5\n", "a 1\n…\nc 3\n…\ne 5\n", True),
        ("a 1\nb 2\nd 4\ne 5\n", "a 1\n…\nc 3\n…\ne 5\n", False),
        ("a 1 x\nb 2 y\n", "a 7 …\nb …\n", True),
        ("a 1 x\n", "b …\n", False),
        ("a --file=/tmp/x3y/b.cnf\n", "a --file=/tmp/…/b.cnf\n", True),
        ("a --file=/tmp/x3y/c.cnf\n", "a --file=/tmp/…/b.cnf\n", False),
        ("http://a:1/once/xY_3z\n", "http://a:7/once/…\n", True),
        ("http://a:1/twice/xY_3z\n", "http://a:7/once/…\n", False),
        ('{"x": 1, "y": 2}\n', '{"x": 5, "y": 7}\n', True),
        ('{"x": 1}\n', '{"y": 1}\n', False),
    ],
)
def test_outputs_are_compared_without_their_figures(printed, shown, same):
    assert agrees(printed, shown) is same


def test_a_program_prints_the_block_below_it():
    document = "```python\nprint(1)\n```\n\n```\n1\n```\n\n```python\npass\n```\n\n```console\n$ a\nb\n```\n"
    assert steps_of(document) == [("", "1\n", "print(1)\n"), ("", "", "pass\n"), ("a", "b\n", "")]


def test_what_was_printed_is_copied_into_a_command():
    printed = "a --file=/tmp/one/b.cnf c\na --file=/tmp/two/b.cnf\n"
    assert as_printed("a --file=/tmp/…/b.cnf -e 1", printed) == "a --file=/tmp/two/b.cnf -e 1"
    with pytest.raises(AssertionError, match="was not printed"):
        as_printed("a --file=/tmp/…/d.cnf", printed)


def test_a_terminal_keeps_variables_and_jobs_and_tells_failures(tmp_path):
    with Terminal(os.environ, tmp_path / "errors", 60) as terminal:
        assert terminal.run("export A=1; echo a >&2") == ""
        assert terminal.run("echo $A; printf b") == "1\nb\n"
        assert terminal.run("{ echo c; exec sleep 600; } &", lines=1) == "c\n"
        assert terminal.run("kill %1") == ""
        with pytest.raises(AssertionError, match=r"^cat /nowhere: 1\n+cat: /nowhere"):
            terminal.run("cat /nowhere")


@pytest.mark.e2e
@pytest.mark.long
@pytest.mark.timeout(5400)
def test_the_tour_works_from_its_first_command_to_its_last(pipectl_elsewhere, tmp_path):
    if missing := [client for client in CLIENTS if shutil.which(client, path=PATH) is None]:
        pytest.skip(f"needs the clients {', '.join(missing)}, which docs/tour.md says how to install")
    memory.need(NEEDED, "the guided tour")
    user = pipectl_elsewhere
    user.more = {"PATH": PATH}
    with Terminal(user.environ, tmp_path / "errors", SECONDS) as terminal:
        copied = ""
        for number, (command, shown, program) in enumerate(STEPS):
            if program:
                file = tmp_path / f"program{number}.py"
                file.write_text("\n".join(line.removeprefix("   ") for line in program.splitlines()))
                printed = terminal.run(f"python {shlex.quote(str(file))}")
            else:
                typed = as_printed(command, copied).replace(DEFAULT_HOME, shlex.quote(str(user.home)))
                printed = terminal.run(
                    typed, lines=sum(not line.isspace() for line in shown.splitlines(keepends=True))
                )
            copied += printed if command.endswith("&") else ""
            assert not shown or agrees(printed, shown), f"{command or program}\n{printed}"

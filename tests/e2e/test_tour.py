"""The guided tour is true: its commands are run in its order, and print what it shows."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests import memory
from tests.e2e.documents import agrees, steps_of

ROOT = Path(__file__).parents[2]
STEPS = steps_of((ROOT / "docs" / "tour.md").read_text())
CLIENTS = ("kcat", "mysql", "cqlsh")
NEEDED = 8_000
"""MiB: the stores with notebooks, or two bundles."""
SECONDS = 900
PATH = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
"""As after `. .venv/bin/activate`, also for the programs of the tour."""


def test_every_command_of_the_tour_is_run_here():
    first_words = {word for command, _, _ in STEPS if command for word in [_words(command)[1][0]]}
    assert first_words == {"pipectl", "python", "kill"}
    assert any(program for _, _, program in STEPS)


@pytest.mark.parametrize(
    ("printed", "shown", "same"),
    [
        ("a  1.5\nb  2\n", "   a 7\n   b 8\n", True),
        ("a 1\nb 2\nc 3\n", "a 1\n…\nc 3\n", True),
        ("a 1\nc 3\n", "b 1\n…\n", False),
        ("a 1 x\nb 2 y\n", "a 7 …\nb …\n", True),
        ("a 1 x\n", "b …\n", False),
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


def _words(command):
    """The variables in front of a command, and its words."""
    words = shlex.split(command.removesuffix("&"))
    count = next(number for number, word in enumerate(words) if not re.fullmatch(r"[A-Z_]+=.*", word))
    return dict(word.split("=", 1) for word in words[:count]), words[count:]


@pytest.mark.e2e
@pytest.mark.long
@pytest.mark.timeout(5400)
def test_the_tour_works_from_its_first_command_to_its_last(pipectl_elsewhere, tmp_path):
    if missing := [client for client in CLIENTS if shutil.which(client, path=PATH) is None]:
        pytest.skip(f"needs the clients {', '.join(missing)}, which docs/tour.md says how to install")
    memory.need(NEEDED, "the guided tour")
    user = pipectl_elsewhere
    user.more = {"PATH": PATH}
    with ExitStack() as stack:
        jobs: list[subprocess.Popen[str]] = []
        for command, shown, program in STEPS:
            if program:
                lines = [line.removeprefix("   ") for line in program.splitlines()]
                printed = _run(user, {}, [sys.executable, "-c", "\n".join(lines)])
                assert not shown or agrees(printed, shown), f"{program}\n{printed}"
            elif command == "kill %1":
                jobs[0].send_signal(signal.SIGTERM)
                jobs[0].communicate(timeout=SECONDS)
            elif command.endswith(" &"):
                job = user.start(*_words(command)[1][1:])
                jobs.append(job)
                stack.callback(job.kill)
                assert job.stdout is not None
                printed = "".join(job.stdout.readline() for _ in shown.rstrip().splitlines())
                assert agrees(printed, shown), printed
            else:
                more, words = _words(command)
                printed = _run(
                    user, more, [sys.executable, "-m", "cli", *words[1:]] if words[0] == "pipectl" else words
                )
                assert not shown or agrees(printed, shown), f"{command}\n{printed}"


def _run(user, more, argv):
    """What a command of the user prints."""
    done = subprocess.run(
        argv,
        env=user.environ | more,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert done.returncode == 0, f"{argv}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout

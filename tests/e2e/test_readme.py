"""The README is true: its commands are run, in its order, on a cluster that starts empty."""

import re
import shlex
from pathlib import Path

import pytest

from cli.commands import SHORT_HELP

README = (Path(__file__).parents[2] / "README.md").read_text()
COMMANDS = re.findall(r"^ *\$ (.+)$", README, re.MULTILINE)
STEPS = re.findall(r"^ *\$ (.+)$|```python\n((?:.|\n)*?)```", README, re.MULTILINE)
"""Commands and programs, in their order: (command, "") or ("", program)."""


def test_readme_names_every_verb():
    assert [verb for verb in SHORT_HELP if f"`pipectl {verb}" not in README] == []


def test_every_readme_command_is_run_here():
    assert COMMANDS[:2] == ["make deploy", "make test"]
    assert all(command.startswith(".venv/bin/pipectl ") for command in COMMANDS[2:])


def test_every_guarantee_names_a_test_that_exists():
    section = README.split("## Tool safety")[1].split("\n## ")[0]
    guarantees = re.split(r"^\d+\. ", section, flags=re.MULTILINE)[1:]
    assert len(guarantees) >= 10
    for guarantee in guarantees:
        files = re.findall(r"tests/[\w/]+/test_\w+\.py", guarantee)
        assert files, guarantee
        source = "".join((Path(__file__).parents[2] / file).read_text() for file in files)
        for test in re.findall(r"`(test_\w+)`", guarantee):
            assert f"def {test}(" in source, test


@pytest.mark.e2e
@pytest.mark.timeout(420)
def test_readme_commands_work_in_their_order(pipectl_elsewhere):
    user = pipectl_elsewhere
    said = user.run("deploy").stdout  # what `make deploy` runs once all is installed
    assert "What you are looking at:" in said
    assert {(one["symbol"], one["buy"], one["sell"]) for one in user.json("limits", "list")} == {
        ("AAPL", 224, 234),
        ("TSLA", 304, 318),
    }
    servers = user.json("endpoints")["kafka"]
    for command, program in STEPS[2:]:
        if program:
            lines = [line[3:] if line.startswith("   ") else line for line in program.splitlines()]
            exec(compile("\n".join(lines).replace("127.0.0.1:9092", servers), "README.md", "exec"), {})  # noqa: S102
        else:
            user.run(*shlex.split(command)[1:])

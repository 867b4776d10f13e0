"""The README is true: its commands are run, in its order, on a cluster that starts empty."""

import ast
import re
import shlex
from pathlib import Path

import pytest

from cli.commands import SHORT_HELP
from flink_scripts.connectors import connector_jars
from local_dcos.kafka.jars import JARS
from spark_jobs.locked import KAFKA, LOCK
from tests import memory
from tests.e2e.documents import agrees, steps_of

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
COMMANDS = re.findall(r"^ *\$ (.+)$", README, re.MULTILINE)
STEPS = steps_of(README)


def test_readme_names_every_verb():
    assert [verb for verb in SHORT_HELP if f"`pipectl {verb}" not in README] == []


def test_every_readme_command_is_run_here():
    assert COMMANDS[:2] == ["make deploy", "make test"]
    assert all(command.startswith(".venv/bin/pipectl ") for command in COMMANDS[2:])


def guarantees():
    return re.split(r"^\d+\. ", (ROOT / "docs" / "tool-safety.md").read_text(), flags=re.MULTILINE)[1:]


def functions_of(file):
    """The test functions of a file by name, with how each is marked."""
    functions = {}
    for node in ast.parse((ROOT / file).read_text()).body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            functions[node.name] = [ast.unparse(each) for each in node.decorator_list]
    return functions


@pytest.mark.parametrize("guarantee", guarantees(), ids=lambda text: " ".join(text.split()[:4]))
def test_every_guarantee_is_held_by_tests_that_run(guarantee):
    # Each file, and the tests that are named after it and before the next one.
    named = re.findall(r"(tests/[\w/]+/test_\w+\.py)((?:(?!tests/[\w/]+\.py)[\s\S])*)", guarantee)
    assert named, guarantee
    for file, rest in named:
        functions = functions_of(file)
        wanted = re.findall(r"`(test_\w+)`", rest) or list(functions)
        assert wanted
        for test in wanted:
            assert test in functions, f"{file} has no {test}"
            assert not [mark for mark in functions[test] if re.search(r"mark\.(skip|xfail)", mark)], test


def test_there_are_guarantees():
    assert len(guarantees()) >= 10


@pytest.mark.e2e
@pytest.mark.timeout(1200)
def test_readme_commands_work_in_their_order_without_java_on_path_or_a_network(pipectl_elsewhere, tmp_path):
    memory.need(memory.BUNDLE_MB + memory.SPARK_MB, "a bundle with a report by Spark")
    user = pipectl_elsewhere
    nowhere = "http://127.0.0.1:9"
    # With the caches filled, nothing may be fetched.
    LOCK.fetch(KAFKA)
    JARS.fetch()
    connector_jars()
    without_java(tmp_path)
    user.more = {"PATH": str(tmp_path), "HTTP_PROXY": nowhere, "HTTPS_PROXY": nowhere, "https_proxy": nowhere}
    said = user.run("deploy").stdout  # what `make deploy` runs once all is installed
    assert "What you are looking at:" in said
    assert {(one["symbol"], one["buy"], one["sell"]) for one in user.json("limits", "list")} == {
        ("AAPL", 224, 234),
        ("TSLA", 304, 318),
    }
    servers = user.json("endpoints")["kafka"]
    for command, printed, program in STEPS[2:]:
        if program:
            lines = [line[3:] if line.startswith("   ") else line for line in program.splitlines()]
            exec(compile("\n".join(lines).replace("127.0.0.1:9092", servers), "README.md", "exec"), {})  # noqa: S102
        else:
            done = user.run(*shlex.split(command)[1:])
            if printed:
                assert agrees(done.stdout, printed), command


def without_java(folder):
    """Fills a folder for PATH with the system's commands, but no Java."""
    for command in Path("/usr/bin").iterdir():
        if not command.name.startswith("java"):
            (folder / command.name).symlink_to(command)

"""Each flow is described under a heading of its own, with commands that run it alone."""

import json
import re
import shlex
from importlib import import_module
from pathlib import Path

import click
import pytest

import marathon
from dashboard.settings import Settings
from tests.settings import load_settings

PAGES = Path(__file__).parents[2] / "docs" / "flows"
SECTION = re.compile(r"^## /(\S+)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
SECTIONS = [
    (page.name, name, text)
    for page in sorted(PAGES.glob("*.md"))
    for name, text in SECTION.findall(page.read_text())
]


@pytest.fixture(scope="module")
def flows():
    """The flows of the bundle by name, as its page gets them."""
    app = marathon.render(load_settings("local")).apps["dashboard"]
    return {flow["name"]: flow for flow in json.loads(str(app.env["FLOWS"]))}


def test_every_flow_has_a_heading_and_a_link_to_it(flows):
    assert sorted(name for _, name, _ in SECTIONS) == sorted(flows)
    index = (PAGES / "README.md").read_text()
    for page, name, _ in SECTIONS:
        assert f"[`/{name}`]({page}#{re.sub('[^a-z-]', '', name)})" in index


def commands(text):
    """The words of each command of a section."""
    lines = re.findall(r"^    \$ (.*(?:\n        .*)*)", text, re.M)
    return [shlex.split(line.replace("\\\n", ""), comments=True) for line in lines]


def parsed(module, arguments):
    """The values of a program's options; fails if it has not these."""
    command = import_module("spark_jobs.__main__" if module == "spark_jobs" else module).main
    if isinstance(command, click.Group):
        command = command.commands[arguments.pop(0)]
    return command.make_context(module, arguments).params


@pytest.mark.parametrize(("name", "text"), [section[1:] for section in SECTIONS])
def test_the_commands_below_a_heading_run_that_flow(monkeypatch, flows, name, text):
    flow = flows[name]
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9092")
    programs, environ = [], {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9092"}
    for words in commands(text):
        words = [word for word in words if word not in ("export", "&")]
        while words and re.match(r"[A-Z0-9_]+=", words[0]):
            environ.update([words.pop(0).split("=", 1)])
        if words:
            assert words[:2] == ["python", "-m"]
            programs.append(words[2:])
    source, *jobs, page = programs
    assert (parsed(source[0], source[1:])["topic"], page) == (flow["topic"], ["dashboard"])
    assert len(jobs) == (flow["processing"] != "none")
    settings = Settings.from_environ(environ)
    for job in jobs:
        found = parsed(job[0], job[1:])
        assert settings.stores[flow["store"]] in (found.get("store"), *found.get("stores", ()))
        assert found["flow"] == flow["topic"]
    assert json.loads(environ["FLOWS"]) == [{name: flow[name] for name in flow if name != "parts"}]

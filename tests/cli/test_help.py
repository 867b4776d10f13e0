"""Help is part of the product: each verb has an example, and `--help` loads nothing heavy."""

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from cli.__main__ import pipectl
from cli.commands import SHORT_HELP


def test_help_names_every_verb_and_the_exit_codes():
    result = CliRunner().invoke(pipectl, ["--help"])
    assert result.exit_code == 0
    assert "Exit codes" in result.output
    assert all(f"\n  {name} " in result.output for name in SHORT_HELP)


@pytest.mark.parametrize("name", SHORT_HELP)
def test_every_verb_has_help_with_an_example(name):
    verb = pipectl.get_command(click.Context(pipectl), name)
    groups = {"accounts", "area", "chaos", "cluster"}  # without a meaning of their own
    verbs = verb.commands if name in groups else [None]
    for below in verbs:
        result = CliRunner().invoke(pipectl, [*filter(None, [name, below]), "--help"])
        assert result.exit_code == 0
        assert "Example:\n    " in result.output
        assert " ".join(filter(None, ["pipectl", name, below])) in result.output.split("Example:")[1]


def test_an_unknown_verb_is_bad_usage():
    assert CliRunner().invoke(pipectl, ["depoly"]).exit_code == 2


def test_help_loads_nothing_heavy():
    code = (
        "import sys; from cli.__main__ import pipectl\n"
        "try: pipectl.main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'pyflink', 'numpy', 'confluent_kafka', 'pydantic', 'jinja2', 'rich', 'ruamel.yaml'}\n"
        "print(sorted(heavy & sys.modules.keys()), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"

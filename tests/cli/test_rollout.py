"""Confirmation before changes."""

import os
import sys

import click
import pytest

from cli.errors import PipectlError, UsageProblem
from cli.planning import Plan
from cli.rollout import confirm
from cli.session import Session
from cli.steps.base import Change

RUN = Session("local", (), (), verbose=False)
CREATE = Change("create", ["+new"])
ADDITION = Change("update", ["+one more"], additive=True)
UPDATE = Change("update", ["-old", "+new"], notes=("a note",))
REMOVE = Change("remove", ["-old"])


def plan(missing=(), **changes):
    return Plan(RUN, {}, changes, missing, partial=False)


@pytest.fixture
def terminal(monkeypatch):
    """Type an answer on a terminal that is our stdin."""
    master, slave = os.openpty()
    with os.fdopen(slave) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        yield lambda text: os.write(master, text.encode() + b"\n")
    os.close(master)


@pytest.mark.parametrize("change", [CREATE, ADDITION, Change("unchanged")])
def test_a_change_that_touches_nothing_existing_needs_no_confirmation(capsys, change):
    confirm(plan(x=change), "local", yes=False)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("change", "verb"), [(UPDATE, "update"), (REMOVE, "remove")])
def test_what_changes_or_removes_needs_a_terminal_or_yes(capsys, change, verb):
    with pytest.raises(UsageProblem, match=f"would {verb} x"):
        confirm(plan(x=change, y=CREATE), "local", yes=False)
    confirm(plan(x=change), "local", yes=True)
    shown = capsys.readouterr().err
    assert "-old" in shown
    assert "+ y  create" in shown
    assert "\x1b[" not in shown  # colours are for terminals


def test_a_terminal_is_asked(terminal):
    terminal("y")
    confirm(plan(x=UPDATE), "local", yes=False)
    terminal("n")
    with pytest.raises(click.Abort):
        confirm(plan(x=UPDATE), "local", yes=False)


def test_what_is_forbidden_is_refused_even_with_yes():
    blocked = Change("update", ["+x"], blocked="app /x is not ours")
    with pytest.raises(PipectlError, match="not ours") as refused:
        confirm(plan(x=blocked), "local", yes=True)
    assert "--adopt x" in refused.value.hint
    with pytest.raises(UsageProblem, match="needs kafka and topics, which are not deployed"):
        confirm(plan(missing=["kafka", "topics"], x=CREATE), "local", yes=True)

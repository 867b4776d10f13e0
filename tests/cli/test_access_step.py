"""The step of the users' rights, with brokers that answer as a test says."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from datetime import timedelta

import pytest

from cli.errors import WaitTimeout
from cli.steps.access import AccessStep, SurplusStep
from cli.steps.base import State
from kafka_topic.access import Right
from kafka_topic.errors import AccessDeniedError, BrokerUnreachableError, KafkaTopicError

NEEDED = Right("generator", "WRITE", "TOPIC", "position.", prefix=True)
OLD = Right("gatherer", "READ", "TOPIC", "fx")


class Rules:
    """What the brokers have."""

    error: KafkaTopicError | None = None
    there: tuple[Right, ...] = (NEEDED,)
    made: tuple[Right, ...] = (NEEDED,)

    def __init__(self, servers: str, *, timeout: float, bundle: str) -> None:
        assert bundle == "v."
        if self.error is not None:
            raise self.error

    def missing(self, rights: Iterable[Right]) -> list[Right]:
        return [right for right in rights if right not in self.there]

    def surplus(self, rights: Iterable[Right]) -> list[Right]:
        return sorted(set(self.there) - set(rights))

    def unwanted(self, rights: Iterable[Right]) -> list[Right]:
        return sorted(set(self.made) - set(rights))

    def withdraw(self, rights: Iterable[Right]) -> None:
        type(self).made = tuple(set(self.made) - set(rights))

    def allow(self, rights: Iterable[Right]) -> None:
        type(self).made = (*self.made, *rights)


@pytest.fixture
def rules(monkeypatch):
    class Own(Rules):
        pass

    monkeypatch.setattr("kafka_topic.access.AccessRules", Own)
    return Own


@pytest.fixture
def step():
    ready = State(True, "healthy")
    return AccessStep("a:1", lambda: [NEEDED], bundle="v.", kafka=lambda: ready, depends_on=frozenset())


def test_a_refusal_is_not_ready(rules, step, monkeypatch):
    rules.error = AccessDeniedError("pipectl is not a super user")
    assert (step.state().ready, step.state().detail) == (False, "pipectl is not a super user")
    monkeypatch.setattr("cli.steps.access.APPLY_TIMEOUT", timedelta(seconds=0.1))
    with pytest.raises(WaitTimeout, match="last seen: pipectl is not a super user"):
        step.wait(lambda line: None, threading.Event())


def test_brokers_that_cannot_be_reached_from_here_are_no_reason_to_wait(rules, step):
    rules.error = BrokerUnreachableError("no answer")
    assert step.state().ready and step.state().state == "unknown"
    step.wait(lambda line: None, threading.Event())


def test_a_rule_that_is_not_needed_is_named_and_stays(rules, step):
    assert (step.plan().action, step.plan().notes) == ("unchanged", ())
    rules.there = (NEEDED, OLD)
    change = step.plan()
    assert change.action == "unchanged" and step.state().ready
    assert "no deploy has made the rules by which gatherer may read topic fx" in change.notes[0]


def test_a_rule_that_the_bundle_made_and_no_longer_needs_is_removed_and_shown_first(rules, step):
    removal = SurplusStep(step, depends_on=frozenset())
    assert removal.plan().action == "unchanged"
    rules.made = (NEEDED, OLD)
    change = removal.plan()
    assert (change.action, change.diff, change.modifies) == ("remove", ["-gatherer may read topic fx"], True)
    assert rules.made == (NEEDED, OLD)
    removal.apply(change)
    removal.wait(lambda line: None, threading.Event())
    assert rules.made == (NEEDED,)
    assert removal.restore(lambda line: None, threading.Event()) == "rights restored"
    assert set(rules.made) == {NEEDED, OLD}


def test_a_rule_that_somebody_else_made_gets_no_mark(rules):
    ready = State(True, "healthy")
    step = AccessStep("a:1", lambda: [NEEDED, OLD], bundle="v.", kafka=lambda: ready, depends_on=frozenset())
    rules.made = ()
    change = step.plan()
    assert (change.action, change.diff) == ("create", ["+gatherer may read topic fx"])
    step.apply(change)
    assert rules.made == (OLD,)


def test_a_kafka_that_cannot_be_reached_from_here_keeps_its_rules(rules, step):
    rules.made, rules.error = (NEEDED, OLD), BrokerUnreachableError("no answer")
    assert SurplusStep(step, depends_on=frozenset()).plan().action == "unchanged"

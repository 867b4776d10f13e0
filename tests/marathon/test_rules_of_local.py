"""The rules of pipectl and those of the local cluster: what the one accepts, the other never refuses."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from local_dcos import defaults, definition
from local_dcos.errors import ApiError
from marathon import rules

APP: dict[str, Any] = {
    "id": "/group/app",
    "args": ["sleep", "1000"],
    "networks": [{"mode": "host"}],
    "portDefinitions": [{"name": "http"}, {"name": "rpc"}],
    "maxLaunchDelaySeconds": 60,
}
MESOS = {"protocol": "MESOS_HTTP", "portIndex": 0}
SINGLE = {"MARATHON_SINGLE_INSTANCE_APP": "true"}
AT_ONCE = {"minimumHealthCapacity": 0, "maximumOverCapacity": 0}
# What breaks a rule of both, by its name in `marathon.rules`.
BROKEN: dict[str, list[dict[str, Any]]] = {
    "lower_case_id": [{"id": "/Group/app"}, {"id": "/group/app-"}, {"id": "/group/äpp"}],
    "one_command": [{"cmd": "true"}, {"args": []}, {"args": [], "container": {"portMappings": []}}],
    "one_mesos_check": [{"healthChecks": [MESOS, {**MESOS, "protocol": "MESOS_TCP"}]}],
    "known_port_index": [
        {"healthChecks": [{**MESOS, "portIndex": 2}]},
        {"healthChecks": [{"protocol": "MESOS_TCP"}], "portDefinitions": []},
    ],
    "known_command": [{"healthChecks": [{"protocol": "COMMAND"}]}],
    "distinct_ports": [
        {"portDefinitions": [{"name": "a"}, {"name": "a"}]},
        {"portDefinitions": [{"port": 8080}, {"port": 8080, "name": "a"}]},
    ],
    "ports_fit_network": [
        {"networks": [{"mode": "host"}, {"mode": "container", "name": "dcos"}]},
        {"container": {"portMappings": [{}]}},
        {"networks": [{"mode": "container/bridge"}]},
    ],
    "declared_secrets": [{"env": {"PASSWORD": {"secret": "none"}}}],
    "single_instance": [
        {"labels": SINGLE, "instances": 2, "upgradeStrategy": AT_ONCE},
        {"labels": SINGLE, "upgradeStrategy": {**AT_ONCE, "maximumOverCapacity": 1}},
        {"labels": SINGLE, "upgradeStrategy": {**AT_ONCE, "minimumHealthCapacity": 0.5}},
    ],
    "ordered_unreachable_strategy": [
        {"unreachableStrategy": {"inactiveAfterSeconds": 2, "expungeAfterSeconds": 1}}
    ],
}
# What the local cluster accepts, because some version of Marathon does, or because it has no such feature.
STRICTER = {
    "text_environment",  # the schema's business there
    "mesos_checks_only",
    "some_failures",
    "known_port_name",
    "one_readiness_check",
    "written_launch_delay",
}


def refused_here(app: dict[str, Any]) -> bool:
    return next(rules.findings(copy.deepcopy(app)), None) is not None


def refused_there(app: dict[str, Any]) -> bool:
    """Of the right shape: `cleaned` checks that by the same schema."""
    try:
        definition.check_rules(defaults.fill(copy.deepcopy(app), itertools.count(10_000).__next__))
    except ApiError:
        return True
    return False


def cases() -> Iterator[Any]:
    for rule, changes in BROKEN.items():
        for number, change in enumerate(changes):
            yield pytest.param(rule, {**APP, **change}, id=f"{rule}-{number}")


def test_the_app_itself_breaks_no_rule() -> None:
    assert not refused_here(APP)
    assert not refused_there(APP)


@pytest.mark.parametrize(("rule", "app"), [*cases()])
def test_both_refuse_what_breaks_a_rule(rule: str, app: dict[str, Any]) -> None:
    assert [*getattr(rules, rule)(app)]
    assert refused_there(app)


def test_each_rule_is_compared_or_named_as_stricter() -> None:
    assert {rule.__name__ for rule in rules.RULES} == BROKEN.keys() | STRICTER


_values: dict[str, st.SearchStrategy[Any]] = {
    key: st.sampled_from([change[key] for changes in BROKEN.values() for change in changes if key in change])
    for key in {key for changes in BROKEN.values() for change in changes for key in change}
}
_more: dict[str, st.SearchStrategy[Any]] = {
    "cmd": st.just(""),
    "healthChecks": st.lists(
        st.fixed_dictionaries(
            {"protocol": st.sampled_from(["MESOS_HTTP", "MESOS_TCP", "COMMAND"])},
            optional={
                "portIndex": st.integers(0, 2),
                "port": st.just(80),
                "command": st.sampled_from([{"value": "true"}, {"value": ""}]),
            },
        ),
        max_size=2,
    ),
    "container": st.sampled_from([{}, {"docker": {"image": "x"}}, {"portMappings": [{"name": "a"}] * 2}]),
    "networks": st.sampled_from([[], [{}], [{"mode": "container", "name": "dcos"}]]),
    "portDefinitions": st.lists(
        st.fixed_dictionaries(
            {}, optional={"name": st.sampled_from("ab"), "port": st.sampled_from([0, 1, 2])}
        ),
        max_size=2,
    ),
    "labels": st.sampled_from([{}, {"MARATHON_SINGLE_INSTANCE_APP": "false"}]),
    "upgradeStrategy": st.sampled_from([{}, AT_ONCE, {"maximumOverCapacity": 0}]),
    "unreachableStrategy": st.sampled_from(["disabled", {}, {"inactiveAfterSeconds": 1}]),
    "secrets": st.just({"none": {"source": "none"}}),
}
_changes = st.fixed_dictionaries(
    {},
    optional={
        key: _values.get(key, st.nothing()) | _more.get(key, st.nothing()) for key in {*_values, *_more}
    },
)
_without = st.sets(st.sampled_from(["args", "networks", "portDefinitions"]))


@given(_changes, _without)
@example({"labels": {"MARATHON_SINGLE_INSTANCE_APP": "false"}, "instances": 2}, set())
def test_what_pipectl_accepts_the_local_cluster_accepts(change: dict[str, Any], without: set[str]) -> None:
    app = {key: value for key, value in APP.items() if key not in without} | change
    assert refused_here(app) or not refused_there(app)

import pytest

from cli.engine.dcos.diff import _APP, differences, resets
from local_dcos.defaults import fill

WANTED = {
    "id": "/volatility/x",
    "cpus": 1,
    "env": {"A": "1"},
    "labels": {"owner": "me"},
    "portDefinitions": [{"port": 0, "name": "http", "protocol": "tcp"}],
    "healthChecks": [{"protocol": "MESOS_HTTP", "path": "/health"}],
    "args": ["python3", "-m", "x"],
}
AS_MARATHON_SHOWS_IT = {
    "healthChecks": [{"path": "/health", "protocol": "MESOS_HTTP", "timeoutSeconds": 20, "portIndex": 0}],
    "args": ["python3", "-m", "x"],
    "id": "/volatility/x",
    "cpus": 1.0,
    "env": {"A": "1"},
    "labels": {"owner": "me"},
    "portDefinitions": [{"port": 10042, "name": "http", "protocol": "tcp", "labels": {}}],
    "backoffSeconds": 1,
    "tasksRunning": 1,
    "version": "2026-01-01T00:00:00.000Z",
}


def test_what_marathon_fills_in_is_no_difference():
    assert differences(WANTED, AS_MARATHON_SHOWS_IT) == []


@pytest.mark.parametrize(
    ("key", "value", "shown"),
    [
        ("cpus", 2, '-  "cpus": 1.0'),
        ("args", ["python3", "-m", "x", "more"], '+    "more"'),
        ("args", ["python3", "-m"], '-    "x"'),
        ("env", {"A": "2"}, '+    "A": "2"'),
        ("env", {}, '-    "A": "1"'),
        ("labels", {"owner": "me", "b": "c"}, '+    "b": "c",'),
        ("healthChecks", [{"protocol": "MESOS_HTTP", "path": "/other"}], '+      "path": "/other",'),
        ("portDefinitions", [{"port": 8081, "name": "http"}], '+      "port": 8081'),
        ("healthChecks", [], '-      "path": "/health",'),
        ("instances", 3, '+  "instances": 3,'),
    ],
)
def test_a_change_is_shown_with_both_sides(key, value, shown):
    lines = differences({**WANTED, key: value}, AS_MARATHON_SHOWS_IT)
    assert any(line.startswith(shown.rstrip(",")) for line in lines), "\n".join(lines)


@pytest.mark.parametrize(
    ("left", "shown"),
    [
        ({"constraints": [["hostname", "UNIQUE"]]}, '-      "UNIQUE"'),
        ({"maxLaunchDelaySeconds": 42}, '-  "maxLaunchDelaySeconds": 42'),
        ({"user": "root"}, '-  "user": "root"'),
        ({"container": {"type": "MESOS", "docker": {"image": "old"}}}, '-      "image": "old"'),
        ({"killSelection": "OLDEST_FIRST"}, '-  "killSelection": "OLDEST_FIRST"'),
        (
            {
                "portDefinitions": [
                    {"port": 10042, "name": "http", "protocol": "tcp", "labels": {"VIP_0": "/x:1"}}
                ]
            },
            '-        "VIP_0": "/x:1"',
        ),
        (
            {"healthChecks": [{"path": "/health", "protocol": "MESOS_HTTP", "timeoutSeconds": 7}]},
            '-      "timeoutSeconds": 7',
        ),
    ],
)
def test_what_was_set_once_and_is_no_longer_wanted_is_a_difference(left, shown):
    lines = differences(WANTED, {**AS_MARATHON_SHOWS_IT, **left})
    assert any(line.startswith(shown) for line in lines), "\n".join(lines)


@pytest.mark.parametrize("delay", [300, 3600])
def test_the_defaults_of_old_and_new_marathons_are_no_difference(delay):
    app = {**AS_MARATHON_SHOWS_IT, **{key: values[0] for key, values in _APP.items() if key not in WANTED}}
    own = {"maxLaunchDelaySeconds": delay, "tasksStaged": 0, "versionInfo": {}, "role": "slave_public"}
    assert differences(WANTED, {**app, **own}) == []


def test_an_update_sends_the_default_of_what_goes_and_says_what_it_cannot_take_away():
    assert resets(WANTED, {**AS_MARATHON_SHOWS_IT, "constraints": [["hostname", "UNIQUE"]]}) == {
        "constraints": []
    }
    assert resets(WANTED, {**AS_MARATHON_SHOWS_IT, "user": "root"}) is None
    assert resets(WANTED, {**AS_MARATHON_SHOWS_IT, "cmd": "true"}) == {}


def test_what_local_dcos_fills_in_is_no_difference():
    """Its fillings follow Marathon 1.9's, found by another hand."""
    shown = fill({key: value for key, value in WANTED.items() if key != "portDefinitions"}, lambda: 10001)
    assert differences({key: value for key, value in WANTED.items() if key != "portDefinitions"}, shown) == []


def test_true_is_not_one():
    assert differences({"requirePorts": True}, {"requirePorts": 1})


def test_everything_is_new_when_nothing_is_there():
    assert all(not line.startswith("-") for line in differences(WANTED, {})[3:])

import pytest

from cli.diff import differences

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


def test_true_is_not_one():
    assert differences({"requirePorts": True}, {"requirePorts": 1})


def test_everything_is_new_when_nothing_is_there():
    assert all(not line.startswith("-") for line in differences(WANTED, {})[3:])

"""The shape of definitions: the path and the text of each error."""

import pytest

from local_dcos.schema import APP, JOB


@pytest.mark.parametrize(
    ("change", "path", "text"),
    [
        ({"instancez": 1}, "/instancez", "is not a known property"),
        ({"healthChecks": [{}, {"portt": 1}]}, "/healthChecks(1)/portt", "is not a known property"),
        ({"fetch": [{}]}, "/fetch(0)/uri", "error.path.missing"),
        ({"container": {"docker": {}}}, "/container/docker/image", "error.path.missing"),
        ({"instances": "1"}, "/instances", "error.expected.jsnumber"),
        ({"instances": 1.0}, "/instances", "error.expected.int"),
        ({"cpus": True}, "/cpus", "error.expected.jsnumber"),
        ({"args": "sleep"}, "/args", "error.expected.jsarray"),
        ({"labels": {"a": 1}}, "/labels/a", "error.expected.jsstring"),
        ({"healthChecks": ["TCP"]}, "/healthChecks(0)", "error.expected.jsobject"),
        ({"requirePorts": 1}, "/requirePorts", "error.expected.jsboolean"),
        (
            {"killSelection": "ANY"},
            "/killSelection",
            "error.unknown.enum.literal, expected one of: YOUNGEST_FIRST, OLDEST_FIRST",
        ),
        ({"backoffFactor": 0.5}, "/backoffFactor", "error.min, expected at least 1"),
        ({"mem": 10**400}, "/mem", "error.max, expected at most 1e+09"),
        ({"instances": 201}, "/instances", "error.max, expected at most 200"),
        ({"portDefinitions": [{}] * 101}, "/portDefinitions", "error.maxLength, expected at most 100 items"),
        ({"env": {"A": 1}}, "/env/A", "has none of the accepted forms"),
        ({"env": {"A": {"secret": 1}}}, "/env/A/secret", "error.expected.jsstring"),
        (
            {"unreachableStrategy": {"inactiveAfterSeconds": "1"}},
            "/unreachableStrategy/inactiveAfterSeconds",
            "error.expected.jsnumber",
        ),
        ({"cmd": ""}, "/cmd", "'' should be non-empty"),
    ],
)
def test_an_error_has_a_path_and_a_text(change, path, text):
    assert APP.problems({"id": "/app", **change}) == [(path, text)]


def test_newer_keys_long_commands_and_many_variables_are_accepted():
    newer = {"role": "x", "tty": True, "check": {}, "resourceLimits": {}, "container": {"linuxInfo": {}}}
    assert (
        APP.problems({"id": "/app", "args": ["x"] * 500, "env": {f"V{n}": "" for n in range(500)}, **newer})
        == []
    )


def test_the_number_of_errors_is_limited():
    assert len(APP.problems({"id": "/app", "args": [0] * 500})) == 100


@pytest.mark.parametrize(("job_id", "problems"), [("a.b-1", 0), ("a\n", 1), ("a/b", 1), ("..", 1), ("", 1)])
def test_the_id_of_a_job_can_name_a_folder(job_id, problems):
    found = JOB.problems({"id": job_id, "run": {"cpus": 1, "mem": 32, "disk": 0}})
    assert [path for path, _ in found] == ["/id"] * problems

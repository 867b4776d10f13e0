"""Each of Marathon's rules is broken once in a shipped template; the error names the line."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from marathon import rules
from marathon.errors import Problem

Faults = Callable[..., list[Problem]]
GENERATOR = "apps/data-generator.json.j2"
# What every template extends: what is broken there is broken in all of them, and named once.
BASE = "apps/base.j2"
MANAGER = "apps/flink-jobmanager.json.j2"
GATHERER = "apps/gatherer.json.j2"
HEALTH = '  "healthChecks": [\n'
READINESS = '"readinessChecks": [{"portName": "http", "intervalSeconds": 5, "timeoutSeconds": 1}],\n'


class Case(NamedTuple):
    """`old` in `template` becomes `new`; `message` is then about `path`, on the line that holds `at`."""

    rule: str
    template: str
    old: str
    new: str
    at: str
    path: str
    message: str


CASES = [
    Case("lower_case_id", GENERATOR, '"data-generator",', '"Data-Generator",', '"id"', "id", "not an app id"),
    Case("one_command", GENERATOR, '"args"', '"cmd": "x",\n"args"', '"cmd"', "cmd", "mutually exclusive"),
    Case(
        "one_command", GENERATOR, '{{ ([python, "-m"] + command) | tojson }}', "[]", "{#",
        "", "needs args or cmd",
    ),
    Case(
        "text_environment", GENERATOR, "generator.rate | plain", "generator.rate", "_RATE",
        "env.GENERATOR_RATE", "environment variables must be text, got 50.0",
    ),
    Case(
        "one_mesos_check", GENERATOR, HEALTH,
        HEALTH + '{"protocol": "MESOS_TCP", "portIndex": 0, "maxConsecutiveFailures": 3},\n', '    {',
        "healthChecks[1]", "one MESOS_HTTP, MESOS_HTTPS or MESOS_TCP check",
    ),
    Case(
        "mesos_checks_only", GENERATOR, "MESOS_HTTP", "HTTP", '"HTTP"',
        "healthChecks[0].protocol", "HTTP is deprecated; write MESOS_HTTP",
    ),
    Case(
        "known_command", GENERATOR, HEALTH, HEALTH + '{"protocol": "COMMAND"},\n', "COMMAND",
        "healthChecks[0]", "a COMMAND check needs command.value",
    ),
    Case(
        "some_failures", GENERATOR, "60 * health.failures", "0", "Failures",
        "healthChecks[0].maxConsecutiveFailures", "kills the task at its first failed",
    ),
    Case(
        "known_port_index", GENERATOR, '"portIndex": 0', '"portIndex": 1', "portIndex",
        "healthChecks[0].portIndex", "there is no port 1: the app has 1",
    ),
    Case(
        "known_port_index", MANAGER, '"DCOS_SERVICE_PORT_INDEX": "1"', '"DCOS_SERVICE_PORT_INDEX": "2"',
        "PORT_INDEX", "labels.DCOS_SERVICE_PORT_INDEX", "there is no port 2: the app has 2",
    ),
    Case(
        "known_port_name", GENERATOR, HEALTH, READINESS.replace("http", "web") + HEALTH, "readiness",
        "readinessChecks[0].portName", "there is no port named 'web'",
    ),
    Case(
        "distinct_ports", MANAGER, '"name": "rest"}', '"name": "rpc"}', "rest_port | tojson }}, ",
        "portDefinitions[1].name", "another port is already named 'rpc'",
    ),
    Case(
        "distinct_ports", GENERATOR, '"port": 0', '"port": 9000}, {"port": 9000', '"port": 9000',
        "portDefinitions[1].port", "another port already has the number 9000",
    ),
    Case(
        "ports_fit_network", GENERATOR, '"host"}', '"host"}, {"mode": "container", "name": "dcos"}',
        "networks", "networks", "host networking cannot be combined",
    ),
    Case(
        "ports_fit_network", GENERATOR, '"host"', '"container/bridge"', "portDefinitions",
        "portDefinitions", "only host networking has these",
    ),
    Case(
        "ports_fit_network", GENERATOR, HEALTH, '"container": {"portMappings": []},\n' + HEALTH,
        "portMappings", "container.portMappings", "host networking has no port mappings",
    ),
    Case(
        "one_readiness_check", GENERATOR, HEALTH,
        READINESS.replace("}]", '},\n{"portName": "http"}]') + HEALTH,
        '{"portName": "http"}]', "readinessChecks[1]", "one readiness check",
    ),
    Case(
        "one_readiness_check", GENERATOR, HEALTH, READINESS.replace(": 1", ": 5") + HEALTH, "readiness",
        "readinessChecks[0].timeoutSeconds", "5 must be less than intervalSeconds, 5",
    ),
    Case(
        "declared_secrets", GENERATOR, '"env": {', '"env": {\n"PASSWORD": {"secret": "kafka"},', "PASSWORD",
        "env.PASSWORD.secret", "the secret 'kafka' is not declared",
    ),
    Case(
        "declared_secrets", GENERATOR, HEALTH,
        '"container": {"docker": {"image": "x", "pullConfig": {"secret": "hub"}}},\n' + HEALTH, "pullConfig",
        "container.docker.pullConfig.secret", "the secret 'hub' is not declared",
    ),
    Case(
        "single_instance", GATHERER, "{% set instances = 1 %}", "{% set instances = 2 %}", "instances",
        "instances", "has at most 1 instance",
    ),
    Case(
        "single_instance", GATHERER, '"maximumOverCapacity": 0', '"maximumOverCapacity": 0.5', "OverCapacity",
        "upgradeStrategy.maximumOverCapacity", "must be 0",
    ),
    Case(
        "single_instance", GATHERER, '"minimumHealthCapacity": 0, ', "", "OverCapacity",
        "upgradeStrategy.minimumHealthCapacity", "must be 0",
    ),
    Case(
        "ordered_unreachable_strategy", GENERATOR, "gone_seconds = 60, 120",
        "gone_seconds = 121, 120", "inactiveAfter", "unreachableStrategy.inactiveAfterSeconds",
        "must not be more than expungeAfterSeconds, 120",
    ),
    Case(
        "written_launch_delay", GENERATOR, ',\n  "maxLaunchDelaySeconds": 60', "", "{#", "",
        "write maxLaunchDelaySeconds",
    ),
    # The schema's own findings, and the rules of the bundle.
    Case(
        "schema", GENERATOR, '"backoffSeconds"', '"backofSeconds"', "backof",
        "backofSeconds", 'unknown to Marathon; did you mean "backoffSeconds"?',
    ),
    Case(
        "schema", GENERATOR, '"delaySeconds"', '"delaySecs"', "delaySecs", "healthChecks[0].delaySecs",
        'unknown to Marathon; did you mean "delaySeconds"?',
    ),
    Case("schema", GENERATOR, '"disk": 0', '"disk": "0"', "disk", "disk", "'0' is not of type 'number'"),
    Case(
        "schema", GENERATOR, '"inactiveAfterSeconds": lost', '"inactive": lost', "inactive",
        "unreachableStrategy", "'inactive' was unexpected",
    ),
    Case(
        "schema", GENERATOR, '"pipectl.bundle": {{ group | tojson }}', '"pipectl.bundle": 1',
        "pipectl.bundle", "labels.pipectl.bundle", "1 is not of type 'string'",
    ),
    Case(
        "schema", GENERATOR, '"id": {{ (group ~ "/" ~ name) | tojson }},', "", "{#",
        "", "'id' is a required property",
    ),
    Case(
        "bundle", GENERATOR, "group ~ ", '"/elsewhere" ~ ', '"id"', "id",
        "'/elsewhere/data-generator' is not in the group /volatility",
    ),
    Case(
        "bundle", MANAGER, '"flink-jobmanager",', '"data-generator",', '"id"', "id",
        "is also the id of ",
    ),
]  # fmt: skip


def template_of(copy: Path, text: str, template: str) -> str:
    """The template with the text: this one, or its base."""
    return template if text in (copy / template).read_text() else BASE


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule}-{case.path or 'app'}")
def test_a_broken_rule_names_template_line_and_key(case: Case, faults: Faults, copy: Path) -> None:
    found = faults(template_of(copy, case.old, case.template), case.old, case.new)
    files = {str(copy / case.template), *([str(copy / BASE)] if case.path else [])}
    about = [
        problem
        for problem in found
        if (problem.path, problem.file in files) == (case.path, True) and case.message in str(problem)
    ]
    # A mistake in what all extend may read otherwise for each app, by what is beside it.
    assert len({(problem.file, problem.line) for problem in about}) == 1, [str(problem) for problem in found]
    assert about[0].line is not None
    assert case.at in Path(about[0].file).read_text().splitlines()[about[0].line - 1]
    assert str(about[0]).startswith(f"{about[0].file}:{about[0].line}: {case.path}")


def test_each_rule_is_broken_by_a_case() -> None:
    assert {rule.__name__ for rule in rules.RULES} <= {case.rule for case in CASES}


def test_each_rule_is_in_the_list() -> None:
    source = Path(rules.__file__).read_text()
    written = re.findall(r"^def ([a-z]\w+)\(app: App\) -> Iterator\[Finding\]", source, re.MULTILINE)
    assert {*written} - {"findings"} == {rule.__name__ for rule in rules.RULES}


@pytest.mark.parametrize(
    "new",
    [
        '"secrets": {"kafka": {"source": "/kafka/password"}},\n"env": {\n"PASSWORD": {"secret": "kafka"},',
        '"role": "volatility",\n"env": {',
        '"tty": false,\n"env": {',
        READINESS + '"env": {',
        '"unreachableStrategy": "disabled",\n"env": {',
    ],
)
def test_what_marathon_accepts_passes(new: str, copy: Path, settings_of: Callable[..., object]) -> None:
    from marathon.bundle import render

    # A base of its own: not every app has a port that can be ready.
    text = (copy / BASE).read_text().replace('"env": {', new, 1)
    if '"disabled"' in new:
        text = re.sub(r'  "unreachableStrategy": {{.*}},\n', "", text)
    (copy / "apps" / "own.j2").write_text(text)
    file = copy / GENERATOR
    file.write_text(file.read_text().replace('extends "base.j2"', 'extends "own.j2"'))
    assert render(settings_of(), package=copy).apps  # type: ignore[arg-type]


def test_an_image_may_have_a_command_of_its_own(copy: Path, settings_of: Callable[..., object]) -> None:
    from marathon.bundle import render

    file = copy / BASE
    file.write_text(re.sub(r'  "args": .*\n', "", file.read_text()))
    assert render(settings_of("local", "image=x:1"), package=copy).apps  # type: ignore[arg-type]


def test_an_unknown_key_does_not_hide_a_broken_rule(faults: Faults) -> None:
    found = faults(BASE, '"disk": 0', '"disc": 0, "cmd": "x"')
    assert [problem.path for problem in found] == ["disc", "cmd"]

"""The packages know only what they may know."""

import ast
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAY_IMPORT: dict[str, set[str]] = {
    "marathon": set(),
    "kafka_topic": set(),
    "task_runtime": set(),
    "data_generator": {"kafka_topic", "task_runtime"},
    "gatherer": {"kafka_topic", "task_runtime"},
    "flink_scripts": {"kafka_topic", "task_runtime", "jvm"},
    "jvm": set(),
    "http_relay": set(),
    "cli": {"marathon", "kafka_topic"},
    "local_dcos": {"jvm", "http_relay"},
    "stores": {"kafka_topic", "task_runtime"},
    "notebooks": {"kafka_topic", "task_runtime", "stores", "http_relay"},
    "spark_jobs": {"kafka_topic", "task_runtime", "stores", "jvm"},
    "dashboard": {"kafka_topic", "task_runtime", "flink_scripts", "stores"},
}


def imports_of(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_a_package_imports_only_what_it_may(package):
    files = list((ROOT / package).rglob("*.py"))
    assert files
    for file in files:
        others = (imports_of(file) & MAY_IMPORT.keys()) - {package}
        assert others <= MAY_IMPORT[package], f"{file.relative_to(ROOT)} imports {others}"


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_a_package_has_a_readme_and_files_of_one_idea(package):
    assert (ROOT / package / "README.md").is_file()
    for file in (ROOT / package).rglob("*.py"):
        lines = len(file.read_text().splitlines())
        assert lines <= 400, f"{file.relative_to(ROOT)} has {lines} lines: it is probably two ideas"


ENGINES = ROOT / "cli" / "engine"
PROTOCOL = ("cli.engine.protocol", "cli.engine.surroundings")
# The one place that chooses the engine.
MAY_NAME_DCOS = {"cli/session.py": {"cli.engine.dcos"}}
SCHEMA = ROOT / "marathon" / "schema" / "marathon-app-definition-1.7.236.schema.json"
# What Marathon shows of an app beside its definition.
SHOWN = {
    "tasksRunning",
    "tasksHealthy",
    "tasksStaged",
    "deployments",
    "versionInfo",
    "lastTaskFailure",
    "appId",
}
# A command for users, a right, a name of DC/OS' own DNS.
WORDS = re.compile(r"\bdcos [a-z]|\bdcos:[a-z]|\bcore\.(dcos|ssl)_|thisdcos|\bacs/api\b|\bmesos\b")
COMMANDS = {"cluster", "config", "job", "kafka", "marathon", "node", "package", "quota", "security", "task"}


def files_outside_dcos() -> list[Path]:
    return [file for file in (ROOT / "cli").rglob("*.py") if ENGINES / "dcos" not in file.parents]


def modules_in(file: Path) -> set[str]:
    tree = ast.walk(ast.parse(file.read_text()))
    found = {node.module for node in tree if isinstance(node, ast.ImportFrom) and node.module}
    return {module for module in found if module.startswith("cli.engine")}


def keys_in(file: Path) -> set[str]:
    """Texts by which a file looks something up, as in `app["env"]` or `app.get("env")`."""
    looked_up: list[ast.expr] = []
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Subscript):
            looked_up.append(node.slice)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get":
            looked_up += node.args[:1]
    return {key.value for key in looked_up if isinstance(key, ast.Constant) and isinstance(key.value, str)}


def first_words_in(file: Path) -> set[str]:
    """What the lists of texts in a file begin with: arguments of a command do with its name."""
    lists = [node.elts for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.List)]
    firsts = [elements[0] for elements in lists if len(elements) > 1]
    return {
        first.value for first in firsts if isinstance(first, ast.Constant) and isinstance(first.value, str)
    }


def texts_in(file: Path) -> list[str]:
    """All texts in a file but the docstrings, which are also the help of commands."""
    tree = ast.parse(file.read_text())
    docstrings = {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in docstrings
    ]


def test_only_the_engine_dcos_knows_dcos():
    for file in files_outside_dcos():
        name = str(file.relative_to(ROOT))
        dcos = {module for module in modules_in(file) if module.startswith("cli.engine.dcos")}
        assert dcos <= MAY_NAME_DCOS.get(name, set()), f"{name} imports {dcos}"
        arguments = first_words_in(file) & COMMANDS
        assert not arguments, f"{name} writes arguments of `dcos {arguments.pop()}`"
        words = [text for text in texts_in(file) if WORDS.search(text)]
        assert not words, f"{name} says {words}: let the engine say it"
    # The test can see such words: the engine has them.
    assert any(WORDS.search(text) for text in texts_in(ENGINES / "dcos" / "rights.py"))
    for used, modules in MAY_NAME_DCOS.items():
        assert modules <= modules_in(ROOT / used), f"{used} needs no exception"


@pytest.mark.parametrize("folder", ["commands", "steps"])
def test_commands_and_steps_know_the_protocol_only(folder):
    for file in (ROOT / "cli" / folder).glob("*.py"):
        others = modules_in(file) - {*PROTOCOL, "cli.engine.memory"}
        assert not others, f"{file.relative_to(ROOT)} imports {others}"


def test_only_the_engine_dcos_reads_marathons_json():
    keys = json.loads(SCHEMA.read_text())["properties"].keys() | SHOWN
    assert "portDefinitions" in keys
    for file in files_outside_dcos():
        read = keys_in(file) & keys
        assert not read, f"{file.relative_to(ROOT)} reads {read} of Marathon's JSON"
    # The test can see such keys: the engine has them.
    assert keys_in(ENGINES / "dcos" / "apps.py") >= {"id", "labels", "versionInfo"}
    assert first_words_in(ENGINES / "dcos" / "engine.py") & COMMANDS


def test_one_module_makes_the_clients_of_kafka():
    """`local_dcos` may import nothing of ours."""
    packages = MAY_IMPORT.keys() - {"local_dcos"}
    making = {
        str(file.relative_to(ROOT))
        for package in packages
        for file in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("AdminClient", "Consumer", "Producer")
    }
    assert making == {"kafka_topic/connection.py"}

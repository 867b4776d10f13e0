"""The rooms know only what they may know."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAY_IMPORT: dict[str, set[str]] = {
    "marathon": set(),
    "kafka_topic": set(),
    "data_generator": {"kafka_topic"},
    "gatherer": {"kafka_topic"},
    "flink_scripts": {"kafka_topic"},
    "cli": {"marathon", "kafka_topic"},
    "local_dcos": set(),
    "dashboard": {"kafka_topic"},
}


def imports_of(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_room_imports_only_what_it_may(room):
    files = list((ROOT / room).rglob("*.py"))
    assert files
    for file in files:
        others = (imports_of(file) & MAY_IMPORT.keys()) - {room}
        assert others <= MAY_IMPORT[room], f"{file.relative_to(ROOT)} imports {others}"


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_room_has_a_readme_and_files_of_one_idea(room):
    assert (ROOT / room / "README.md").is_file()
    for file in (ROOT / room).rglob("*.py"):
        lines = len(file.read_text().splitlines())
        assert lines <= 400, f"{file.relative_to(ROOT)} has {lines} lines: it is probably two ideas"

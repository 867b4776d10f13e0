from __future__ import annotations

from pathlib import Path

import pytest

from marathon.documents import Document, Location, parse_document, read_document


def read(text: str) -> Document:
    return parse_document(text, "a.yaml", lambda mark: Location("a.yaml", mark.line + 1))


BOMB = "a0: &a0 [x]\n" + "".join(
    f"a{step}: &a{step} [{', '.join([f'*a{step - 1}'] * 9)}]\n" for step in range(1, 12)
)


def test_every_key_and_item_has_its_line() -> None:
    document = read("a:\n  b: 1\n  c:\n    - x\n    - y\n")
    assert document.value == {"a": {"b": 1, "c": ["x", "y"]}}
    assert {path: location.line for path, location in document.locations.items()} == {
        ("a",): 1,
        ("a", "b"): 2,
        ("a", "c"): 3,
        ("a", "c", 0): 4,
        ("a", "c", 1): 5,
    }


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("ON", "ON"),
        ("no", "no"),
        ("true", True),
        ("010", 10),
        ("1e3", 1000.0),
        ("-.5", -0.5),
        ("1:30", "1:30"),
        ("2026-11-22", "2026-11-22"),
        ("0x10", 16),
        ("0o17", 15),
        ("=", "="),
        ("<<", "<<"),
        ("null", None),
        ("~", None),
        ("'1'", "1"),
    ],
)
def test_plain_values_follow_yaml_1_2(text: str, value: object) -> None:
    found = read(text).value
    assert (found, type(found)) == (value, type(value))


def test_numbers_and_booleans_keep_the_text_that_was_written() -> None:
    document = read("a: [0700, 1E5, TRUE, NO, '007']\n007: 1_000\n")
    assert document.value == {"a": [700, 1e5, True, "NO", "007"], "007": 1000}
    assert document.written == {("a", 0): "0700", ("a", 1): "1E5", ("a", 2): "TRUE", ("007",): "1_000"}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: 1\na: 2\n", "a.yaml:2: a: written twice; the first is on line 1"),
        ("a: [1\n", "a.yaml:2: not valid YAML: while parsing a flow sequence expected ',' or ']', but got"),
        ("a: 1\n b: 2\n", "a.yaml:2: not valid YAML: mapping values are not allowed here"),
        ("a: &x [*x]\n", "a.yaml:1: a[0]: an alias that contains itself"),
        ("a: !!python/name:os.system\n", "a.yaml:1: a: the tag tag:yaml.org,2002:python/name:os.system"),
        ("? [a]\n: x\n", "a.yaml:1: a key must be text, got a list or mapping"),
        ("a: !!int x\n", "a.yaml:1: a: not a number: x"),
        ("a: !!int\n", "a.yaml:1: a: not a number: "),
        ("a: 1\n---\nb: 1\n", "a.yaml:2: not valid YAML: expected a single document"),
        ("a: *b\n", "a.yaml:1: not valid YAML: found undefined alias"),
        ("a: \x00\n", "a.yaml:1: the character U+0000 is not allowed in YAML"),
        (f"a: {'[' * 3000}{']' * 3000}\n", "a.yaml:1: nested more than 50 levels deep"),
        ("a:\n" + "\n".join(" " * level + "- " for level in range(3000)), "a.yaml:51: nested more than 50 "),
        (BOMB, "a.yaml:1: more than 50000 values, counting each use of an alias"),
    ],
)
def test_malformed_yaml_is_refused(text: str, problem: str) -> None:
    (found,) = read(text).problems
    assert str(found).startswith(problem)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    latin = tmp_path / "latin.yaml"
    latin.write_bytes(b"a: \xe9\n")
    for file, message in (
        (tmp_path / "none", "no such file"),
        (tmp_path, "Is a directory"),
        (latin, "not UTF-8"),
    ):
        (problem,) = read_document(file).problems
        assert problem.file == str(file)
        assert message in problem.message

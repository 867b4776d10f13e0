from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marathon.documents import Document, Location, parse_document
from marathon.layers import Layers, merge, override

KEYS = st.sampled_from("abc")
LEAVES = st.none() | st.integers() | st.text(max_size=3) | st.lists(st.integers(), max_size=2)
TREES = st.recursive(
    st.dictionaries(KEYS, LEAVES, max_size=3),
    lambda tree: st.dictionaries(KEYS, LEAVES | tree, max_size=3),
    max_leaves=8,
)


def layer(text: str, file: str) -> Document:
    return parse_document(text, file, lambda mark: Location(file, mark.line + 1))


@given(TREES, TREES)
def test_merge_changes_neither_side_and_the_upper_wins(base: dict[str, Any], over: dict[str, Any]) -> None:
    before = deepcopy((base, over))
    merged = merge(base, over)
    assert (base, over) == before
    assert set(merged) == set(base) | set(over)
    for key, value in over.items():
        if not isinstance(value, dict) or not isinstance(base.get(key), dict):
            assert merged[key] == value
        else:
            assert merged[key] == merge(base[key], value)
    for key in set(base) - set(over):
        assert merged[key] == base[key]


@given(TREES)
def test_merge_with_nothing_and_with_itself(tree: dict[str, Any]) -> None:
    assert merge(tree, {}) == merge({}, tree) == merge(tree, tree) == tree


def test_each_key_is_placed_where_it_was_last_set() -> None:
    layers = (
        Layers()
        .under(layer("a:\n  x: 1\n  y: 1\nlist: [1, 2, 3]\n", "low"))
        .under(layer("# higher\na:\n  y: 2\nlist: [4]\n", "high"))
    )
    assert layers.value == {"a": {"x": 1, "y": 2}, "list": [4]}
    assert layers.location(("a", "x")) == Location("low", 2)
    assert layers.location(("a", "y")) == Location("high", 3)
    # What the replaced list had is forgotten: the place is that of the new list.
    assert layers.location(("list", 2)) == Location("high", 4)
    assert layers.location(("nowhere",)) is None


def test_a_mapping_replaced_by_a_value_leaves_no_place_behind() -> None:
    layers = Layers().under(layer("a:\n  x: 1\n", "low")).under(layer("a: 5\n", "high"))
    assert layers.value == {"a": 5}
    assert layers.location(("a", "x")) == Location("high", 1)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a.b=c", {"a": {"b": "c"}}),
        ("a=1", {"a": 1}),
        ("a=[x, y]", {"a": ["x", "y"]}),
        ("a={b: {c: 1}}", {"a": {"b": {"c": 1}}}),
        ("a=", {"a": ""}),
        ("a=null", {"a": None}),
        ("a=b=c", {"a": "b=c"}),
        ('a="1"', {"a": "1"}),
        ('a."b.c/d=e".f=g', {"a": {"b.c/d=e": {"f": "g"}}}),
    ],
)
def test_override(text: str, value: dict[str, Any]) -> None:
    document = override(text)
    assert document.value == value
    assert document.problems == []
    assert set(document.locations.values()) == {Location(f"--set {text}", None)}


@pytest.mark.parametrize("text", ["a", "=1", "a..b=1", ".a=1", "", 'a."b=1', 'a."b"c=1'])
def test_override_refuses(text: str) -> None:
    (problem,) = override(text).problems
    assert str(problem).startswith(f"--set {text}: not of the form KEY=VALUE; write a.b=value")

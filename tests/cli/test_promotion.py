"""What a promotion takes along, and what it leaves."""

from __future__ import annotations

import json

import pytest

from cli.promotion import KEPT, PROMOTED, as_document, as_overrides, promoted
from marathon import Settings
from tests.settings import load_settings


def leaves(document: object, path: str = "") -> list[str]:
    if isinstance(document, dict) and document:
        return [leaf for key, value in document.items() for leaf in leaves(value, f"{path}.{key}")]
    return [path.removeprefix(".")]


def test_each_setting_is_either_promoted_or_kept() -> None:
    for leaf in leaves(load_settings("prod").model_dump(mode="json")):
        of = [path for path in (*PROMOTED, *KEPT) if leaf == path or leaf.startswith(f"{path}.")]
        assert len(of) == 1, f"{leaf} must be in either PROMOTED or KEPT of cli/promotion.py, once: {of}"


SOURCE = (
    "image=registry.example.com/volatility:7",
    "positions=[AAPL, X.Y]",
    "generator.rate=99",
    "generator.start_prices={X.Y: 7.5, AAPL: null}",
    "generator.mem=300",
    "gatherer.windows={10s: 1s, 10m: null, 30s: 6s, 1m: 6s}",
    "signals.limit.window=1m",
    "signals.gap={window: 1m, after: 20s}",
    "flows={socket.io/monitoring: null}",
    "initial_limits={AAPL: {buy: 200}}",
    "gatherer.inputs=[{topic: theirs}]",
    "topics.prefix=own.",
)


def what_is_computed(settings: Settings) -> dict[str, object]:
    document = settings.model_dump(mode="json")
    return {path: _at(document, path) for path in PROMOTED}


def _at(document: object, path: str) -> object:
    for key in path.split("."):
        assert isinstance(document, dict)
        document = document[key]
    return document


def _without_nothing(value: object) -> object:
    if isinstance(value, dict):
        return {key: _without_nothing(each) for key, each in value.items() if each is not None}
    return value


@pytest.mark.parametrize(("source", "target"), [("dev", "prod"), ("local", "prod"), ("prod", "local-b")])
def test_the_target_computes_what_the_source_does_with_its_own_sizes(source: str, target: str) -> None:
    theirs, ours = load_settings(source, overrides=SOURCE), load_settings(target)
    changes = promoted(theirs, ours)
    after = load_settings(target, overrides=as_overrides(changes))
    assert _without_nothing(what_is_computed(after)) == _without_nothing(what_is_computed(theirs))
    for path in KEPT:
        assert _at(after.model_dump(mode="json"), path) == _at(ours.model_dump(mode="json"), path)
    assert promoted(theirs, after) == {}


def test_a_saved_file_gives_the_same(tmp_path: object) -> None:
    theirs, ours = load_settings("dev", overrides=SOURCE), load_settings("prod")
    changes = promoted(theirs, ours)
    file = tmp_path / "promoted.yaml"  # type: ignore[operator]
    file.write_text(json.dumps(as_document(changes)))
    assert load_settings("prod", files=[file]) == load_settings("prod", overrides=as_overrides(changes))


def test_no_image_is_nothing_to_promote() -> None:
    ours = load_settings("prod", overrides=["image=registry.example.com/volatility:1"])
    assert "image" not in promoted(load_settings("local"), ours)

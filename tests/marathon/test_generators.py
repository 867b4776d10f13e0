"""One generator runs alone; several share the positions."""

from __future__ import annotations

from typing import Any

import pytest

import marathon
from tests.settings import load_settings


def _generator(instances: int) -> dict[str, Any]:
    settings = load_settings("prod", overrides=[f"generator.instances={instances}"])
    return marathon.render(settings).apps["data-generator"].definition


@pytest.mark.parametrize("instances", [0, 1])
def test_one_that_runs_alone_can_have_no_second_beside_it(instances: int) -> None:
    app = _generator(instances)
    assert app["labels"]["MARATHON_SINGLE_INSTANCE_APP"] == "true"
    assert "GENERATOR_SHARED" not in app["env"]


def test_several_share_and_scaling_them_changes_only_their_number() -> None:
    two, three = _generator(2), _generator(3)
    assert "MARATHON_SINGLE_INSTANCE_APP" not in two["labels"]
    assert two["env"]["GENERATOR_SHARED"] == "true"
    assert {**two, "instances": 3} == three

import pytest

from cli.errors import UsageProblem
from cli.selection import component, missing_dependencies, selected
from cli.session import Session
from cli.steps.bundle import dependencies_of

NEEDS = dependencies_of(Session("prod", (), (), verbose=False))


def test_a_short_name_is_enough_where_it_means_one_component():
    assert component("taskmanager", NEEDS) == "flink-taskmanager"
    assert component("generator", NEEDS) == "data-generator"
    assert component("gatherer", NEEDS) == "gatherer"


@pytest.mark.parametrize(
    ("written", "meant"), [("gaterer", "gatherer"), ("taskmanger", "flink-taskmanager"), ("topic", "topics")]
)
def test_an_unknown_name_is_refused_with_the_one_that_was_meant(written, meant):
    with pytest.raises(UsageProblem, match=f"no component {written}") as refused:
        selected(NEEDS, [written], [])
    assert f"did you mean {meant}?" in refused.value.hint


def test_a_name_that_is_like_no_other_gets_the_list():
    with pytest.raises(UsageProblem) as refused:
        component("xyz", NEEDS)
    assert "did you mean" not in refused.value.hint
    assert "kafka, topics" in refused.value.hint


def test_only_and_skip_keep_the_order():
    assert selected(NEEDS, ["gatherer", "kafka"], []) == ["kafka", "gatherer"]
    assert selected(NEEDS, [], ["gatherer", "kafka"])[0] == "topics"
    assert selected(NEEDS, ["kafka", "topics"], ["kafka"]) == ["topics"]
    with pytest.raises(UsageProblem, match="leave no component"):
        selected(NEEDS, ["kafka"], ["kafka"])


def test_what_is_needed_besides_goes_all_the_way_down():
    assert missing_dependencies(["gatherer"], NEEDS) == [
        "kafka",
        "topics",
        "flink-jobmanager",
        "flink-taskmanager",
    ]
    assert missing_dependencies(["kafka"], NEEDS) == []

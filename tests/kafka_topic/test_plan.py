import pytest

from kafka_topic.errors import PlanError, SymbolError
from kafka_topic.plan import TopicSpec, topic_plan


def test_a_topic_per_position_then_one_each_of_what_follows_from_them():
    assert topic_plan(["AAPL", "BRK.B"], prefix="blue.", partitions=2, replication=3) == [
        TopicSpec("blue.position.AAPL", 2, 3, {"message.timestamp.type": "LogAppendTime"}),
        TopicSpec("blue.position.BRK.B", 2, 3, {"message.timestamp.type": "LogAppendTime"}),
        TopicSpec("blue.movingaverage", 2, 3),
        TopicSpec("blue.signals", 2, 3),
        TopicSpec("blue.dead_letter", 2, 3),
        TopicSpec("blue.limits", 2, 3, {"cleanup.policy": "compact"}),
    ]


def test_plans_that_cannot_be_carried_out():
    with pytest.raises(PlanError, match="partitions is 0"):
        topic_plan(["AAPL"], partitions=0)
    with pytest.raises(PlanError, match="replication is -1"):
        topic_plan(["AAPL"], replication=-1)
    with pytest.raises(PlanError, match="no positions"):
        topic_plan([])
    with pytest.raises(SymbolError, match="listed twice"):
        topic_plan(["AAPL", "AAPL"])

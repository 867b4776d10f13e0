"""What flows: topic names, the topic plan, the record contracts, and the consumer of `movingaverage`."""

from kafka_topic.contracts import MovingAverage, Price
from kafka_topic.names import Topics, check_symbol
from kafka_topic.plan import TopicSpec, topic_plan

__all__ = ["MovingAverage", "Price", "TopicSpec", "Topics", "check_symbol", "topic_plan"]

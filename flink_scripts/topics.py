"""What Kafka tells of the job: the ids of its topics, and whether it has read before.

An id tells a topic from another of the same name that was created later.
"""

from __future__ import annotations

from collections.abc import Sequence

from flink_scripts.errors import NotReadyError

_CALL_SECONDS = 5.0
_NO_ID = ("", "AAAAAAAAAAAAAAAAAAAAAA")  # brokers before 2.8 answer this


def topic_ids(bootstrap_servers: str, topics: Sequence[str]) -> dict[str, str]:
    """The id of each topic, which changes when the topic is deleted and created again. It is "" when the
    broker has no ids.

    Raises NotReadyError when Kafka does not answer or a topic does not exist yet.
    """
    from confluent_kafka import KafkaException, TopicCollection

    from kafka_topic.connection import open_admin
    from kafka_topic.diagnosis import explained

    admin = open_admin(bootstrap_servers)
    try:
        # A request for a missing topic by name could create it, so look it up in the list of all topics.
        existing = admin.list_topics(timeout=_CALL_SECONDS).topics
        missing = [topic for topic in topics if topic not in existing]
        if missing:
            raise NotReadyError(f"the topic {', '.join(missing)} at {bootstrap_servers}")
        if not topics:
            return {}
        futures = admin.describe_topics(TopicCollection(list(topics)), request_timeout=_CALL_SECONDS)
        ids = {topic: str(future.result(_CALL_SECONDS).topic_id) for topic, future in futures.items()}
    except KafkaException as error:
        raise NotReadyError(f"Kafka ({explained(error, bootstrap_servers, _CALL_SECONDS)})") from error
    except TimeoutError as error:
        raise NotReadyError(f"Kafka at {bootstrap_servers} ({error})") from error
    return {topic: "" if topic_id in _NO_ID else topic_id for topic, topic_id in ids.items()}


def has_progress(bootstrap_servers: str, group: str) -> bool:
    """Whether the group has committed offsets of a topic that exists.

    Raises NotReadyError when Kafka does not answer.
    """
    from confluent_kafka import TopicPartition

    from kafka_topic.brokers import Brokers
    from kafka_topic.errors import KafkaTopicError

    try:
        brokers = Brokers(bootstrap_servers, timeout=_CALL_SECONDS)
        leaders = brokers.leaders(brokers.names())
        partitions = [TopicPartition(topic, number) for topic, found in leaders.items() for number in found]
        return bool(partitions and brokers.committed(group, partitions))
    except KafkaTopicError as error:
        raise NotReadyError(f"Kafka ({error})") from error

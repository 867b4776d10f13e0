"""The metadata of committed offsets, in which programs keep a JSON document."""

from __future__ import annotations

import json

from confluent_kafka import TopicPartition


def metadata_of(committed: TopicPartition) -> str | None:
    """The JSON document in the metadata, the whole text if it begins with none, or None if it is unreadable.

    librdkafka does not end metadata with a NUL, so whatever follows in memory seems to belong to it. If that
    is not text, another question has an answer.
    """
    try:
        text = committed.metadata or ""
    except UnicodeDecodeError:
        return None
    try:
        _, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):  # the latter: too deep
        return text
    return text[:end]

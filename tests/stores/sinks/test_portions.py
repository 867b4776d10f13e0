"""A portion that was planned is repeated exactly, whatever has come since."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest
from confluent_kafka import KafkaError, Message

from stores.sinks.errors import SourceError
from stores.sinks.portions import Reading, is_about

PARTITION = ("signals", 0)
TOPIC = "Tk1"


class Record:
    """What a reading asks of a message."""

    def __init__(self, offset: int, error: KafkaError | None = None) -> None:
        self._offset, self._error = offset, error

    def offset(self) -> int:
        return self._offset

    def error(self) -> KafkaError | None:
        return self._error


def fed(reading: Reading, *offsets: int, end: int | None = None) -> Reading:
    for offset in offsets:
        reading.add(cast(Message, Record(offset)))
    if end is not None:
        reading.add(cast(Message, Record(end, KafkaError(KafkaError._PARTITION_EOF))))
    return reading


def offsets(portion: Any) -> list[int]:
    return [each.offset() for each in portion.records]


def test_a_planned_portion_waits_for_its_end_and_takes_no_more():
    first = fed(Reading.at(PARTITION, TOPIC, 10, ""), 10, 11, 13).portion()
    assert first is not None and (first.begin, first.end, offsets(first)) == (10, 14, [10, 11, 13])
    noted = first.position(first.begin, first.end)
    assert noted.offset == 10
    assert is_about(noted.metadata, TOPIC) and not is_about(noted.metadata, "Tk2")
    again = Reading.at(PARTITION, TOPIC, noted.offset, noted.metadata)
    assert fed(again, 10, 11).portion() is None
    repeated = fed(again, 13, 14, 15).portion()
    assert repeated is not None and (repeated.id, repeated.begin, repeated.end) == (first.id, 10, 14)
    assert offsets(repeated) == offsets(first)
    more = again.portion()
    assert more is not None and (more.begin, more.end, offsets(more)) == (14, 16, [14, 15])
    assert again.portion() is None


def test_markers_at_the_end_are_passed_without_records():
    reading = fed(Reading.at(PARTITION, TOPIC, 10, ""), 10, end=12)
    portion = reading.portion()
    assert portion is not None and (portion.end, offsets(portion)) == (12, [10])
    passed = fed(reading, end=13).portion()
    assert passed is not None and (passed.begin, passed.end, offsets(passed)) == (12, 13, [])


def test_a_planned_portion_keeps_its_number_when_retention_has_removed_records():
    note = json.dumps({"id": "abc", "end": 14})
    rest = fed(Reading.at(PARTITION, TOPIC, 10, note), 12, 13, 14).portion()
    assert rest is not None and (rest.begin, rest.end, offsets(rest)) == (10, 14, [12, 13])
    none_left = fed(Reading.at(PARTITION, TOPIC, 10, note), end=20)
    for begin, end in ((10, 14), (14, 20)):
        portion = none_left.portion()
        assert portion is not None and (portion.begin, portion.end, offsets(portion)) == (begin, end, [])


def test_a_topic_that_is_made_again_ends_the_sink():
    # A consumer that keeps its position starts over at the new topic's first record, or at its end.
    for offsets_read, end in (([0], None), ([], 3)):
        reading = fed(Reading.at(PARTITION, TOPIC, 10, ""), 10)
        assert reading.portion() is not None
        with pytest.raises(SourceError, match=r"signals, partition 0: .* deleted and made again"):
            fed(reading, *offsets_read, end=end)


@pytest.mark.parametrize("note", ["", "{}", "[1]", "nonsense"])
def test_other_metadata_is_a_new_reading(note):
    assert is_about(note, TOPIC)
    reading, other = Reading.at(PARTITION, TOPIC, 5, note), Reading.at(PARTITION, TOPIC, 5, note)
    assert reading.planned is None and len(reading.id) == 8 and reading.id != other.id

"""Reading what librdkafka makes of the metadata of committed offsets."""

import pytest

from kafka_topic.commit_metadata import metadata_of


class Committed:
    """A TopicPartition whose metadata are these bytes in memory."""

    def __init__(self, memory: bytes) -> None:
        self._memory = memory

    @property
    def metadata(self) -> str:
        return self._memory.decode()


@pytest.mark.parametrize("after", [b"", b'}"x', b" 12", b'{"a": 1}', "\N{SNOWMAN}".encode()])
def test_what_follows_the_document_is_left_out(after):
    assert metadata_of(Committed(b'{"state": [1.5]}' + after)) == '{"state": [1.5]}'


def test_metadata_without_a_document_is_returned_as_it_is():
    assert metadata_of(Committed(b"")) == ""
    assert metadata_of(Committed(b"consumer 1")) == "consumer 1"


def test_unreadable_metadata_is_not_taken_for_none():
    assert metadata_of(Committed(b'{"state": [1.5]}\xff')) is None


def test_metadata_of_another_program_may_be_anything():
    assert metadata_of(Committed(b"[" * 4096)) == "[" * 4096

"""Portions: the consecutive records of one partition that a sink writes as one batch.

A store like `disk` knows a batch by its number, which must mean the same rows each time. So the end of a
portion is committed before it is written, as metadata of the group's offset:
{"id": "3f2a90c1", "topic": "Tk1…", "end": 1200}. After a crash, the next reader repeats exactly that portion.
`id` is made when a group first commits for a partition. It tells apart two readings of the same records.
`topic` is the topic's id: an offset says nothing about a topic that was made again since.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

from confluent_kafka import Message, TopicPartition

from stores.sinks.errors import SourceError

Partition = tuple[str, int]
"""A topic and a partition."""


@dataclass(frozen=True)
class Portion:
    """Records of a partition from offset `begin` up to `end`, exclusive; transaction markers are left out."""

    partition: Partition
    id: str
    topic_id: str
    begin: int
    end: int
    records: Sequence[Message]

    def position(self, offset: int, end: int | None = None) -> TopicPartition:
        """The group's next offset, to commit; end: that of the portion to come, None if it is not planned."""
        note = {"id": self.id, "topic": self.topic_id, **({} if end is None else {"end": end})}
        return TopicPartition(*self.partition, offset, json.dumps(note))


@dataclass
class Reading:
    """A partition that this member of the group reads.

    begin: the group's offset. next: the offset after the last record that has come. planned: the end of the
    portion at `begin`, if an earlier reader has committed it.
    """

    partition: Partition
    id: str
    topic_id: str
    begin: int
    planned: int | None
    next: int = 0
    records: list[Message] = field(default_factory=list)

    @classmethod
    def at(cls, partition: Partition, topic_id: str, begin: int, note: str = "") -> Reading:
        """What a group has committed. note: its metadata."""
        try:
            found = json.loads(note)
            return cls(partition, str(found["id"]), topic_id, begin, found.get("end"), begin)
        except (ValueError, TypeError, KeyError):
            return cls(partition, secrets.token_hex(4), topic_id, begin, None, begin)

    def add(self, message: Message) -> None:
        """A record has come, or the event at the end of the partition. Raises SourceError."""
        offset = message.offset() or 0
        if offset < self.begin:
            raise made_again(
                f"{self.partition[0]}, partition {self.partition[1]}: offset {offset} came after {self.begin}"
            )
        if message.error() is None:
            self.records.append(message)
            self.next = max(self.next, offset + 1)
        else:
            # Transaction markers fill the last offsets.
            self.next = max(self.next, offset)

    def portion(self) -> Portion | None:
        """The next portion; None while there is nothing to write or to commit."""
        end = self.next if self.planned is None else self.planned
        if self.next < end or end <= self.begin:
            return None
        records = [each for each in self.records if (each.offset() or 0) < end]
        portion = Portion(self.partition, self.id, self.topic_id, self.begin, end, records)
        self.records = self.records[len(records) :]
        self.begin, self.planned = end, None
        return portion


def is_about(note: str, topic_id: str) -> bool:
    """Whether the metadata of an offset is about this topic, and not about an earlier one of its name."""
    try:
        return str(json.loads(note).get("topic", topic_id)) == topic_id
    except (ValueError, AttributeError):
        return True


def made_again(what: str) -> SourceError:
    """The error of a topic that is another one than at the start."""
    return SourceError(f"{what}, so the topic was deleted and made again; the next start reads the new one")

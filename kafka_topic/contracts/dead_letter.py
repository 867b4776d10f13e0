"""The contract of `dead_letter`: a record of prices or limits that can't be used."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kafka_topic.contracts import fields

REASONS: Mapping[str, str] = {
    "not_json": "not a JSON object",
    "missing_field": "a field is missing",
    "wrong_type": "a field has another type",
    "unknown_symbol": "the symbol is not that of the topic, or is invalid",
    "bad_price": "the price is not a number, not above 0, 0 when rounded to 1e-8, or not below 1e9",
    "bad_time": "not a time in the expected form, or outside 2000 to 2049",
    "future": "the time is too far after the time of writing",
    "late": "too late for every window",
    "bad_limits": "a record on the topic of limits that is not the limits of a position",
}
"""The reasons why a record can't be used, with their meaning."""


@dataclass(frozen=True)
class DeadLetter:
    """One record that can't be used.

    topic, partition, offset: where it is. reason: one of REASONS. detail: a few words for people. time: its
    Kafka record timestamp, UTC. value: its bytes; None for a record without a value, and for one that is too
    long (`detail` says so). The JSON has the bytes as base64 in `bytes`. The key of a dead letter is the
    symbol of `topic` or, in a topic of several symbols, that of the record, if it is known. The constructor
    raises ContractError for other values.
    """

    topic: str
    partition: int
    offset: int
    reason: str
    detail: str
    time: datetime
    value: bytes | None

    def __post_init__(self) -> None:
        fields.text("topic", self.topic)
        fields.whole("partition", self.partition, least=0)
        fields.whole("offset", self.offset, least=0)
        fields.one_of("reason", self.reason, REASONS)
        if not isinstance(self.detail, str):
            raise fields.refused("detail", self.detail, "must be a string")
        object.__setattr__(self, "time", fields.time("time", self.time))
        if self.value is not None and not isinstance(self.value, bytes):
            raise fields.refused("bytes", self.value, "must be bytes")

    def to_json(self) -> bytes:
        """The record's bytes."""
        return json.dumps(
            {
                "topic": self.topic,
                "partition": self.partition,
                "offset": self.offset,
                "reason": self.reason,
                "detail": self.detail,
                "time": fields.format_time(self.time),
                "bytes": None if self.value is None else base64.b64encode(self.value).decode(),
            }
        ).encode()

    @classmethod
    def from_json(cls, data: bytes) -> DeadLetter:
        """Read a record, ignoring unknown fields; raises ContractError naming the field and its value."""
        record = fields.json_object(data)
        names = ("topic", "partition", "offset", "reason", "detail")
        return cls(
            **{name: fields.get(record, name) for name in names},
            time=fields.parse_time("time", fields.get(record, "time")),
            value=_bytes(fields.get(record, "bytes")),
        )


def _bytes(value: Any) -> bytes | None:
    if value is None:
        return None
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError, TypeError):
        raise fields.refused("bytes", value, "must be base64 or null") from None

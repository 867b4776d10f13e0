"""One measurement: a number with a name and a unit, of one host, as sources other than prices write them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from kafka_topic.contracts import fields


@dataclass(frozen=True)
class Measurement:
    """What was measured once.

    ts: when, UTC, cut to the millisecond. name: what, such as `cpu`; it is the record's key. value: finite.
    unit: of the value, such as `%` or `bytes/s`; "1" for a mere number. host: where. Building one with
    anything else raises ContractError.
    """

    ts: datetime
    name: str
    value: float
    unit: str
    host: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "ts", fields.time("ts", self.ts))
        object.__setattr__(self, "value", fields.number("value", self.value))
        for each in ("name", "unit", "host"):
            fields.text(each, getattr(self, each))

    def to_json(self) -> bytes:
        """The record's bytes."""
        return json.dumps(
            {
                "ts": fields.format_time(self.ts),
                "name": self.name,
                "value": self.value,
                "unit": self.unit,
                "host": self.host,
            }
        ).encode()

    @classmethod
    def from_json(cls, data: bytes) -> Measurement:
        """Read a record, ignoring unknown fields; raises ContractError naming the field and its value."""
        record = fields.json_object(data)
        return cls(
            fields.parse_time("ts", fields.get(record, "ts")),
            *(fields.get(record, name) for name in ("name", "value", "unit", "host")),
        )

"""One value that was measured, as sources other than prices write it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from kafka_topic.contracts import fields


@dataclass(frozen=True)
class Measurement:
    """One measured value.

    ts: event time, UTC, truncated to the millisecond, in the years 2000 to 2049. name: what was measured,
    such as `cpu`; the record's key. value: a finite number in `unit`, such as `%` or `bytes/s`; "1" for a
    plain number. host: where it was measured. Texts have at most 128 bytes. Invalid values raise
    ContractError.
    """

    ts: datetime
    name: str
    value: float
    unit: str
    host: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "ts", fields.event_time("ts", self.ts))
        for name in ("name", "unit", "host"):
            fields.label(name, getattr(self, name))
        object.__setattr__(self, "value", fields.number("value", self.value))

    def to_json(self) -> bytes:
        """The record's bytes; the number in the shortest form that reads back as the same number."""
        record = {"ts": fields.format_time(self.ts), "name": self.name, "value": self.value}
        return json.dumps({**record, "unit": self.unit, "host": self.host}).encode()

    @classmethod
    def from_json(cls, data: bytes) -> Measurement:
        """Read a record, ignoring unknown fields; raises ContractError naming the field and its value."""
        record = fields.json_object(data)
        values = [fields.get(record, name) for name in ("name", "value", "unit", "host")]
        return cls(fields.parse_time("ts", fields.get(record, "ts")), *values)

"""One value of a static data set about places, such as the census."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from kafka_topic.contracts import fields


@dataclass(frozen=True)
class CensusValue:
    """One value.

    version: identifies the version of the data set. place: what the value describes, such as `Ohio`; the
    record's key. group: what the place belongs to, such as `Midwest`. name: the quantity. value: a finite
    number in `unit`. Texts have at most 128 bytes. Invalid values raise ContractError.
    """

    version: str
    place: str
    group: str
    name: str
    value: float
    unit: str

    def __post_init__(self) -> None:
        for name in ("version", "place", "group", "name", "unit"):
            fields.label(name, getattr(self, name))
        object.__setattr__(self, "value", fields.number("value", self.value))

    def to_json(self) -> bytes:
        """The record's bytes; the number in the shortest form that reads back as the same number."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_json(cls, data: bytes) -> CensusValue:
        """Read a record, ignoring unknown fields; raises ContractError naming the field and its value."""
        record = fields.json_object(data)
        return cls(*(fields.get(record, name) for name in cls.__dataclass_fields__))

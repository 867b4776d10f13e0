"""The contract of `signals`: an event that is worth acting on."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from datetime import datetime

from kafka_topic.contracts import fields
from kafka_topic.signal_kinds import SIGNAL_KINDS, Presence
from kafka_topic.windows import window_label, window_length

SIDES = ("buy", "sell")


@dataclass(frozen=True)
class Signal:
    """One signal of one position.

    kind, event: what happened. The catalogue, `kafka_topic.signal_kinds`, lists them and says what value and
    threshold mean in each event, or that they are None.

    symbol: the position. time: event time, UTC. window: the label of the window in which it was seen, or
    None. side: "buy" (a low limit) or "sell" (a high one), None without a limit. price: the last price at
    that time, currency units. probability: 0..1, and horizon_seconds: of a forecast, None without one.
    lead_seconds: expected time until the limit is reached, given that it is within the horizon; None when
    unknown. reason: one sentence for people. The constructor raises ContractError for other values.
    """

    kind: str
    event: str
    symbol: str
    time: datetime
    window: str | None
    side: str | None
    price: float
    value: float | None
    threshold: float | None
    probability: float | None
    horizon_seconds: float | None
    lead_seconds: float | None
    reason: str

    def __post_init__(self) -> None:
        kind = SIGNAL_KINDS[fields.one_of("kind", self.kind, SIGNAL_KINDS)]
        events = {event.name: event for event in kind.events}
        event = events[fields.one_of("event", self.event, events)]
        fields.symbol(self.symbol)
        object.__setattr__(self, "time", fields.time("time", self.time))
        if self.window is not None:
            try:
                label = window_label(window_length(fields.text("window", self.window)))
            except ValueError as error:
                raise fields.refused("window", self.window, f"must name a length ({error})") from None
            if self.window != label:
                raise fields.refused("window", self.window, f'must be "{label}", the label of its length')
        fields.number("price", self.price)
        fields.text("reason", self.reason)
        for name, meaning in (("value", event.value), ("threshold", event.threshold)):
            if (getattr(self, name) is None) != (meaning is None):
                rule = "must be null" if meaning is None else "must not be null"
                raise fields.refused(name, getattr(self, name), f"{rule} for the event {self.event}")
            fields.optional_number(name, getattr(self, name))
        self._check_presence("side", event.side)
        if self.side is not None:
            fields.one_of("side", self.side, SIDES)
        self._check_presence("probability", event.forecast)
        self._check_forecast()

    def _check_presence(self, name: str, presence: Presence) -> None:
        value = getattr(self, name)
        if presence == "required" and value is None:
            raise fields.refused(name, None, f"must be given for the event {self.event}")
        if presence == "never" and value is not None:
            raise fields.refused(name, value, f"must be null for the event {self.event} of {self.kind}")

    def _check_forecast(self) -> None:
        if self.probability is not None and not 0 <= fields.number("probability", self.probability) <= 1:
            raise fields.refused("probability", self.probability, "must lie between 0 and 1")
        if (self.horizon_seconds is None) != (self.probability is None):
            rule = "must be null exactly when probability is"
            raise fields.refused("horizon_seconds", self.horizon_seconds, rule)
        if self.horizon_seconds is not None:
            fields.positive("horizon_seconds", self.horizon_seconds)
        if self.lead_seconds is not None:
            if self.probability is None:
                raise fields.refused("lead_seconds", self.lead_seconds, "must be null without a probability")
            fields.not_negative("lead_seconds", self.lead_seconds)

    def to_json(self) -> bytes:
        """The record's bytes."""
        return json.dumps({**dataclasses.asdict(self), "time": fields.format_time(self.time)}).encode()

    @classmethod
    def from_json(cls, data: bytes) -> Signal:
        """Read a record, ignoring unknown fields; raises ContractError naming the field and its value."""
        record = fields.json_object(data)
        values = {each.name: fields.get(record, each.name) for each in dataclasses.fields(cls)}
        return cls(**{**values, "time": fields.parse_time("time", values["time"])})

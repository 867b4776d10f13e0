"""What happened that is worth acting on, as it stands on `signals`."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from kafka_topic.contracts import fields
from kafka_topic.windows import window_length

EVENTS: Mapping[str, tuple[str, ...]] = {
    "regime": ("high", "low"),
    "anomaly": ("above", "below"),
    "limit": ("likely", "unlikely", "reached", "no_forecast"),
}
"""The kinds of signals, and the events of each."""
SIDES = ("buy", "sell")


@dataclass(frozen=True)
class Signal:
    """One signal of one position.

    kind, event: what happened; the other fields mean by it

    - regime high, low: the volatility became so. value: the cv in percent, threshold: the one it crossed.
    - anomaly above, below: a tick is far from its window's median. value: its price, threshold: the bound
      that it is beyond (currency units), time: its event time.
    - limit likely, unlikely: whether the price reaches the limit of `side` within the horizon. value: the
      probability, threshold: the probability it crossed.
    - limit reached: value: the price that reached it, threshold: the limit's price.
    - limit no_forecast: the forecast doesn't apply; `reason` says which assumption fails. No value, no
      threshold.

    symbol: the position. time: event time, UTC. window: the label of the window it was seen in, or None.
    side: "buy" (a low limit) or "sell" (a high one), None without a limit. price: the last price then,
    currency units. probability: 0..1, and horizon_seconds: of a forecast, None without one. lead_seconds:
    expected time until the limit is reached, given that it is within the horizon; None when unknown.
    reason: one sentence for people. Building one with anything else raises ContractError.
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
        fields.one_of("kind", self.kind, EVENTS)
        fields.one_of("event", self.event, EVENTS[self.kind])
        fields.symbol(self.symbol)
        object.__setattr__(self, "time", fields.time("time", self.time))
        if self.window is not None:
            try:
                window_length(fields.text("window", self.window))
            except ValueError as error:
                raise fields.refused("window", self.window, f"must name a length ({error})") from None
        fields.number("price", self.price)
        fields.text("reason", self.reason)
        self._check_side()
        for name in ("value", "threshold"):
            if (getattr(self, name) is None) != (self.event == "no_forecast"):
                rule = "must be null for the event no_forecast, and only then"
                raise fields.refused(name, getattr(self, name), rule)
            fields.optional_number(name, getattr(self, name))
        self._check_forecast()

    def _check_side(self) -> None:
        if self.side is not None:
            fields.one_of("side", self.side, SIDES)
            if self.kind != "limit":
                raise fields.refused("side", self.side, f"must be null for the kind {self.kind}")
        elif self.event in ("likely", "unlikely", "reached"):
            raise fields.refused("side", self.side, f"must be one of {', '.join(SIDES)}")

    def _check_forecast(self) -> None:
        if self.probability is None:
            if self.event in ("likely", "unlikely"):
                raise fields.refused("probability", None, f"must be given for the event {self.event}")
        elif self.kind != "limit" or self.event == "no_forecast":
            raise fields.refused("probability", self.probability, "must be null without a forecast")
        elif not 0 <= fields.number("probability", self.probability) <= 1:
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

"""The contract of the compacted topic `limits`."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kafka_topic.contracts import fields
from kafka_topic.errors import ContractError

LOWEST, BEYOND = 1e-8, 1e9
"""The gatherer's prices are at least LOWEST and below BEYOND, so no other limit can be reached."""


@dataclass(frozen=True)
class Limits:
    """The limits of one position, and its thresholds where they differ from the bundle's settings.

    A position's newest record applies; one with a null value clears all. set_at: when it was set, UTC. buy,
    sell: low and high limit, currency units, at least 1e-8 and below 1e9; with both, buy is below sell. The
    others override the bundle's settings unless they are None. probability: at which a limit counts as
    likely, between 0 and 1. horizon_seconds: how far ahead the forecast looks. regime_high, regime_low: cv in
    percent, high above low. anomaly_sigmas: a tick farther from the median than this many scaled MADs is an
    anomaly. The constructor raises ContractError for other values.
    """

    symbol: str
    set_at: datetime
    buy: float | None = None
    sell: float | None = None
    probability: float | None = None
    horizon_seconds: float | None = None
    regime_high: float | None = None
    regime_low: float | None = None
    anomaly_sigmas: float | None = None

    def __post_init__(self) -> None:
        fields.symbol(self.symbol)
        object.__setattr__(self, "set_at", fields.time("set_at", self.set_at))
        for name in ("buy", "sell", "horizon_seconds", "regime_high", "anomaly_sigmas"):
            if (value := getattr(self, name)) is not None:
                fields.positive(name, value)
        for name in ("buy", "sell"):
            if (price := getattr(self, name)) is not None and not LOWEST <= price < BEYOND:
                raise fields.refused(name, price, f"must be at least {LOWEST:g} and below {BEYOND:g}")
        if self.regime_low is not None:
            fields.not_negative("regime_low", self.regime_low)
        if self.probability is not None and not 0 < fields.number("probability", self.probability) < 1:
            raise fields.refused("probability", self.probability, "must lie between 0 and 1")
        for below, above in (("buy", "sell"), ("regime_low", "regime_high")):
            low, high = getattr(self, below), getattr(self, above)
            if low is not None and high is not None and low >= high:
                raise fields.refused(below, low, f"must be below {above}, {high:g}")

    def check_regime(self, signals: Mapping[str, Mapping[str, Any]]) -> None:
        """Raise ContractError unless the low regime is below the high one; the bundle's stands in for one
        that is not set.

        signals: the bundle's settings of signals, by kind; without those of regime there is nothing to check.
        """
        if (bundle := signals.get("regime")) is None:
            return
        high = bundle["high"] if self.regime_high is None else self.regime_high
        low = bundle["low"] if self.regime_low is None else self.regime_low
        if low >= high:
            raise ContractError(
                f"the low regime, {low:g} %, must be below the high one, {high:g} %",
                field="regime_low" if self.regime_low is not None else "regime_high",
            )

    def to_json(self) -> bytes:
        """The record's bytes."""
        return json.dumps({**dataclasses.asdict(self), "set_at": fields.format_time(self.set_at)}).encode()

    @classmethod
    def from_json(cls, data: bytes) -> Limits:
        """Read a record, ignoring unknown fields; raises ContractError naming the field and its value.

        All fields but `symbol` and `set_at` may be missing, because a record may be older than a field. They
        are None then.
        """
        record = fields.json_object(data)
        optional = [each.name for each in dataclasses.fields(cls) if each.default is None]
        return cls(
            symbol=fields.get(record, "symbol"),
            set_at=fields.parse_time("set_at", fields.get(record, "set_at")),
            **{name: record.get(name) for name in optional},
        )

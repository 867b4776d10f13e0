"""A position's limits: how likely and how soon the price reaches them, and when it has."""

from __future__ import annotations

from typing import NamedTuple

from gatherer.panes import UNIT, Pane
from gatherer.signals import first_passage
from gatherer.signals.market import Market, NoForecast

HYSTERESIS = 0.8
"""A limit that was likely becomes unlikely below this part of the probability that made it likely."""


class Change(NamedTuple):
    """What has become of a limit; fields as in the contract of signals."""

    event: str
    ms: int
    value: float | None
    threshold: float | None
    probability: float | None
    lead_seconds: float | None
    reason: str


class Limit:
    """One limit and what has become of it.

    side: "buy" (low) or "sell" (high). price: currency units. since_ms: only panes that end later count.
    state: "waiting", "likely", "unlikely" or "reached". told: the state of the NoForecast that was told last,
    empty since a forecast was.
    """

    def __init__(
        self,
        side: str,
        price: float,
        probability: float,
        horizon_seconds: float,
        since_ms: int,
        state: str = "waiting",
        told: str = "",
    ) -> None:
        self.side = side
        self.price = price
        self.probability = probability
        self.horizon_seconds = horizon_seconds
        self.since_ms = since_ms
        self.state = state
        self.told = told
        self._units = round(price * UNIT)

    def dump(self) -> tuple[str, float, float, float, int, str, str]:
        """The arguments that make this limit again."""
        return *self.asked, self.since_ms, self.state, self.told

    @property
    def asked(self) -> tuple[str, float, float, float]:
        """What it asks for, whatever has become of it."""
        return self.side, self.price, self.probability, self.horizon_seconds

    def update(
        self, pane: Pane, window_low: int, window_high: int, market: Market | NoForecast
    ) -> Change | None:
        """Look at a pane. window_low, window_high: the prices (units) of the window that ends with it."""
        if pane.end_ms <= self.since_ms:
            return None
        beyond = self._beyond(pane.low, pane.high)
        if beyond and self.state != "reached":
            return self._reached(pane)
        if isinstance(market, Market):
            return None if beyond else self._forecast(pane, market)
        # Without a forecast, the price has moved away when it is gone from the whole window.
        if self.state == "likely" or (self.state == "reached" and not self._beyond(window_low, window_high)):
            self.state = "waiting"
        if self.told == market.state:
            return None
        self.told = market.state
        return Change("no_forecast", pane.end_ms, None, None, None, None, market.reason)

    def _beyond(self, low: int, high: int) -> bool:
        return low <= self._units if self.side == "buy" else high >= self._units

    def _reached(self, pane: Pane) -> Change:
        self.state = "reached"
        price, ms = (pane.low, pane.low_ms) if self.side == "buy" else (pane.high, pane.high_ms)
        reason = f"The price reached the {self.side} limit of {self.price:.10g} with {price / UNIT:.10g}."
        return Change("reached", ms, price / UNIT, self.price, None, None, reason)

    def _forecast(self, pane: Pane, market: Market) -> Change | None:
        way = first_passage.distance(
            pane.last / UNIT, self.price, market.variance_rate, market.seconds_between_ticks
        )
        variance = market.variance_rate * self.horizon_seconds
        probability = first_passage.hit_probability(way, variance)
        threshold = self.probability
        if probability >= threshold and self.state not in ("likely", "reached"):
            event = "likely"
        elif probability < HYSTERESIS * threshold and (self.state in ("likely", "reached") or self.told):
            event, threshold = "unlikely", HYSTERESIS * threshold
        else:
            return None
        self.state, self.told = event, ""
        lead = first_passage.expected_time(way, variance, self.horizon_seconds)
        reason = (
            f"The price reaches the {self.side} limit of {self.price:.10g} within {self.horizon_seconds:g} s "
            f"with a probability of {probability:.0%}."
        )
        return Change(event, pane.end_ms, probability, threshold, probability, lead, reason)

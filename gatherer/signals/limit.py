"""The limits of a position: how likely and how soon the price reaches them, and when it has reached them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from gatherer.panes import UNIT, Pane
from gatherer.signals import first_passage
from gatherer.signals.base import Moment, Watcher
from gatherer.signals.market import Market, MarketModel, NoForecast
from kafka_topic.contracts import Limits, Signal

HYSTERESIS = 0.8
"""A likely limit becomes unlikely below this fraction of the probability that made it likely."""


class Change(NamedTuple):
    """A change of a limit's state; the fields are those of the contract of signals."""

    event: str
    ms: int
    value: float | None
    threshold: float | None
    probability: float | None
    lead_seconds: float | None
    reason: str


class Limit:
    """One limit and its state.

    side: "buy" (low) or "sell" (high). price: currency units. since_ms: only panes that end later count.
    state: "waiting", "likely", "unlikely" or "reached". last_reported: the state of the last
    reported NoForecast, empty since a forecast was reported.
    """

    def __init__(
        self,
        side: str,
        price: float,
        probability: float,
        horizon_seconds: float,
        since_ms: int,
        state: str = "waiting",
        last_reported: str = "",
    ) -> None:
        self.side = side
        self.price = price
        self.probability = probability
        self.horizon_seconds = horizon_seconds
        self.since_ms = since_ms
        self.state = state
        self.last_reported = last_reported
        self._units = round(price * UNIT)

    def dump(self) -> tuple[str, float, float, float, int, str, str]:
        """The arguments that make this limit again, its state included."""
        return *self.question, self.since_ms, self.state, self.last_reported

    @property
    def question(self) -> tuple[str, float, float, float]:
        """The arguments without the state."""
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
        # Without a forecast, the price has moved away once no price of the window is beyond the limit.
        if self.state == "likely" or (self.state == "reached" and not self._beyond(window_low, window_high)):
            self.state = "waiting"
        if self.last_reported == market.state:
            return None
        self.last_reported = market.state
        return Change("no_forecast", pane.end_ms, None, None, None, None, market.reason)

    def _beyond(self, low: int, high: int) -> bool:
        return low <= self._units if self.side == "buy" else high >= self._units

    def _reached(self, pane: Pane) -> Change:
        self.state = "reached"
        price, ms = (pane.low, pane.low_ms) if self.side == "buy" else (pane.high, pane.high_ms)
        reason = f"The price reached the {self.side} limit of {self.price:.10g}, at {price / UNIT:.10g}."
        return Change("reached", ms, price / UNIT, self.price, None, None, reason)

    def _forecast(self, pane: Pane, market: Market) -> Change | None:
        distance = first_passage.distance(
            pane.last / UNIT, self.price, market.variance_rate, market.seconds_between_ticks
        )
        variance = market.variance_rate * self.horizon_seconds
        probability = first_passage.hit_probability(distance, variance)
        threshold = self.probability
        if probability >= threshold and self.state not in ("likely", "reached"):
            event = "likely"
        elif probability < HYSTERESIS * threshold and (
            self.state in ("likely", "reached") or self.last_reported
        ):
            event, threshold = "unlikely", HYSTERESIS * threshold
        else:
            return None
        self.state, self.last_reported = event, ""
        lead = first_passage.expected_time(distance, variance, self.horizon_seconds)
        reason = (
            f"The price is {probability:.0%} likely to reach the {self.side} limit of {self.price:.10g} "
            f"within {self.horizon_seconds:g} s."
        )
        return Change(event, pane.end_ms, probability, threshold, probability, lead, reason)


class LimitWatcher(Watcher):
    """probability: at which reaching a limit within `horizon_seconds` counts as likely. The forecast is
    computed from the volatility of `window`.
    """

    EACH_PANE = True

    def __init__(
        self, symbol: str, kind: str, window: str, horizon_seconds: float, probability: float
    ) -> None:
        super().__init__(symbol, kind, window)
        self._horizon_seconds, self._probability = horizon_seconds, probability
        self._limits: list[Limit] = []
        self._market = MarketModel()

    def set_limits(self, limits: Limits | None, since_ms: int) -> None:
        wanted = []
        if limits is not None:
            probability = self._probability if limits.probability is None else limits.probability
            horizon = self._horizon_seconds if limits.horizon_seconds is None else limits.horizon_seconds
            for side, price in (("buy", limits.buy), ("sell", limits.sell)):
                if price is not None:
                    wanted.append(Limit(side, price, probability, horizon, since_ms))
        known = {limit.question: limit for limit in self._limits}
        self._limits = [known.get(limit.question, limit) for limit in wanted]
        if not self._limits:
            self._market = MarketModel()

    def look(self, moment: Moment) -> list[Signal]:
        pane = moment.last
        if not self._limits or pane.end_ms != moment.end_ms:
            return []
        window = moment.windows[self.window]
        market = self._market.judge(window, moment.returns, slide_ends=not pane.end_ms % window.slide_ms)
        signals = []
        for limit in self._limits:
            change = limit.update(pane, window.low, window.high, market)
            if change is not None:
                signals.append(
                    self._signal(
                        change.event,
                        change.ms,
                        pane,
                        change.value,
                        change.threshold,
                        change.reason,
                        side=limit.side,
                        probability=change.probability,
                        horizon_seconds=None if change.probability is None else limit.horizon_seconds,
                        lead_seconds=change.lead_seconds,
                    )
                )
        return signals

    def dump(self) -> dict[str, Any]:
        return {"limits": tuple(limit.dump() for limit in self._limits), "market": self._market.dump()}

    def restore(self, dumped: Mapping[str, Any]) -> None:
        self._limits = [Limit(*values) for values in dumped["limits"]]
        self._market.restore(dumped["market"])


WATCHER = LimitWatcher

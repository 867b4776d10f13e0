"""The signals of one position: asks each kind, keeps what each has to remember, writes the records."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from gatherer.panes import UNIT, Pane
from gatherer.returns import Return
from gatherer.signals.anomaly import anomalies
from gatherer.signals.limit import Limit
from gatherer.signals.market import Market, MarketModel, NoForecast
from gatherer.signals.regime import classify, thresholds
from gatherer.signals.settings import AnomalySettings, LimitSettings, RegimeSettings
from gatherer.window import Window
from kafka_topic.contracts import Limits, Signal

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OVERRIDES = ("probability", "horizon_seconds", "regime_high", "regime_low", "anomaly_sigmas")


class Watch:
    """What is watched for at one position. A signal whose settings are None is off."""

    def __init__(
        self,
        symbol: str,
        regime: RegimeSettings | None,
        anomaly: AnomalySettings | None,
        limit: LimitSettings | None,
    ) -> None:
        self._symbol = symbol
        self._regime_settings, self._anomaly_settings, self._limit_settings = regime, anomaly, limit
        self._overrides: dict[str, float] = {}
        self._regime: str | None = None
        self._limits: list[Limit] = []
        self._market = MarketModel()

    def set_limits(self, limits: Limits | None, since_ms: int) -> None:
        """Watch for these from the panes on that end after `since_ms`. What stays the same goes on."""
        values = {} if limits is None else {name: getattr(limits, name) for name in _OVERRIDES}
        self._overrides = {name: value for name, value in values.items() if value is not None}
        wanted = []
        if limits is not None and (settings := self._limit_settings) is not None:
            probability = self._overrides.get("probability", settings.probability)
            horizon = self._overrides.get("horizon_seconds", settings.horizon_seconds)
            for side, price in (("buy", limits.buy), ("sell", limits.sell)):
                if price is not None:
                    wanted.append(Limit(side, price, probability, horizon, since_ms))
        known = {limit.asked: limit for limit in self._limits}
        self._limits = [known.get(limit.asked, limit) for limit in wanted]
        if not self._limits:
            self._market = MarketModel()

    def look(
        self,
        end_ms: int,
        last: Pane,
        windows: Mapping[str, Window],
        coefficients: Mapping[str, float],
        returns: Callable[[Window], list[Return]],
    ) -> list[Signal]:
        """What there is to say at `end_ms`.

        last: the latest pane up to then. windows: those that end now, by label. coefficients: the
        coefficients of variation (percent) of the windows that are emitted now.
        """
        signals: list[Signal] = []
        price = last.last / UNIT
        if (regime := self._regime_settings) is not None and regime.window in coefficients:
            signals += self._look_at_regime(regime, end_ms, price, coefficients[regime.window])
        if last.end_ms == end_ms:
            if (anomaly := self._anomaly_settings) is not None:
                signals += self._look_for_anomalies(anomaly, last, windows[anomaly.window])
            if (limit := self._limit_settings) is not None and self._limits:
                signals += self._look_at_limits(last, windows[limit.window], returns)
        return signals

    def dump(self) -> tuple[Any, ...]:
        """What has to be remembered, as plain values."""
        limits = tuple(limit.dump() for limit in self._limits)
        return dict(self._overrides), self._regime, limits, self._market.dump()

    def restore(self, dumped: tuple[Any, ...]) -> None:
        """Remember what another dumped."""
        self._overrides, self._regime, limits, market = dumped
        self._market.restore(market)
        self._limits = [Limit(*values) for values in limits]

    def _look_at_regime(self, settings: RegimeSettings, end_ms: int, price: float, cv: float) -> list[Signal]:
        own = self._overrides
        high, low = thresholds(settings.high, settings.low, own.get("regime_high"), own.get("regime_low"))
        regime = classify(cv, high, low, self._regime)
        if regime is None or regime == self._regime:
            return []
        self._regime = regime
        threshold, words = (high, "at or above") if regime == "high" else (low, "at or below")
        reason = f"The coefficient of variation of {settings.window} is {cv:.4g} %, {words} {threshold:g} %."
        return [self._signal("regime", regime, end_ms, settings.window, price, cv, threshold, reason)]

    def _look_for_anomalies(self, settings: AnomalySettings, pane: Pane, window: Window) -> list[Signal]:
        sigmas = self._overrides.get("anomaly_sigmas", settings.sigmas)
        signals = []
        for each in anomalies(pane, window, sigmas):
            ticks = "1 tick" if each.ticks == 1 else f"{each.ticks} ticks"
            scale = "mean deviations (the median one is 0)" if each.fallback else "median deviations"
            reason = (
                f"{ticks} lay {each.event} the median of {window.label} by more than {sigmas:g} scaled "
                f"{scale}; the farthest was at {each.price / UNIT:.10g}."
            )
            signals.append(
                self._signal(
                    "anomaly",
                    each.event,
                    each.ms,
                    window.label,
                    pane.last / UNIT,
                    each.price / UNIT,
                    each.bound / UNIT,
                    reason,
                )
            )
        return signals

    def _look_at_limits(
        self, pane: Pane, window: Window, returns: Callable[[Window], list[Return]]
    ) -> list[Signal]:
        market = self._find_market(pane.end_ms % window.slide_ms == 0, window, returns)
        signals = []
        for limit in self._limits:
            change = limit.update(pane, window.low, window.high, market)
            if change is not None:
                signals.append(
                    self._signal(
                        "limit",
                        change.event,
                        change.ms,
                        window.label,
                        pane.last / UNIT,
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

    def _find_market(
        self, slide_ends: bool, window: Window, returns: Callable[[Window], list[Return]]
    ) -> Market | NoForecast:
        model = self._market
        if window.undefined:
            return model.no_logarithms(window.label)
        if window.moves < model.least_moves:
            return model.too_few(window.moves, window.label)
        # The judgement passes over the whole window, so it isn't made at each pane.
        if model.found is None or model.undecided or slide_ends:
            return model.look(returns(window), window.n, window.label)
        return model.found

    def _signal(
        self,
        kind: str,
        event: str,
        ms: int,
        window: str,
        price: float,
        value: float | None,
        threshold: float | None,
        reason: str,
        **forecast: Any,
    ) -> Signal:
        without = {"side": None, "probability": None, "horizon_seconds": None, "lead_seconds": None}
        return Signal(
            kind=kind,
            event=event,
            symbol=self._symbol,
            time=_EPOCH + timedelta(milliseconds=ms),
            window=window,
            price=price,
            value=value,
            threshold=threshold,
            reason=reason,
            **{**without, **forecast},
        )

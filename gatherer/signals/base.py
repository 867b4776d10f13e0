"""What every kind of signal is to `Watch`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, NamedTuple

from gatherer.panes import UNIT, Pane
from gatherer.returns import Return
from gatherer.window import Window
from kafka_topic.contracts import Limits, Signal

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Moment(NamedTuple):
    """What there is to look at when windows end.

    last: the latest pane up to `end_ms`. windows: by label, those that end now, and those that are looked at
    whenever a pane ends. coefficients: the coefficients of variation (percent) of the windows that are
    written now. returns: asks for the returns of a window.
    """

    end_ms: int
    last: Pane
    windows: Mapping[str, Window]
    coefficients: Mapping[str, float]
    returns: Callable[[Window], list[Return]]


class Watcher(ABC):
    """Watches one position for one kind of signal.

    A subclass is made with the symbol and, by name, the kind's settings as its catalogue entry has them.
    """

    VERSION: ClassVar[int] = 1
    """Raised whenever what `dump` gives changes its meaning."""
    EACH_PANE: ClassVar[bool] = False
    """Whether it looks at its window whenever a pane ends, and not only when the window does."""
    NEEDS_PRICES: ClassVar[bool] = False
    """Whether panes have to count each price, and its window its prices."""

    def __init__(self, symbol: str, kind: str, window: str) -> None:
        self._symbol, self._kind = symbol, kind
        self.window = window

    def set_limits(self, limits: Limits | None, since_ms: int) -> None:  # noqa: B027 - most have none
        """Go by these limits for panes that end after `since_ms`. What stays the same goes on."""

    @abstractmethod
    def look(self, moment: Moment) -> Iterable[Signal]:
        """What there is to say."""

    @abstractmethod
    def dump(self) -> dict[str, Any]:
        """What has to be remembered, plain values by name."""

    @abstractmethod
    def restore(self, dumped: Mapping[str, Any]) -> None:
        """Remember what another of the same version dumped."""

    def _signal(
        self,
        event: str,
        ms: int,
        last: Pane,
        value: float | None,
        threshold: float | None,
        reason: str,
        *,
        side: str | None = None,
        probability: float | None = None,
        horizon_seconds: float | None = None,
        lead_seconds: float | None = None,
    ) -> Signal:
        return Signal(
            kind=self._kind,
            event=event,
            symbol=self._symbol,
            time=_EPOCH + timedelta(milliseconds=ms),
            window=self.window,
            side=side,
            price=last.last / UNIT,
            value=value,
            threshold=threshold,
            probability=probability,
            horizon_seconds=horizon_seconds,
            lead_seconds=lead_seconds,
            reason=reason,
        )

"""The base of all kinds of signals."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, NamedTuple

from gatherer.panes import UNIT, Pane
from gatherer.returns import Returns
from gatherer.window import Window
from kafka_topic.contracts import Limits, Signal

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Moment(NamedTuple):
    """The data that a watcher sees when windows end.

    last: the latest pane up to `end_ms`. windows: by label, those that end now, and those that are watched at
    each pane. coefficients: the coefficients of variation (percent) of the windows that are written now.
    returns: gets the returns of a window.
    """

    end_ms: int
    last: Pane
    windows: Mapping[str, Window]
    coefficients: Mapping[str, float]
    returns: Callable[[Window], Returns]


class Watcher(ABC):
    """Watches one position for one kind of signal.

    The constructor of a subclass takes the symbol, the kind and, by name, the settings of the catalogue.
    """

    VERSION: ClassVar[int] = 1
    """Raise it whenever the meaning of `dump` changes."""
    EACH_PANE: ClassVar[bool] = False
    """Whether it looks at its window at the end of each pane, not only at the window's ends."""
    NEEDS_PRICES: ClassVar[bool] = False
    """Whether panes and its window must count each price."""

    def __init__(self, symbol: str, kind: str, window: str) -> None:
        self._symbol, self._kind = symbol, kind
        self.window = window

    def set_limits(self, limits: Limits | None, since_ms: int) -> None:  # noqa: B027 - most kinds have none
        """Apply these limits to panes that end after `since_ms`. Unchanged limits keep their state."""

    @abstractmethod
    def look(self, moment: Moment) -> Iterable[Signal]:
        """The signals of this moment."""

    @abstractmethod
    def dump(self) -> dict[str, Any]:
        """The state: plain values by name."""

    @abstractmethod
    def restore(self, dumped: Mapping[str, Any]) -> None:
        """Restore state of the same version."""

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

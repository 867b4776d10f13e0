"""The signals of one position: runs the watcher of each kind that is on, and saves their state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gatherer.signals import WATCHERS
from gatherer.signals.base import Moment
from kafka_topic.contracts import Limits, Signal


class Watch:
    """The watchers of one position. settings: those of the kinds that are on, by kind."""

    def __init__(self, symbol: str, settings: Mapping[str, Mapping[str, Any]]) -> None:
        self._watchers = {
            kind: watcher(symbol, kind, **settings[kind])
            for kind, watcher in WATCHERS.items()
            if kind in settings
        }
        self._looks = [watcher.look for watcher in self._watchers.values()]

    @property
    def is_on(self) -> bool:
        """Whether any kind is."""
        return bool(self._looks)

    @property
    def each_pane(self) -> set[str]:
        """The labels of the windows that are watched at each pane."""
        return {each.window for each in self._watchers.values() if each.EACH_PANE}

    @property
    def with_prices(self) -> set[str]:
        """The labels of the windows whose prices are watched."""
        return {each.window for each in self._watchers.values() if each.NEEDS_PRICES}

    def set_limits(self, limits: Limits | None, since_ms: int) -> None:
        """Apply these limits to panes that end after `since_ms`. Unchanged limits keep their state."""
        for watcher in self._watchers.values():
            watcher.set_limits(limits, since_ms)

    def look(self, moment: Moment) -> list[Signal]:
        """The signals of this moment."""
        signals: list[Signal] = []
        for look in self._looks:
            signals += look(moment)
        return signals

    def dump(self) -> dict[str, Any]:
        """By kind, the version of its state and its state."""
        return {kind: (each.VERSION, each.dump()) for kind, each in self._watchers.items()}

    def restore(self, dumped: Mapping[str, Any]) -> None:
        """Restore state. A kind that was off begins anew; the state of a kind that is off now is dropped.

        Raises ValueError when a kind's state has another version, or other names under the same version.
        """
        for kind, watcher in self._watchers.items():
            if kind not in dumped:
                continue
            version, state = dumped[kind]
            if version != watcher.VERSION:
                raise ValueError(f"the state of {kind} has version {version}, not {watcher.VERSION}")
            if state.keys() != (known := watcher.dump().keys()):
                raise ValueError(
                    f"the state of {kind} holds {', '.join(sorted(state))}, and version {version} holds "
                    f"{', '.join(sorted(known))}: the version was not raised"
                )
            watcher.restore(state)

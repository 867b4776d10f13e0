"""The statistics and the kinds of signals that the gatherer has.

This package knows none of them. Whoever loads settings passes them in, as the types below describe.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple, Protocol


class Setting(Protocol):
    """One setting of a kind of signal.

    form: "window", "duration", "positive", "not_negative" or "share". meaning: its description. key: its name
    in the apps' environment, where durations are numbers of seconds.
    """

    @property
    def name(self) -> str: ...
    @property
    def form(self) -> str: ...
    @property
    def meaning(self) -> str: ...
    @property
    def key(self) -> str: ...


class Fault(Protocol):
    """Settings of one kind that contradict each other. settings: their names. window: the label concerned."""

    @property
    def settings(self) -> Sequence[str]: ...
    @property
    def window(self) -> str | None: ...
    @property
    def message(self) -> str: ...
    @property
    def hint(self) -> str: ...


class SignalKind(Protocol):
    """A kind of signal."""

    @property
    def name(self) -> str: ...
    @property
    def settings(self) -> Sequence[Setting]: ...

    def faults(self, values: Mapping[str, Any], windows: Mapping[str, timedelta]) -> Iterator[Fault]:
        """The contradictions between `values` (by key) and the windows (label to slide)."""


class Catalogue(NamedTuple):
    """The names of the statistics, and the kinds of signals."""

    statistics: tuple[str, ...]
    signals: tuple[SignalKind, ...]

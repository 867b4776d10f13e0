"""What has to be told from outside: which statistics and kinds of signals the gatherer has.

This room knows none of them. Who loads settings says what there is, in the form below.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple, Protocol


class Setting(Protocol):
    """A setting of a kind of signals.

    form: "window", "duration", "positive", "not_negative" or "share". meaning: for people. key: its name for
    the apps, to which durations are numbers of seconds.
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
    """Settings of a kind that don't fit each other. settings: their names. window: the label concerned."""

    @property
    def settings(self) -> Sequence[str]: ...
    @property
    def window(self) -> str | None: ...
    @property
    def message(self) -> str: ...
    @property
    def hint(self) -> str: ...


class SignalKind(Protocol):
    """A kind of signals."""

    @property
    def name(self) -> str: ...
    @property
    def settings(self) -> Sequence[Setting]: ...

    def faults(self, values: Mapping[str, Any], windows: Mapping[str, timedelta]) -> Iterator[Fault]:
        """How settings, by key, don't fit each other or the windows, label to slide."""


class Catalogue(NamedTuple):
    """Names of statistics, and kinds of signals."""

    statistics: tuple[str, ...]
    signals: tuple[SignalKind, ...]

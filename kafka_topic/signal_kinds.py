"""The catalogue of signals: the events and the settings of each kind.

There is no other list of them. The contract, the settings, the API's description and the page derive from it.
The gatherer watches for a kind in the module `gatherer.signals.<name>`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal, NamedTuple

from kafka_topic.windows import window_length

Presence = Literal["never", "optional", "required"]
Form = Literal["window", "duration", "positive", "not_negative", "share"]


@dataclass(frozen=True)
class Event:
    """One event of a kind.

    value, threshold: what these fields of the signal hold; None where they are null. side: whether the signal
    names a side of a limit. forecast: whether it has the probability and the horizon of a forecast.
    """

    name: str
    value: str | None
    threshold: str | None
    side: Presence = "never"
    forecast: Presence = "never"


@dataclass(frozen=True)
class Setting:
    """One setting of a kind.

    form: "window", the label of one of the gatherer's windows; "duration", above 0; a number, "positive",
    "not_negative" or, between 0 and 1, a "share".
    """

    name: str
    form: Form
    meaning: str

    @property
    def key(self) -> str:
        """Its name in SIGNALS and in the gatherer, where durations are numbers of seconds."""
        return f"{self.name}_seconds" if self.form == "duration" else self.name


class Fault(NamedTuple):
    """Settings that conflict. settings: their names. window: the label of the window concerned, or None."""

    settings: tuple[str, ...]
    window: str | None
    message: str
    hint: str


Windows = Mapping[str, timedelta]
"""The gatherer's windows: label to slide."""
Rule = Callable[[Mapping[str, Any], Windows], Iterator[Fault]]


def _no_rule(values: Mapping[str, Any], windows: Windows) -> Iterator[Fault]:
    yield from ()


@dataclass(frozen=True)
class SignalKind:
    """One kind of signals. rule: finds conflicts among its settings, by key."""

    name: str
    events: tuple[Event, ...]
    settings: tuple[Setting, ...]
    rule: Rule = _no_rule

    def faults(self, values: Mapping[str, Any], windows: Windows) -> Iterator[Fault]:
        """The conflicts of its settings, by key, with each other and with the windows."""
        for setting in self.settings:
            if setting.form == "window" and (label := values[setting.key]) not in windows:
                yield Fault(
                    (setting.name,),
                    label,
                    f"signals.{self.name}.{setting.name} is {label}, which is not one of gatherer.windows",
                    f"there are {', '.join(windows)}",
                )
                return
        yield from self.rule(values, windows)


def _low_below_high(values: Mapping[str, Any], windows: Windows) -> Iterator[Fault]:
    high, low = values["high"], values["low"]
    if low >= high:
        yield Fault(
            ("low", "high"),
            None,
            f"the low threshold, {low:g}, is not below the high one, {high:g}",
            "between the two, the regime does not change",
        )


def _seen_before_the_window_is_empty(values: Mapping[str, Any], windows: Windows) -> Iterator[Fault]:
    label = values["window"]
    longest = (window_length(label) - windows[label]).total_seconds()
    if values["after_seconds"] > longest:
        yield Fault(
            ("after", "window"),
            None,
            f"the window {label} is too short to show a silence of {values['after_seconds']:g} s",
            f"at most {longest:g}s, or a longer window",
        )


_ALL = (
    SignalKind(
        "regime",
        (
            Event("high", "`cv` in percent", "the one it crossed"),
            Event("low", "`cv` in percent", "the one it crossed"),
        ),
        (
            Setting("window", "window", "one of `gatherer.windows`; its `cv` decides the regime"),
            Setting("high", "positive", "volatility is high at or above this `cv`, in percent"),
            Setting(
                "low",
                "not_negative",
                "volatility is low at or below this `cv`; in between, the regime does not change",
            ),
        ),
        _low_below_high,
    ),
    SignalKind(
        "anomaly",
        (
            Event("above", "the tick's price", "the bound that it is beyond"),
            Event("below", "the tick's price", "the bound that it is beyond"),
        ),
        (
            Setting("window", "window", "one of `gatherer.windows`; ticks are compared with its median"),
            Setting(
                "sigmas", "positive", "a tick farther from the median than this many `mad` is an anomaly"
            ),
        ),
    ),
    SignalKind(
        "limit",
        (
            Event("likely", "the probability", "the one it crossed", side="required", forecast="required"),
            Event("unlikely", "the probability", "the one it crossed", side="required", forecast="required"),
            Event("reached", "the price that reached it", "the limit", side="required", forecast="optional"),
            Event("no_forecast", None, None, side="optional"),
        ),
        (
            Setting("window", "window", "one of `gatherer.windows`; the forecast is computed from it"),
            Setting("horizon", "duration", "how far ahead the forecast looks"),
            Setting(
                "probability",
                "share",
                "probability at which reaching a limit within the horizon counts as likely",
            ),
        ),
    ),
    SignalKind(
        "gap",
        (Event("silent", "seconds without a tick", "the number at which it is reported"),),
        (
            Setting(
                "window",
                "window",
                "one of `gatherer.windows`; its ends are the times at which silences are looked for",
            ),
            Setting(
                "after",
                "duration",
                "how long an active position may go without a tick before it is reported; at most the "
                "window less its slide",
            ),
        ),
        _seen_before_the_window_is_empty,
    ),
)
SIGNAL_KINDS: Mapping[str, SignalKind] = {each.name: each for each in _ALL}
"""By name, in the order in which the signals of one moment are written."""


def read_signals(text: str, windows: Windows) -> dict[str, dict[str, Any]]:
    """The settings in the apps' variable SIGNALS, by kind and key. It is JSON and holds the kinds that are
    on.

    Raises ValueError that says what is wrong.
    """
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError("it is not a JSON object")
    for name, values in found.items():
        if name not in SIGNAL_KINDS:
            raise ValueError(f"there is no kind {name}; there are {', '.join(SIGNAL_KINDS)}")
        kind = SIGNAL_KINDS[name]
        keys = [setting.key for setting in kind.settings]
        if not isinstance(values, dict) or values.keys() != set(keys):
            raise ValueError(f"{name} must have {', '.join(keys)}, and nothing else")
        for setting in kind.settings:
            if not _fits(setting.form, values[setting.key]):
                raise ValueError(
                    f"{name}.{setting.key} is {values[setting.key]!r}, which is not a valid {setting.form}"
                )
        for fault in kind.faults(values, windows):
            raise ValueError(fault.message)
    return found


def _fits(form: Form, value: object) -> bool:
    if form == "window":
        return isinstance(value, str)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    if form == "not_negative":
        return 0 <= value < float("inf")
    return 0 < value < (1 if form == "share" else float("inf"))

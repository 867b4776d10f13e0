"""The catalogue of signals: what each kind tells, and by which settings.

It is the only list of them. The contract, the settings, the API's description and the page follow from it,
and the gatherer watches for a kind in the module `gatherer.signals.<name>`.
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
    """One event of a kind. value, threshold: what these fields of the signal hold, None where they are null.
    side, forecast: whether the signal has a side of a limit, and the probability and horizon of a forecast.
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
        """Its name where durations are numbers of seconds: in SIGNALS, and in the gatherer."""
        return f"{self.name}_seconds" if self.form == "duration" else self.name


class Fault(NamedTuple):
    """Settings that don't fit each other. settings: their names. window: the label concerned, if one is."""

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
    """One kind of signals. rule: what its settings must satisfy among each other, by key."""

    name: str
    events: tuple[Event, ...]
    settings: tuple[Setting, ...]
    rule: Rule = _no_rule

    def faults(self, values: Mapping[str, Any], windows: Windows) -> Iterator[Fault]:
        """How its settings, by key, don't fit each other or the windows."""
        for setting in self.settings:
            if setting.form == "window" and (label := values[setting.key]) not in windows:
                yield Fault(
                    (setting.name,),
                    label,
                    f"signals.{self.name}.{setting.name} is {label}, which is none of gatherer.windows",
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
            "between the two the regime stays what it was",
        )


def _seen_before_the_window_is_empty(values: Mapping[str, Any], windows: Windows) -> Iterator[Fault]:
    label = values["window"]
    longest = (window_length(label) - windows[label]).total_seconds()
    if values["after_seconds"] > longest:
        yield Fault(
            ("after", "window"),
            None,
            f"the window {label} is empty before it can show a silence of {values['after_seconds']:g} s",
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
            Setting("window", "window", "one of `gatherer.windows`, whose `cv` tells the regime"),
            Setting("high", "positive", "volatility is high from this `cv` on, in percent"),
            Setting(
                "low",
                "not_negative",
                "and low again from this one down; in between it stays what it was",
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
            Setting("window", "window", "one of `gatherer.windows`, against whose median ticks are held"),
            Setting("sigmas", "positive", "how many `mad` from the median make a tick an anomaly"),
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
            Setting("window", "window", "one of `gatherer.windows`, from which is forecast"),
            Setting("horizon", "duration", "how far ahead the forecast looks"),
            Setting(
                "probability",
                "share",
                "from which on reaching a limit within the horizon is likely",
            ),
        ),
    ),
    SignalKind(
        "gap",
        (Event("silent", "seconds without a tick", "from how many on it is told"),),
        (
            Setting("window", "window", "one of `gatherer.windows`, at whose ends a silence is looked for"),
            Setting(
                "after",
                "duration",
                "how long an active position may go without a tick before it is reported; at most the window "
                "less its slide",
            ),
        ),
        _seen_before_the_window_is_empty,
    ),
)
SIGNAL_KINDS: Mapping[str, SignalKind] = {each.name: each for each in _ALL}
"""By name, in the order in which signals of one moment are written."""


def read_signals(text: str, windows: Windows) -> dict[str, dict[str, Any]]:
    """The settings of the kinds that are on, from the apps' variable SIGNALS: JSON, by kind and key.

    Raises ValueError that says what is wrong.
    """
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError("it is no JSON object")
    for name, values in found.items():
        if name not in SIGNAL_KINDS:
            raise ValueError(f"{name} is none of {', '.join(SIGNAL_KINDS)}")
        kind = SIGNAL_KINDS[name]
        keys = [setting.key for setting in kind.settings]
        if not isinstance(values, dict) or values.keys() != set(keys):
            raise ValueError(f"{name} must have {', '.join(keys)}, and nothing else")
        for setting in kind.settings:
            if not _fits(setting.form, values[setting.key]):
                raise ValueError(f"{name}.{setting.key} is {values[setting.key]!r}, no {setting.form}")
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

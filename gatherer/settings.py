"""The job's settings, from the environment of the Marathon app."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Self

from gatherer.analysis import AnalysisSettings
from gatherer.errors import SettingsError
from gatherer.inputs import read_inputs
from gatherer.signals.settings import AnomalySettings, LimitSettings, RegimeSettings
from gatherer.window import WindowLength
from kafka_topic.names import Topics
from kafka_topic.statistics import STATISTICS
from kafka_topic.windows import window_label, window_length

DELIVERIES = ("exactly-once", "at-least-once")
MIN_IDLE_MS = 2000
"""Twice as long as the brokers may take to answer where a log ends."""
SIGNALS: Mapping[str, Callable[..., Any]] = {
    "regime": RegimeSettings,
    "anomaly": AnomalySettings,
    "limit": LimitSettings,
}


@dataclass(frozen=True)
class Settings:
    """Everything that defines the job. Durations are whole milliseconds.

    inputs: what is read beside the positions' topics, as `inputs.py` has it. windows: the shortest first.
    statistics: those of STATISTICS that are wanted. signals: settings by kind.
    """

    bootstrap_servers: str
    topics: Topics
    job_name: str
    inputs: tuple[Mapping[str, Any], ...]
    windows: tuple[WindowLength, ...]
    statistics: frozenset[str]
    ewma_half_life_ms: int
    signals: Mapping[str, Mapping[str, Any]]
    watermark_ms: int
    future_ms: int
    idle_ms: int
    discovery_ms: int
    delivery: str

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Read and check the environment. Raises SettingsError that names the variable."""
        topics = Topics(environ.get("TOPIC_PREFIX", ""))
        windows = _windows(environ.get("GATHERER_WINDOWS") or "10s=1s,1m=5s,10m=10s")
        settings = cls(
            bootstrap_servers=_required(environ, "KAFKA_BOOTSTRAP_SERVERS"),
            topics=topics,
            job_name=_required(environ, "JOB_NAME"),
            inputs=read_inputs(environ.get("GATHERER_INPUTS"), topics),
            windows=windows,
            statistics=_statistics(environ.get("GATHERER_STATISTICS", ",".join(STATISTICS))),
            ewma_half_life_ms=_milliseconds(environ, "GATHERER_EWMA_HALF_LIFE_SECONDS", "60"),
            signals=_signals(environ.get("SIGNALS"), windows),
            watermark_ms=_milliseconds(environ, "GATHERER_WATERMARK_SECONDS", "0.5", minimum=0),
            future_ms=_milliseconds(environ, "GATHERER_FUTURE_SECONDS", "60", minimum=0),
            idle_ms=_milliseconds(environ, "GATHERER_IDLE_SECONDS", "30", minimum=MIN_IDLE_MS),
            discovery_ms=_milliseconds(environ, "GATHERER_DISCOVERY_SECONDS", "5"),
            delivery=environ.get("GATHERER_DELIVERY") or DELIVERIES[0],
        )
        if settings.delivery not in DELIVERIES:
            raise SettingsError(
                f"GATHERER_DELIVERY={settings.delivery} must be one of {', '.join(DELIVERIES)}"
            )
        return settings

    @property
    def inputs_json(self) -> str:
        """The inputs, for the Java part."""
        return json.dumps(self.inputs)

    @property
    def analysis(self) -> AnalysisSettings:
        """What the analysis of each position goes by."""
        signals = {kind: SIGNALS[kind](**settings) for kind, settings in self.signals.items()}
        return AnalysisSettings(
            windows=self.windows,
            statistics=self.statistics,
            ewma_half_life_seconds=self.ewma_half_life_ms / 1000,
            **signals,
        )

    @property
    def pane_ms(self) -> int:
        """The length of a pane: the shortest slide, of which every other slide and window is a multiple."""
        return self.analysis.pane_ms

    @property
    def histogram(self) -> bool:
        """Whether every price of a pane has to be counted."""
        return self.analysis.with_histograms


def _required(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(name)
    if not value:
        raise SettingsError(f"{name} is not set; the app definition's env has to give it")
    return value


def _windows(text: str) -> tuple[WindowLength, ...]:
    """Windows written "10s=1s,1m=5s": length and slide."""
    windows = []
    for part in text.split(","):
        label, _, slide = part.partition("=")
        windows.append(WindowLength(label, _duration(part, label), _duration(part, slide)))
    pane = min(window.slide_ms for window in windows)
    for window in windows:
        if window.length_ms % window.slide_ms or window.slide_ms % pane:
            raise SettingsError(
                f"GATHERER_WINDOWS={text}: {window.label} must be a whole multiple of its slide, and each "
                f"slide of the shortest, {pane / 1000:g} s"
            )
    if len({window.length_ms for window in windows}) < len(windows):
        raise SettingsError(f"GATHERER_WINDOWS={text} names a length twice")
    return tuple(sorted(windows, key=lambda window: window.length_ms))


def _duration(part: str, text: str) -> int:
    try:
        length = window_length(text)
        if text != (label := window_label(length)):
            raise ValueError(f"{text} is written {label}")
        return length // timedelta(milliseconds=1)
    except ValueError as error:
        raise SettingsError(
            f"GATHERER_WINDOWS: {part!r} must be length=slide, such as 10s=1s: {error}"
        ) from None


def _statistics(text: str) -> frozenset[str]:
    wanted = frozenset(filter(None, text.split(",")))
    if unknown := wanted.difference(STATISTICS):
        raise SettingsError(
            f"GATHERER_STATISTICS={text}: {', '.join(sorted(unknown))} is none of {', '.join(STATISTICS)}"
        )
    return wanted


def _signals(text: str | None, windows: tuple[WindowLength, ...]) -> Mapping[str, Mapping[str, Any]]:
    try:
        signals: dict[str, dict[str, Any]] = json.loads(text or "{}")
        for kind, settings in signals.items():
            SIGNALS[kind](**settings)
            if settings["window"] not in {window.label for window in windows}:
                raise SettingsError(
                    f"SIGNALS: {kind} uses the window {settings['window']}, which is none of GATHERER_WINDOWS"
                )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SettingsError(
            f"SIGNALS={text} must be a JSON object: the settings of {', '.join(SIGNALS)} ({error!r})"
        ) from None
    return signals


def _milliseconds(environ: Mapping[str, str], name: str, default: str, minimum: int = 1) -> int:
    raw = environ.get(name) or default
    try:
        value = Decimal(raw) * 1000
    except InvalidOperation:
        raise SettingsError(f"{name}={raw} must be a number of seconds") from None
    if not value.is_finite() or value != int(value) or value < minimum:
        raise SettingsError(
            f"{name}={raw} must be at least {minimum / 1000:g} seconds, in whole milliseconds"
        )
    return int(value)

"""The job's settings, from the environment of the Marathon app."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Self

from gatherer.analysis import AnalysisSettings
from gatherer.errors import SettingsError
from gatherer.inputs import read_inputs
from gatherer.window import WindowLength
from kafka_topic.names import Topics
from kafka_topic.signal_kinds import read_signals
from kafka_topic.statistics import read_statistics
from kafka_topic.windows import DEFAULT_WINDOWS, read_windows, window_length

DELIVERIES = ("exactly-once", "at-least-once")
_MILLISECOND = timedelta(milliseconds=1)
MIN_IDLE_MS = 2000
"""Twice as long as the brokers may take to answer where a log ends."""


@dataclass(frozen=True)
class Settings:
    """Everything that defines the job. Durations are whole milliseconds.

    inputs: what is read beside the positions' topics, as `inputs.py` has it. windows: the shortest first.
    statistics: names of the catalogue that are wanted. signals: settings by kind.
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
        windows = _windows(environ.get("GATHERER_WINDOWS") or DEFAULT_WINDOWS)
        settings = cls(
            bootstrap_servers=_required(environ, "KAFKA_BOOTSTRAP_SERVERS"),
            topics=topics,
            job_name=_required(environ, "JOB_NAME"),
            inputs=read_inputs(environ.get("GATHERER_INPUTS"), topics),
            windows=windows,
            statistics=_statistics(environ.get("GATHERER_STATISTICS")),
            ewma_half_life_ms=_milliseconds(environ, "GATHERER_EWMA_HALF_LIFE_SECONDS", "60"),
            signals=_signals(environ.get("SIGNALS") or "{}", windows),
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
        return AnalysisSettings(
            windows=self.windows,
            statistics=self.statistics,
            ewma_half_life_seconds=self.ewma_half_life_ms / 1000,
            signals=self.signals,
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
    try:
        windows = read_windows(text)
    except ValueError as error:
        raise SettingsError(f"GATHERER_WINDOWS={text} must be such as {DEFAULT_WINDOWS}: {error}") from None
    return tuple(
        WindowLength(label, window_length(label) // _MILLISECOND, slide // _MILLISECOND)
        for label, slide in windows.items()
    )


def _statistics(text: str | None) -> frozenset[str]:
    try:
        return frozenset(read_statistics(text))
    except ValueError as error:
        raise SettingsError(f"GATHERER_STATISTICS={text}: {error}") from None


def _signals(text: str, windows: tuple[WindowLength, ...]) -> Mapping[str, Mapping[str, Any]]:
    try:
        return read_signals(text, {window.label: window.slide_ms * _MILLISECOND for window in windows})
    except ValueError as error:
        raise SettingsError(f"SIGNALS={text} must be the settings of signals, by kind: {error}") from None


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

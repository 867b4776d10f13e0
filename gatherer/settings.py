"""The job's settings, from the environment of the Marathon app."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Self

from gatherer.analysis import AnalysisSettings
from gatherer.window import WindowLength
from kafka_topic.inputs import Input, read_inputs
from kafka_topic.names import Topics
from kafka_topic.security import Security
from kafka_topic.signal_kinds import read_signals
from kafka_topic.statistics import DEFAULT_STATISTICS, read_statistics
from kafka_topic.windows import DEFAULT_WINDOWS, read_windows, window_length
from task_runtime.environment import Environment

DELIVERIES = ("exactly-once", "at-least-once")
_RENAMED = {
    "GATHERER_WATERMARK_SECONDS": "GATHERER_MAX_OUT_OF_ORDERNESS_SECONDS",
    "GATHERER_FUTURE_SECONDS": "GATHERER_MAX_CLOCK_SKEW_SECONDS",
    "GATHERER_IDLE_SECONDS": "GATHERER_IDLE_TIMEOUT_SECONDS",
    "GATHERER_DISCOVERY_SECONDS": "GATHERER_DISCOVERY_INTERVAL_SECONDS",
}
"""The old names of variables, which work for one release."""
_MILLISECOND = timedelta(milliseconds=1)
MIN_IDLE_MS = 2000
"""Twice the time that brokers may take to say where a log ends."""


@dataclass(frozen=True)
class Settings:
    """Everything that defines the job. Durations are whole milliseconds.

    inputs: the topics of others that are read beside the positions' own. windows: the shortest first.
    statistics: the names of the wanted ones. signals: settings by kind.
    """

    bootstrap_servers: str
    security: Security
    topics: Topics
    job_name: str
    inputs: tuple[Input, ...]
    windows: tuple[WindowLength, ...]
    statistics: frozenset[str]
    ewma_half_life_ms: int
    signals: Mapping[str, Mapping[str, Any]]
    max_out_of_orderness_ms: int
    max_clock_skew_ms: int
    idle_timeout_ms: int
    discovery_interval_ms: int
    delivery: str

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Read and check the environment. Raises SettingsError or SecurityError that names the variable."""
        env = Environment(environ).with_old_names(_RENAMED)
        topics = env.parsed("TOPIC_PREFIX", Topics, "")
        slides = env.parsed("GATHERER_WINDOWS", read_windows, DEFAULT_WINDOWS)
        return cls(
            bootstrap_servers=env.text("KAFKA_BOOTSTRAP_SERVERS"),
            security=Security.from_environ(environ),
            topics=topics,
            job_name=env.text("JOB_NAME"),
            inputs=env.parsed("GATHERER_INPUTS", lambda text: read_inputs(text, topics), ""),
            windows=tuple(
                WindowLength(label, window_length(label) // _MILLISECOND, slide // _MILLISECOND)
                for label, slide in slides.items()
            ),
            statistics=frozenset(env.parsed("GATHERER_STATISTICS", read_statistics, DEFAULT_STATISTICS)),
            ewma_half_life_ms=env.milliseconds("GATHERER_EWMA_HALF_LIFE_SECONDS", "60"),
            signals=env.parsed("SIGNALS", lambda text: read_signals(text, slides), "{}"),
            max_out_of_orderness_ms=env.milliseconds(
                "GATHERER_MAX_OUT_OF_ORDERNESS_SECONDS", "0.5", minimum=0
            ),
            max_clock_skew_ms=env.milliseconds("GATHERER_MAX_CLOCK_SKEW_SECONDS", "60", minimum=0),
            idle_timeout_ms=env.milliseconds("GATHERER_IDLE_TIMEOUT_SECONDS", "30", minimum=MIN_IDLE_MS),
            discovery_interval_ms=env.milliseconds("GATHERER_DISCOVERY_INTERVAL_SECONDS", "5"),
            delivery=env.choice("GATHERER_DELIVERY", DELIVERIES, DELIVERIES[0]),
        )

    @property
    def inputs_json(self) -> str:
        """The inputs, as Java reads them."""
        return json.dumps(self.inputs)

    @property
    def analysis(self) -> AnalysisSettings:
        """The settings of the analysis of each position."""
        return AnalysisSettings(
            windows=self.windows,
            statistics=self.statistics,
            ewma_half_life_seconds=self.ewma_half_life_ms / 1000,
            signals=self.signals,
        )

    @property
    def pane_ms(self) -> int:
        """The length of a pane: the shortest slide, of which all slides and windows are multiples."""
        return self.analysis.pane_ms

    @property
    def histogram(self) -> bool:
        """Whether panes count every price."""
        return self.analysis.with_histograms

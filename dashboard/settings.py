"""The settings of the dashboard, from the environment that Marathon gives a task."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dashboard.errors import SettingsError
from kafka_topic.errors import SymbolError
from kafka_topic.feeding import feeding
from kafka_topic.names import Topics, check_symbols
from kafka_topic.windows import window_label, window_length

LOOPBACK = ("127.0.0.1", "localhost", "::1")
# What all positions together may keep in memory: about 60 MB of windows, 15 MB of prices, 10 MB of signals.
MOST_WINDOWS = 100_000
MOST_PRICES = 120_000
MOST_SIGNALS = 20_000
SIGNALS_KEPT = 200
"""Of each position, where there are not too many."""


@dataclass(frozen=True)
class Settings:
    """See README.md for what each means."""

    bootstrap_servers: str
    positions: tuple[str, ...]
    job: str
    prefix: str = ""
    windows: Mapping[str, float] = field(default_factory=lambda: {"10s": 1.0, "1m": 5.0, "10m": 10.0})
    """By label, shortest first: the seconds from one window's end to the next one's."""
    signals: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """What the gatherer watches for, where a position has no limits of its own."""
    inputs: str = ""
    """The gatherer's inputs: its GATHERER_INPUTS."""
    flink: str | None = None
    fresh_seconds: float = 22.5
    history: int = 1800
    host: str = "127.0.0.1"
    port: int = 0
    proxy_secret: str | None = field(default=None, repr=False)
    """Where the front door has one: nothing but /health is answered without it."""

    def __post_init__(self) -> None:
        try:
            topics = Topics(self.prefix)
            for symbol in check_symbols(self.positions):
                topics.position(symbol)
        except SymbolError as error:
            raise SettingsError(str(error)) from None
        if not self.positions:
            raise SettingsError("POSITIONS names no symbol")

    @property
    def windows_kept(self) -> int:
        """How many windows of each position and each length are kept."""
        return max(2, min(self.history, MOST_WINDOWS // (len(self.positions) * len(self.windows))))

    @property
    def past_seconds(self) -> float:
        """How far back windows are read at the start: until the longest slide's are all there, or so many
        records have been read that it would take long.
        """
        rate = len(self.positions) * sum(1 / slide for slide in self.windows.values())
        return min(self.windows_kept * max(self.windows.values()), MOST_WINDOWS / rate)

    @property
    def prices_kept(self) -> int:
        """How many prices of each position are kept."""
        return max(2, min(self.history, MOST_PRICES // len(self.positions)))

    @property
    def signals_kept(self) -> int:
        """How many signals of each position are kept."""
        return max(2, min(SIGNALS_KEPT, MOST_SIGNALS // len(self.positions)))

    @property
    def bind_host(self) -> str:
        """Where to listen: only on loopback when that is our address, else on every interface.

        The agent's address may not exist inside a container, so a task can't always bind to it.
        """
        return self.host if self.host in LOOPBACK else "0.0.0.0"  # noqa: S104


def from_environment(variables: Mapping[str, str] = os.environ) -> Settings:
    """The settings that the environment holds; raises SettingsError naming the variable at fault."""
    return Settings(
        bootstrap_servers=_text(variables, "KAFKA_BOOTSTRAP_SERVERS"),
        positions=tuple(one.strip() for one in _text(variables, "POSITIONS").split(",") if one.strip()),
        job=_text(variables, "JOB_NAME"),
        prefix=variables.get("TOPIC_PREFIX", ""),
        windows=_windows(variables),
        signals=_signals(variables),
        inputs=_inputs(variables),
        flink=variables.get("FLINK_JOBMANAGER_REST") or None,
        fresh_seconds=_number(variables, "DASHBOARD_FRESH_SECONDS", Settings.fresh_seconds, least=0.1),
        history=int(_number(variables, "DASHBOARD_HISTORY", Settings.history, least=2)),
        host=variables.get("HOST") or Settings.host,
        port=int(_number(variables, "PORT0", Settings.port, least=0)),
        proxy_secret=variables.get("PROXY_SECRET") or None,
    )


def _text(variables: Mapping[str, str], name: str) -> str:
    value = variables.get(name)
    if not value:
        raise SettingsError(f"{name} is not set; the app definition's env has to give it")
    return value


def _windows(variables: Mapping[str, str]) -> dict[str, float]:
    raw = variables.get("GATHERER_WINDOWS") or "10s=1s,1m=5s,10m=10s"
    try:
        pairs = [map(window_length, each.split("=")) for each in raw.split(",")]
        slides = {window_label(length): slide.total_seconds() for length, slide in pairs}
    except ValueError as error:
        raise SettingsError(f"GATHERER_WINDOWS={raw} must be such as 10s=1s,1m=5s ({error})") from None
    return {label: slides[label] for label in sorted(slides, key=window_length)}


def _signals(variables: Mapping[str, str]) -> dict[str, Any]:
    raw = variables.get("SIGNALS") or "{}"
    try:
        found = json.loads(raw)
        return {kind: {**found[kind]} for kind in ("regime", "anomaly", "limit") if kind in found}
    except (ValueError, TypeError) as error:
        raise SettingsError(f"SIGNALS={raw} must be the gatherer's ({error})") from None


def _inputs(variables: Mapping[str, str]) -> str:
    raw = variables.get("GATHERER_INPUTS", "")
    try:
        feeding([], Topics(), raw, list)
    except (ValueError, TypeError, KeyError, re.error) as error:
        raise SettingsError(f"GATHERER_INPUTS={raw} must be the gatherer's ({error})") from None
    return raw


def _number(variables: Mapping[str, str], name: str, default: float, *, least: float) -> float:
    raw = variables.get(name) or str(default)
    try:
        value = float(raw)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value >= least):
        raise SettingsError(f"{name}={raw} must be a number, at least {least:g}")
    return value

"""The settings of the dashboard, from the environment that Marathon gives a task."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from dashboard.errors import SettingsError
from flink_scripts.errors import FlinkScriptsError
from flink_scripts.token import flink_token
from kafka_topic.errors import SymbolError
from kafka_topic.feeding import feeding
from kafka_topic.names import Topics, check_symbols
from kafka_topic.signal_kinds import read_signals
from kafka_topic.statistics import STATISTICS, Field, read_statistics
from kafka_topic.windows import DEFAULT_WINDOWS, read_windows

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
    windows: Mapping[str, float] = field(default_factory=lambda: _seconds(read_windows(DEFAULT_WINDOWS)))
    """By label, shortest first: the seconds from one window's end to the next one's."""
    statistics: tuple[str, ...] = read_statistics(None)
    """The optional statistics that the gatherer writes, in the catalogue's order."""
    signals: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """What the gatherer watches for, where a position has no limits of its own."""
    inputs: str = ""
    """The gatherer's inputs: its GATHERER_INPUTS."""
    flink: str | None = None
    flink_token: str = field(default="", repr=False)
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
    def columns(self) -> tuple[Field, ...]:
        """The fields of these statistics that the page shows."""
        fields = (field for name in self.statistics for field in STATISTICS[name].fields)
        return tuple(field for field in fields if field.column is not None)

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
    windows = _windows(variables)
    return Settings(
        bootstrap_servers=_text(variables, "KAFKA_BOOTSTRAP_SERVERS"),
        positions=tuple(one.strip() for one in _text(variables, "POSITIONS").split(",") if one.strip()),
        job=_text(variables, "JOB_NAME"),
        prefix=variables.get("TOPIC_PREFIX", ""),
        windows=_seconds(windows),
        statistics=_statistics(variables),
        signals=_signals(variables, windows),
        inputs=_inputs(variables),
        flink=variables.get("FLINK_JOBMANAGER_REST") or None,
        flink_token=_flink_token(variables),
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


def _flink_token(variables: Mapping[str, str]) -> str:
    try:
        return flink_token(variables) if variables.get("FLINK_JOBMANAGER_REST") else ""
    except FlinkScriptsError as error:
        raise SettingsError(str(error)) from None


def _seconds(windows: Mapping[str, timedelta]) -> dict[str, float]:
    return {label: slide.total_seconds() for label, slide in windows.items()}


def _windows(variables: Mapping[str, str]) -> dict[str, timedelta]:
    raw = variables.get("GATHERER_WINDOWS") or DEFAULT_WINDOWS
    try:
        return read_windows(raw)
    except ValueError as error:
        raise SettingsError(f"GATHERER_WINDOWS={raw} must be such as {DEFAULT_WINDOWS} ({error})") from None


def _statistics(variables: Mapping[str, str]) -> tuple[str, ...]:
    raw = variables.get("GATHERER_STATISTICS")
    try:
        return read_statistics(raw)
    except ValueError as error:
        raise SettingsError(f"GATHERER_STATISTICS={raw} must be the gatherer's ({error})") from None


def _signals(variables: Mapping[str, str], windows: Mapping[str, timedelta]) -> dict[str, dict[str, Any]]:
    raw = variables.get("SIGNALS") or "{}"
    try:
        return read_signals(raw, windows)
    except ValueError as error:
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

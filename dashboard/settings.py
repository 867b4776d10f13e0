"""The settings of the dashboard, from the environment that Marathon gives a task."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass

from dashboard.errors import SettingsError
from kafka_topic.errors import SymbolError
from kafka_topic.names import Topics, check_symbols
from kafka_topic.windows import shortest

LOOPBACK = ("127.0.0.1", "localhost", "::1")
# What all positions together may keep in memory: about 30 MB of windows, 15 MB of prices.
MOST_WINDOWS = 60_000
MOST_PRICES = 120_000


@dataclass(frozen=True)
class Settings:
    """See README.md for what each means."""

    bootstrap_servers: str
    positions: tuple[str, ...]
    job: str
    prefix: str = ""
    window: str | None = None
    flink: str | None = None
    fresh_seconds: float = 22.5
    history: int = 1800
    host: str = "127.0.0.1"
    port: int = 0

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
        """How many windows of each position are kept."""
        return max(2, min(self.history, MOST_WINDOWS // len(self.positions)))

    @property
    def prices_kept(self) -> int:
        """How many prices of each position are kept."""
        return max(2, min(self.history, MOST_PRICES // len(self.positions)))

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
        window=_shortest_window(variables),
        flink=variables.get("FLINK_JOBMANAGER_REST") or None,
        fresh_seconds=_number(variables, "DASHBOARD_FRESH_SECONDS", Settings.fresh_seconds, least=0.1),
        history=int(_number(variables, "DASHBOARD_HISTORY", Settings.history, least=2)),
        host=variables.get("HOST") or Settings.host,
        port=int(_number(variables, "PORT0", Settings.port, least=0)),
    )


def _text(variables: Mapping[str, str], name: str) -> str:
    value = variables.get(name)
    if not value:
        raise SettingsError(f"{name} is not set; the app definition's env has to give it")
    return value


def _shortest_window(variables: Mapping[str, str]) -> str | None:
    """The label of the window that is shown; None, for whatever comes, where no windows are named."""
    raw = variables.get("GATHERER_WINDOWS")
    if not raw:
        return None
    try:
        return shortest(each.partition("=")[0] for each in raw.split(","))
    except ValueError as error:
        raise SettingsError(f"GATHERER_WINDOWS={raw} must be such as 10s=1s,1m=5s ({error})") from None


def _number(variables: Mapping[str, str], name: str, default: float, *, least: float) -> float:
    raw = variables.get(name) or str(default)
    try:
        value = float(raw)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value >= least):
        raise SettingsError(f"{name}={raw} must be a number, at least {least:g}")
    return value

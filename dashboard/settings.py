"""The settings of the dashboard, from the environment that Marathon gives a task."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Self

from dashboard.clusters import Clusters, read_pages
from dashboard.flows import Flow, read_addresses, read_flows
from flink_scripts.token import flink_token
from kafka_topic.inputs import Input, read_inputs
from kafka_topic.names import Topics
from kafka_topic.signal_kinds import read_signals
from kafka_topic.statistics import DEFAULT_STATISTICS, STATISTICS, Field, read_statistics
from kafka_topic.windows import DEFAULT_WINDOWS, read_windows
from task_runtime.environment import LOOPBACK, Environment

# The most records of all positions in memory: about 60 MB of windows, 15 MB of prices, 10 MB of signals.
MOST_WINDOWS = 100_000
MOST_PRICES = 120_000
MOST_SIGNALS = 20_000
SIGNALS_KEPT = 200
"""Signals kept of each position, unless there are too many positions."""


@dataclass(frozen=True)
class Settings:
    """See README.md for what each means."""

    bootstrap_servers: str
    positions: tuple[str, ...]
    job: str
    prefix: str = ""
    windows: Mapping[str, float] = field(default_factory=lambda: _seconds(read_windows(DEFAULT_WINDOWS)))
    """By label, shortest first: the seconds from one window's end to the next one's."""
    statistics: tuple[str, ...] = read_statistics(DEFAULT_STATISTICS)
    """The optional statistics that the gatherer writes, in the catalogue's order."""
    signals: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """The gatherer's settings of signals, for positions without limits of their own."""
    inputs: tuple[Input, ...] = ()
    """The gatherer's inputs."""
    flows: tuple[Flow, ...] = ()
    flows_live_seconds: float = 60.0
    """Up to this age, data of a flow counts as live: windows are stored some time after they end."""
    parts: frozenset[str] = frozenset()
    """The optional parts that are enabled."""
    stores: Mapping[str, str] = field(default_factory=dict)
    """The addresses of the stores by kind."""
    flink: str | None = None
    flink_token: str = field(default="", repr=False)
    clusters: Clusters = field(default_factory=Clusters)
    """The clusters between which the page switches."""
    fresh_seconds: float = 22.5
    history: int = 1800
    host: str = "127.0.0.1"
    port: int = 0
    names: frozenset[str] = frozenset(LOOPBACK)
    """The host names that it answers to; none: every name."""
    proxy_secret: str | None = field(default=None, repr=False)
    """The front door's secret. Where it has one, only /health is answered without it."""

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Read and check the environment. Raises SettingsError that names the variable."""
        env = Environment(environ)
        topics = env.parsed("TOPIC_PREFIX", Topics, "")
        windows = env.parsed("GATHERER_WINDOWS", read_windows, DEFAULT_WINDOWS)
        flink = env.optional("FLINK_JOBMANAGER_REST")
        return cls(
            bootstrap_servers=env.text("KAFKA_BOOTSTRAP_SERVERS"),
            positions=env.parsed("POSITIONS", topics.read_positions),
            job=env.text("JOB_NAME"),
            prefix=topics.prefix,
            windows=_seconds(windows),
            statistics=env.parsed("GATHERER_STATISTICS", read_statistics, DEFAULT_STATISTICS),
            signals=env.parsed("SIGNALS", lambda text: read_signals(text, windows), "{}"),
            inputs=env.parsed("GATHERER_INPUTS", lambda text: read_inputs(text, topics), ""),
            flows=env.parsed("FLOWS", read_flows, "[]"),
            flows_live_seconds=env.seconds("FLOWS_LIVE_SECONDS", cls.flows_live_seconds),
            parts=frozenset(filter(None, env.variables.get("PARTS", "").split(","))),
            stores=env.parsed("STORES", read_addresses, "{}"),
            flink=flink,
            flink_token=flink_token(env.variables) if flink else "",
            clusters=Clusters(
                env.text("CLUSTER_NAME", Clusters.name), env.parsed("CLUSTER_PAGES", read_pages, "{}")
            ),
            fresh_seconds=env.seconds("DASHBOARD_FRESH_SECONDS", cls.fresh_seconds),
            history=env.integer("DASHBOARD_HISTORY", cls.history, minimum=2),
            host=env.host,
            port=env.integer("PORT0", cls.port, minimum=0),
            names=_names(env.variables.get("ALLOWED_HOSTS", ""), env.host),
            proxy_secret=env.secret("PROXY_SECRET"),
        )

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
        """How far back windows are read at the start: far enough for the longest slide's windows, but no
        more than MOST_WINDOWS records, which would take long.
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


def _names(text: str, host: str) -> frozenset[str]:
    """What ALLOWED_HOSTS names; without it, those of loopback for a server that listens there, else none."""
    given = frozenset(name.strip().lower() for name in text.split(",") if name.strip())
    return given or frozenset(LOOPBACK if host in LOOPBACK else ())


def _seconds(windows: Mapping[str, timedelta]) -> dict[str, float]:
    return {label: slide.total_seconds() for label, slide in windows.items()}

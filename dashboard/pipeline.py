"""The state of every component, as far as Kafka and Flink's REST API show it."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import UTC, datetime
from typing import cast

from confluent_kafka import KafkaException

from dashboard.answers import Component, DeadLetters, Figures, PositionAnswer, Problem, Status
from dashboard.feed import Feed
from dashboard.flink import Flink, read_flink
from dashboard.history import History, age
from dashboard.settings import Settings
from flink_scripts.errors import RestError
from flink_scripts.rest import Rest
from kafka_topic.brokers import Brokers
from kafka_topic.contracts import REASONS, format_time
from kafka_topic.errors import KafkaTopicError
from kafka_topic.feeding import feeding
from kafka_topic.names import Topics
from kafka_topic.progress import Progress, progress

KEPT_SECONDS = 2.0
"""The brokers and the JobManager are asked at most this often, however many viewers there are."""
KAFKA_SECONDS = 3.0
FLINK_SECONDS = 3.0
"""For all that is read of Flink, in several calls."""
SILENT_SECONDS = 10.0
"""Prices count as stopped after this time without a tick."""


class Pipeline:
    """Polls the brokers for the state of the positions' topics. Asks the JobManager on demand, and keeps its
    answer for KEPT_SECONDS.
    """

    def __init__(self, settings: Settings, history: History, feed: Feed) -> None:
        self._settings = settings
        self._history = history
        self._feed = feed
        self._flink = Rest(settings.flink, settings.flink_token, FLINK_SECONDS) if settings.flink else None
        self._lock = asyncio.Lock()
        self._read_at = float("-inf")
        self._status: Status | None = None
        self._brokers = Brokers(settings.bootstrap_servers, timeout=KAFKA_SECONDS)
        self._kafka_problem: str | None = None
        self._asked = asyncio.Event()
        self._lags: dict[str, int | None] = {}
        self._counted: tuple[float, int, int] | None = None
        self._started = time.monotonic()

    async def follow(self) -> None:
        """Poll the brokers until cancelled, so that viewers see problems without asking."""
        while True:
            self._kafka_problem = await self._read_progress()
            self._asked.set()
            await asyncio.sleep(KEPT_SECONDS)

    async def status(self, viewers: int) -> Status:
        """The document of /api/status."""
        async with self._lock:
            if self._status is None or time.monotonic() - self._read_at > KEPT_SECONDS:
                self._status = await self._read(viewers)
                self._read_at = time.monotonic()
            return self._status

    def positions(self) -> list[PositionAnswer]:
        """Every position: its state, its newest records, and its problem and lag as last read."""
        topics = Topics(self._settings.prefix)
        found: list[PositionAnswer] = []
        for symbol, position in self._history.positions.items():
            window, price, signal = position.last_window, position.last_price, position.last_signal
            problem = position.problem[1]
            found.append(
                {
                    "symbol": symbol,
                    "topic": topics.position(symbol),
                    "state": self._history.state(symbol),
                    "problem": cast(Problem, problem.fields()) if problem else None,
                    "last_window_end": format_time(window.window_end) if window else None,
                    "age_seconds": round(age(window.window_end), 1) if window else None,
                    "price": price.price if price else None,
                    "price_time": format_time(price.ts) if price else None,
                    "mean": window.mean if window else None,
                    "stddev": window.stddev if window else None,
                    "cv": window.cv if window else None,
                    "regime": position.regime.event if position.regime else None,
                    "last_signal": json.loads(signal.to_json()) if signal else None,
                    "lag": self._lags.get(symbol),
                }
            )
        return found

    async def _read(self, viewers: int) -> Status:
        flink, _ = await asyncio.gather(self._read_flink(), self._asked.wait())
        kafka_problem = self._kafka_problem or self._feed.problem
        positions = self.positions()
        ticks, windows = self._rates()
        components = [
            _component("kafka", kafka_problem is None, kafka_problem or self._settings.bootstrap_servers),
            self._generator(ticks),
            *_flink_components(flink),
            self._gatherer(flink, windows),
            self._dashboard(viewers),
        ]
        return {
            "healthy": all(one["state"] in ("healthy", "unknown") for one in components)
            and all(one["state"] == "fresh" for one in positions),
            "time": format_time(datetime.now(UTC)),
            "fresh_seconds": self._history.fresh_seconds,
            "components": components,
            "positions": positions,
            "dead_letters": self._dead_letters(),
        }

    def _dead_letters(self) -> DeadLetters:
        counts = self._history.letter_counts
        by_reason = {reason: counts[reason] for reason in REASONS if counts[reason]}
        return {
            "total": sum(by_reason.values()),
            "complete": self._history.letters_counted,
            "by_reason": by_reason,
        }

    async def _read_progress(self) -> str | None:
        """Read the lags and problems of all positions; returns what prevented that, or None."""
        try:
            found = await asyncio.to_thread(self._progress)
        except (KafkaTopicError, KafkaException) as error:
            self._lags = {}
            return str(error)
        self._lags = {symbol: each.lag for symbol, each in found.items()}
        for symbol, each in found.items():
            self._history.set_problem(symbol, each.problem)
        return None

    def _progress(self) -> dict[str, Progress]:
        settings, brokers = self._settings, self._brokers
        topics = feeding(settings.positions, Topics(settings.prefix), settings.inputs, brokers.names)
        return progress(brokers, topics, settings.job)

    async def _read_flink(self) -> Flink | str | None:
        if self._flink is None:
            return None
        try:
            async with asyncio.timeout(FLINK_SECONDS):
                return await asyncio.to_thread(read_flink, self._flink, self._settings.job)
        except TimeoutError:
            return f"the JobManager did not answer within {FLINK_SECONDS:g} s"
        except RestError as error:
            return str(error)

    def _rates(self) -> tuple[float | None, float | None]:
        """Ticks and windows per second since the last call."""
        positions = self._history.positions.values()
        now = time.monotonic()
        ticks = sum(position.ticks_seen for position in positions)
        windows = sum(position.windows_seen for position in positions)
        before, self._counted = self._counted, (now, ticks, windows)
        if before is None:
            return None, None
        seconds = now - before[0]
        return round((ticks - before[1]) / seconds, 1), round((windows - before[2]) / seconds, 1)

    def _generator(self, rate: float | None) -> Component:
        newest = [position.last_price for position in self._history.positions.values()]
        flowing = sum(price is not None and age(price.ts) < SILENT_SECONDS for price in newest)
        detail = f"prices of {flowing}/{len(newest)} positions"
        return _component("data-generator", flowing == len(newest), detail, {"rate": rate})

    def _gatherer(self, flink: Flink | str | None, rate: float | None) -> Component:
        known = [lag for lag in self._lags.values() if lag is not None]
        figures: Figures = {"rate": rate, "lag": sum(known) if known else None}
        if not isinstance(flink, Flink):
            fresh = all(self._history.state(symbol) == "fresh" for symbol in self._history.positions)
            return _component("gatherer", fresh or None, "its job cannot be seen from here", figures)
        job = flink.job
        if job is None:
            return _component("gatherer", False, f"Flink has no job {self._settings.job}", figures)
        figures |= {
            "uptime_seconds": round(job.uptime),
            "checkpoints": job.checkpoints_completed,
            "checkpoint_age_seconds": _rounded(job.checkpoint_age, 1),
            "checkpoint_seconds": _rounded(job.checkpoint_duration, 3),
            "checkpoint_bytes": job.checkpoint_size,
        }
        if job.checkpoints_failed:
            figures["checkpoints_failed"] = job.checkpoints_failed
        return _component("gatherer", job.state == "RUNNING", f"job {job.state}", figures)

    def _dashboard(self, viewers: int) -> Component:
        return _component(
            "dashboard",
            self._feed.alive,
            f"{viewers} viewer{'' if viewers == 1 else 's'}",
            {
                "uptime_seconds": round(time.monotonic() - self._started),
                "broken_records": self._feed.broken_records,
            },
        )


def _flink_components(flink: Flink | str | None) -> list[Component]:
    names = ("flink-jobmanager", "flink-taskmanager")
    if not isinstance(flink, Flink):
        # Out of reach does not mean down: a firewall may stop this app only.
        return [_component(name, None, flink or "its address is not known here") for name in names]
    busy = flink.slots - flink.slots_free
    workers = f"{flink.taskmanagers} with {busy}/{flink.slots} slots in use"
    return [
        _component(names[0], True, f"Flink {flink.version}"),
        _component(names[1], flink.taskmanagers > 0, workers),
    ]


def _component(name: str, healthy: bool | None, detail: str, figures: Figures | None = None) -> Component:
    """healthy: None when it is unknown."""
    found: Component = {
        "name": name,
        "state": "unknown" if healthy is None else "healthy" if healthy else "unhealthy",
        "detail": detail,
    }
    return found if figures is None else {**found, **figures}


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)

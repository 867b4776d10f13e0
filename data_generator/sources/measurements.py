"""What the sources of measurements share: options, pacing, and a run with or without a final count."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

import click

from data_generator.errors import DeliveryError
from data_generator.sources.exact import WITHOUT_END, Record, Target, write_exactly
from data_generator.sources.ledger import Written
from kafka_topic.contracts import Measurement
from kafka_topic.errors import SecurityError
from task_runtime.errors import SettingsError
from task_runtime.health_log import serve_health
from task_runtime.process import log_to_stderr, stop_event

F = TypeVar("F", bound=Callable[..., Any])
Sample = Callable[[int, datetime], Sequence[Measurement]]
"""The measurements n to n + k - 1, all with the same time."""
# Longer than a broker's restart.
_UNHEALTHY_SECONDS = 30.0
# Measurements that are later than this are skipped, because the past cannot be measured.
_LATE_SECONDS = 1.0
_LOG = logging.getLogger("data_generator")


def options(topic: str) -> Callable[[F], F]:
    """The options of every source of measurements. topic: the default topic."""

    def add(function: F) -> F:
        for option in (
            click.option("--patience", default=60.0, help="Give up after this many seconds without a write."),
            click.option(
                "--count",
                envvar="COUNT",
                show_envvar=True,
                type=click.IntRange(min=1),
                help="End when the topic holds this many measurements; by default, run until stopped.",
            ),
            click.option("--topic", envvar="TOPIC", show_envvar=True, default=topic),
            click.option(
                "--bootstrap-servers", envvar="KAFKA_BOOTSTRAP_SERVERS", show_envvar=True, required=True
            ),
        ):
            function = option(function)
        return function

    return add


class Paced:
    """Takes samples at a fixed rate."""

    def __init__(self, sample: Sample, seconds: float, stop: threading.Event) -> None:
        """seconds: the time between two samples."""
        self._sample = sample
        self.seconds = seconds
        self._stop = stop
        self._due = time.monotonic()
        self._offset = time.time() - time.monotonic()
        self.asked_at = self._due
        """When records were last asked for; while Kafka accepts none, nobody asks."""

    def make(self, start: int, stop: int, began: Written) -> list[Record]:
        """The samples that are due, at most `stop - start` measurements; waits for the first one."""
        self.asked_at = time.monotonic()
        if self._stop.wait(max(0.0, self._due - time.monotonic())):
            return []
        now = time.monotonic()
        if now - self._due > max(_LATE_SECONDS, self.seconds):
            self._due = now
        # One offset for all samples keeps them in order: two clocks are never read at the same instant.
        # Only a clock that was set changes it.
        offset = time.time() - now
        if abs(offset - self._offset) > _LATE_SECONDS:
            self._offset = offset
        records: list[Record] = []
        while self._due <= now and start + len(records) < stop:
            moment = datetime.fromtimestamp(self._due + self._offset, UTC)
            found = self._sample(start + len(records), moment)
            records += [Record(each.name, each.to_json()) for each in found]
            self._due += self.seconds
        return records[: stop - start]


def run(sample: Sample, seconds: float, count: int | None, target: Target) -> None:
    """Write a sample every `seconds` until the topic holds `count` measurements, or until stopped.

    Serves /health at PORT0 if that is set. Ends the process with exit code 1 if the count is not reached or
    Kafka accepts no records.
    """
    log_to_stderr("data_generator")
    stop = stop_event()
    paced = Paced(sample, seconds, stop)
    try:
        with health(paced):
            wrote = write_exactly(count or WITHOUT_END, paced.make, target, stop)
    except (SettingsError, SecurityError, DeliveryError) as error:
        if stop.is_set() and count is None:
            _LOG.info("stopped")
            return
        _LOG.error("%s", error)
        sys.exit(error.exit_code)
    click.echo(f"{count} measurements are in {target.topic}; this run wrote {wrote}")


@contextmanager
def health(paced: Paced, environ: Mapping[str, str] = os.environ) -> Iterator[None]:
    """Serve /health at PORT0, if that is set, while the block runs. Raises SettingsError."""

    def page() -> tuple[int, dict[str, Any]]:
        # A source that waits for its next sample is healthy.
        silent = time.monotonic() - paced.asked_at - paced.seconds
        reason = f"Kafka has accepted nothing for {silent:.0f} s" if silent > _UNHEALTHY_SECONDS else None
        return 503 if reason else 200, {"healthy": reason is None, "reason": reason}

    with serve_health(page, _LOG.info, environ):
        yield

"""Verifies a deploy: every position must get a fresh `movingaverage` record."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cli.errors import PipectlError, WaitTimeout
from cli.live_config import LiveConfig
from kafka_topic.contracts import MovingAverage
from kafka_topic.names import Topics

if TYPE_CHECKING:
    from kafka_topic.trouble import Trouble

PROBLEM_SECONDS = 5.0
HINT = (
    "`pipectl status` shows the component at fault; if only the brokers are unreachable from this machine, "
    "run it inside the cluster's network"
)


def fresh_records(
    config: LiveConfig,
    *,
    since: datetime,
    max_age: timedelta,
    timeout: timedelta,
    report: Callable[[str], None],
) -> dict[str, MovingAverage]:
    """Wait for a record of the shortest window of every position; returns them by symbol.

    Only records count that were written at or after `since`, of windows that ended at most `max_age` ago: a
    resumed job writes older ones first. Raises WaitTimeout or PipectlError.
    """
    from kafka_topic.brokers import LEADER_SECONDS
    from kafka_topic.consumer import MovingAverageConsumer
    from kafka_topic.errors import KafkaTopicError

    wanted = set(config.positions)
    seen: dict[str, MovingAverage] = {}
    deadline = time.monotonic() + timeout.total_seconds()

    report(f"waiting for records, 0/{len(wanted)} positions")
    try:
        with MovingAverageConsumer(
            config.bootstrap_servers,
            prefix=config.prefix,
            positions=wanted,
            window=config.window,
            start=since,
            timeout=timeout.total_seconds(),
            connect_timeout=LEADER_SECONDS,
        ) as records:
            for record in records:
                if datetime.now(UTC) - record.window_end <= max_age:
                    seen[record.symbol] = record
                report(f"waiting for records, {len(seen)}/{len(wanted)} positions")
                if seen.keys() >= wanted or time.monotonic() > deadline:
                    break
    except TimeoutError:
        pass  # reported below
    except KafkaTopicError as error:
        raise PipectlError(str(error), hint=HINT) from None
    if missing := sorted(wanted - seen.keys()):
        problem = _problem(config, missing)
        raise WaitTimeout(
            f"waited {timeout.total_seconds():g} s for fresh movingaverage records of "
            f"{', '.join(missing)} on {config.bootstrap_servers}{f': {problem.text}' if problem else ''}",
            hint=problem.next_step if problem else HINT,
        )
    return {symbol: seen[symbol] for symbol in config.positions}


def _problem(config: LiveConfig, symbols: list[str]) -> Trouble | None:
    """The worst problem that keeps the gatherer from reading these positions, if it is known."""
    from kafka_topic.brokers import Brokers
    from kafka_topic.errors import KafkaTopicError
    from kafka_topic.feeding import feeding
    from kafka_topic.progress import progress
    from kafka_topic.trouble import worst

    brokers = Brokers(config.bootstrap_servers, timeout=PROBLEM_SECONDS)
    try:
        topics = feeding(symbols, Topics(config.prefix), config.inputs, brokers.names)
        found = progress(brokers, topics, config.group)
    except KafkaTopicError:
        return None
    return worst(each.problem for each in found.values() if each.problem)

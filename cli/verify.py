"""The last word of a deploy: a fresh `movingaverage` record of every position."""

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
    "`pipectl status` shows which component holds them up; if only the brokers are out of reach from here, "
    "run it inside the cluster's network"
)


def fresh_records(
    bundle: LiveConfig, *, max_age: timedelta, timeout: timedelta, report: Callable[[str], None]
) -> dict[str, MovingAverage]:
    """Wait until every position has a record of the shortest window that is written after this call; return
    these by symbol.

    Only windows that ended `max_age` ago or later count: after a resumption, older ones come first.
    """
    from kafka_topic.consumer import MovingAverageConsumer
    from kafka_topic.errors import KafkaTopicError

    wanted = set(bundle.positions)
    seen: dict[str, MovingAverage] = {}
    deadline = time.monotonic() + timeout.total_seconds()
    began = datetime.now(UTC)

    report(f"waiting for records, 0/{len(wanted)} positions")
    try:
        with MovingAverageConsumer(
            bundle.bootstrap_servers,
            prefix=bundle.prefix,
            positions=wanted,
            window=bundle.window,
            start=began,
            timeout=timeout.total_seconds(),
        ) as records:
            for record in records:
                if datetime.now(UTC) - record.window_end <= max_age:
                    seen[record.symbol] = record
                report(f"waiting for records, {len(seen)}/{len(wanted)} positions")
                if seen.keys() >= wanted or time.monotonic() > deadline:
                    break
    except TimeoutError:
        pass  # said below, with what is missing
    except KafkaTopicError as error:
        raise PipectlError(str(error), hint=HINT) from None
    if missing := sorted(wanted - seen.keys()):
        problem = _problem(bundle, missing)
        raise WaitTimeout(
            f"waited {timeout.total_seconds():g} s for fresh movingaverage records of "
            f"{', '.join(missing)} on {bundle.bootstrap_servers}{f': {problem.text}' if problem else ''}",
            hint=problem.next_step if problem else HINT,
        )
    return {symbol: seen[symbol] for symbol in bundle.positions}


def _problem(bundle: LiveConfig, symbols: list[str]) -> Trouble | None:
    """The worst that keeps the gatherer from reading some positions, as far as it can be told."""
    from kafka_topic.brokers import Brokers
    from kafka_topic.errors import KafkaTopicError
    from kafka_topic.feeding import feeding
    from kafka_topic.progress import progress
    from kafka_topic.trouble import worst

    brokers = Brokers(bundle.bootstrap_servers, timeout=PROBLEM_SECONDS)
    try:
        topics = feeding(symbols, Topics(bundle.prefix), bundle.inputs, brokers.names)
        found = progress(brokers, topics, bundle.group)
    except KafkaTopicError:
        return None
    return worst(each.problem for each in found.values() if each.problem)

"""Reads records and limits from the brokers, or through the dashboard's API if they are unreachable."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

import click

from cli.dashboard_api import DashboardApi
from cli.endpoints import page_address
from cli.errors import NoBackend, PipectlError, UsageProblem, WaitTimeout
from cli.live_config import LiveConfig
from cli.session import Session
from cli.streams import Stream
from kafka_topic.contracts import Limits, parse_time
from kafka_topic.errors import ContractError, KafkaTopicError
from kafka_topic.names import Topics

if TYPE_CHECKING:
    from kafka_topic.dead_letters import DeadLetterCounts
    from kafka_topic.status import PositionStatus

BROKER_SECONDS = 3.0
"""Brokers that do not answer within this time count as unreachable."""
STATUS_SECONDS = 10.0
DEAD_LETTER_SECONDS = 5.0
HINT = "`pipectl status` shows the cause"
Flow = tuple["list[PositionStatus]", "DeadLetterCounts"]


class Backend(Protocol):
    """A source of records and limits. It raises KafkaTopicError or PipectlError."""

    via: str
    """`brokers` or `page`."""

    def flow(self) -> Flow:
        """The state of each position, and the dead letters."""

    def records(
        self,
        stream: Stream,
        *,
        positions: Sequence[str],
        window: str | None,
        from_beginning: bool,
        timeout: float | None,
    ) -> AbstractContextManager[Iterator[Any]]:
        """The records of a topic as they arrive. from_beginning: start with the oldest kept record."""

    def limits(self) -> list[Limits]:
        """The limits that are set, by symbol."""

    def limited(self) -> list[str]:
        """The symbols that have limits."""

    def set_limits(self, symbols: Sequence[str], changes: Mapping[str, Any]) -> list[Limits]:
        """Change fields of the limits of `symbols`; returns the new limits."""

    def clear_limits(self, symbols: Sequence[str] | None) -> list[str]:
        """Clear the limits of `symbols` (None: of all positions); returns the symbols that had limits."""


class KafkaBackend:
    """Reads from Kafka directly."""

    via = "brokers"

    def __init__(self, config: LiveConfig) -> None:
        from kafka_topic.limits import LimitsStore

        self._config = config
        self._store = LimitsStore(config.bootstrap_servers, prefix=config.prefix)

    def flow(self) -> Flow:
        from kafka_topic.dead_letters import count_dead_letters
        from kafka_topic.status import position_status

        config = self._config
        positions = position_status(
            config.bootstrap_servers,
            config.positions,
            prefix=config.prefix,
            inputs=config.inputs,
            group=config.group,
            window=config.window,
            timeout=STATUS_SECONDS,
        )
        return positions, count_dead_letters(
            config.bootstrap_servers, prefix=config.prefix, timeout=DEAD_LETTER_SECONDS
        )

    @contextmanager
    def records(
        self,
        stream: Stream,
        *,
        positions: Sequence[str],
        window: str | None,
        from_beginning: bool,
        timeout: float | None,
    ) -> Iterator[Iterator[Any]]:
        chosen = {} if window is None else {"window": window}
        with stream.open(
            self._config.bootstrap_servers,
            prefix=self._config.prefix,
            positions=positions or None,
            start="beginning" if from_beginning else "latest",
            timeout=timeout,
            **chosen,
        ) as consumer:
            yield consumer

    def limits(self) -> list[Limits]:
        return list(self._store.read().values())

    def limited(self) -> list[str]:
        return self._store.symbols()

    def set_limits(self, symbols: Sequence[str], changes: Mapping[str, Any]) -> list[Limits]:
        return self._store.set(symbols, changes, check=self._check_regime)

    def clear_limits(self, symbols: Sequence[str] | None) -> list[str]:
        return self._store.clear(symbols)

    def _check_regime(self, limits: Limits) -> None:
        """Check against the bundle's own threshold where only one of the two is set."""
        try:
            limits.check_regime(self._config.signals)
        except ContractError as error:
            raise UsageProblem(
                f"limits of {limits.symbol}: {error}",
                hint="set both thresholds; the missing one is the bundle's",
            ) from None


class DashboardBackend:
    """Reads through the dashboard, which reads Kafka inside the cluster."""

    via = "page"

    def __init__(self, api: DashboardApi, config: LiveConfig) -> None:
        self._api = api
        self._config = config

    def flow(self) -> Flow:
        from kafka_topic.dead_letters import DeadLetterCounts
        from kafka_topic.status import PositionStatus
        from kafka_topic.trouble import Trouble

        status = self._api.get("status")
        try:
            (kafka,) = (one for one in status["components"] if one["name"] == "kafka")
            if kafka["state"] == "unhealthy":
                raise NoBackend(f"the dashboard cannot read Kafka either: {kafka['detail']}", hint=HINT)
            positions = [
                PositionStatus(
                    one["symbol"],
                    one["topic"],
                    _time(one["last_window_end"]),
                    one["lag"],
                    Trouble.from_fields(one["problem"]) if one["problem"] else None,
                )
                for one in status["positions"]
            ]
            letters = status["dead_letters"]
            return positions, DeadLetterCounts(letters["by_reason"], letters["complete"])
        except (KeyError, TypeError, ValueError) as error:
            raise PipectlError(
                f"dashboard version mismatch: its status has no {error}",
                hint="`pipectl deploy` updates it",
            ) from None

    @contextmanager
    def records(
        self,
        stream: Stream,
        *,
        positions: Sequence[str],
        window: str | None,
        from_beginning: bool,
        timeout: float | None,
    ) -> Iterator[Iterator[Any]]:
        windows = self._config.windows if window is None else (window,)
        query = [
            ("topic", stream.topic),
            *(("position", symbol) for symbol in positions),
            *(("window", label) for label in windows if stream.topic == "movingaverage"),
            *([("start", "beginning")] if from_beginning else []),
        ]
        with closing(self._api.events(query, timeout)) as events:
            yield map(stream.read, events)

    def limits(self) -> list[Limits]:
        return _limits(self._api.get("limits"))

    def limited(self) -> list[str]:
        return [limits.symbol for limits in self.limits()]

    def set_limits(self, symbols: Sequence[str], changes: Mapping[str, Any]) -> list[Limits]:
        return _limits(self._api.change("POST", "limits", body={"symbols": [*symbols], **changes}))

    def clear_limits(self, symbols: Sequence[str] | None) -> list[str]:
        query = [("all", "true")] if symbols is None else [("position", symbol) for symbol in symbols]
        cleared: list[str] = self._api.change("DELETE", "limits", query)["cleared"]
        return cleared


def connect(run: Session, config: LiveConfig) -> Backend:
    """The brokers if they answer, else the dashboard. A line on stderr says which.

    Raises NoBackend, with both causes, when neither answers, or if the local cluster has no Kafka: a broker
    at its address is then somebody else's.
    """
    kafka = run.settings.kafka
    if run.is_local and kafka.bootstrap_servers is None and f"/{kafka.service}" not in run.engine.apps():
        raise NoBackend(f"cluster {run.cluster_name} has no Kafka", hint="`pipectl deploy` installs it")
    trouble = _broker_trouble(config)
    if trouble is None:
        if not run.is_local:
            _note(f"reading from the brokers at {config.bootstrap_servers}")
        return KafkaBackend(config)
    try:
        address = page_address(run)
        api = DashboardApi(address, run.engine.credentials())
        api.get("openapi.json")
    except PipectlError as error:
        raise NoBackend(f"{trouble}; {error.message}", hint=error.hint or HINT) from None
    _note(f"reading through the dashboard at {address}: {trouble}")
    return DashboardBackend(api, config)


@contextmanager
def kafka_errors() -> Iterator[None]:
    """Turn errors of `kafka_topic` into PipectlErrors with the next step."""
    try:
        yield
    except TimeoutError as error:
        raise WaitTimeout(str(error), hint=HINT) from None
    except KafkaTopicError as error:
        raise PipectlError(str(error), hint=HINT) from None


def _note(text: str) -> None:
    click.secho(text, err=True, dim=True)


def _broker_trouble(config: LiveConfig) -> str | None:
    """Why the brokers are unreachable, if they are. The leaders of `movingaverage` must answer too."""
    from kafka_topic.brokers import Brokers
    from kafka_topic.errors import BrokerUnreachableError
    from kafka_topic.reachable import why_unreachable

    if reason := why_unreachable(config.bootstrap_servers, timeout=BROKER_SECONDS):
        return reason
    topic = Topics(config.prefix).moving_average
    with kafka_errors():
        try:
            brokers = Brokers(config.bootstrap_servers, timeout=BROKER_SECONDS)
            brokers.latest(brokers.partitions([topic]).get(topic, []))
        except BrokerUnreachableError:
            return f"no broker answers at {config.bootstrap_servers}"
    return None


def _time(text: str | None) -> datetime | None:
    return None if text is None else parse_time("last_window_end", text)


def _limits(document: Mapping[str, Any]) -> list[Limits]:
    return [Limits.from_json(json.dumps(one).encode()) for one in document["limits"]]

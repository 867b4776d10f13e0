"""The two ways to what flows: the brokers themselves, or the live page's API where they are out of reach."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

import click

from cli.deployed import Deployed
from cli.endpoints import page_address
from cli.errors import OutOfReach, PipectlError, UsageProblem
from cli.page_api import PageApi
from cli.session import Session
from cli.streams import Stream
from kafka_topic.contracts import Limits, parse_time
from kafka_topic.errors import ContractError
from kafka_topic.names import Topics

if TYPE_CHECKING:
    from kafka_topic.dead_letters import DeadLetterCounts
    from kafka_topic.status import PositionStatus

BROKER_SECONDS = 3.0
"""How long brokers may take to answer before they count as out of reach."""
STATUS_SECONDS = 10.0
LETTER_SECONDS = 5.0
HINT = "`pipectl status` shows what holds it up"
Flow = tuple["list[PositionStatus]", "DeadLetterCounts"]


class Way(Protocol):
    """A way to what flows. Its errors are KafkaTopicErrors or PipectlErrors."""

    via: str
    """What is asked: brokers or page."""

    def flow(self) -> Flow:
        """Each position, and the dead letters."""

    def records(
        self,
        stream: Stream,
        *,
        positions: Sequence[str],
        window: str | None,
        past: bool,
        timeout: float | None,
    ) -> AbstractContextManager[Iterator[Any]]:
        """The records of a topic as they come; past: those that are kept first."""

    def limits(self) -> list[Limits]:
        """What is set, by symbol."""

    def limited(self) -> list[str]:
        """The symbols of which something is set."""

    def set_limits(self, symbols: Sequence[str], changes: Mapping[str, Any]) -> list[Limits]:
        """Change fields of positions' limits; returns what is set then."""

    def clear_limits(self, symbols: Sequence[str] | None) -> list[str]:
        """Take back what is set of some positions, of all when None; returns those that had something."""


class ByBrokers:
    """Straight from Kafka."""

    via = "brokers"

    def __init__(self, bundle: Deployed) -> None:
        from kafka_topic.limits import LimitsStore

        self._bundle = bundle
        self._store = LimitsStore(bundle.bootstrap_servers, prefix=bundle.prefix)

    def flow(self) -> Flow:
        from kafka_topic.dead_letters import count_dead_letters
        from kafka_topic.status import position_status

        bundle = self._bundle
        positions = position_status(
            bundle.bootstrap_servers,
            bundle.positions,
            prefix=bundle.prefix,
            inputs=bundle.inputs,
            group=bundle.group,
            window=bundle.window,
            timeout=STATUS_SECONDS,
        )
        return positions, count_dead_letters(
            bundle.bootstrap_servers, prefix=bundle.prefix, timeout=LETTER_SECONDS
        )

    @contextmanager
    def records(
        self,
        stream: Stream,
        *,
        positions: Sequence[str],
        window: str | None,
        past: bool,
        timeout: float | None,
    ) -> Iterator[Iterator[Any]]:
        chosen = {} if window is None else {"window": window}
        with stream.open(
            self._bundle.bootstrap_servers,
            prefix=self._bundle.prefix,
            positions=positions or None,
            start="beginning" if past else "latest",
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
        """With one of the two thresholds set, the other is the bundle's."""
        try:
            limits.check_regime(self._bundle.signals)
        except ContractError as error:
            raise UsageProblem(
                f"limits of {limits.symbol}: {error}",
                hint="set both; the one that is not set is the bundle's",
            ) from None


class ByPage:
    """Through the live page, which reads Kafka from inside the cluster."""

    via = "page"

    def __init__(self, api: PageApi, bundle: Deployed) -> None:
        self._api = api
        self._bundle = bundle

    def flow(self) -> Flow:
        from kafka_topic.dead_letters import DeadLetterCounts
        from kafka_topic.status import PositionStatus
        from kafka_topic.trouble import Trouble

        status = self._api.get("status")
        try:
            (kafka,) = (one for one in status["components"] if one["name"] == "kafka")
            if kafka["state"] == "unhealthy":
                raise OutOfReach(f"the page can't read Kafka either: {kafka['detail']}", hint=HINT)
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
                f"the page's status lacks {error}: it is of another version",
                hint="`pipectl deploy` renews it",
            ) from None

    @contextmanager
    def records(
        self,
        stream: Stream,
        *,
        positions: Sequence[str],
        window: str | None,
        past: bool,
        timeout: float | None,
    ) -> Iterator[Iterator[Any]]:
        windows = self._bundle.windows if window is None else (window,)
        query = [
            ("topic", stream.topic),
            *(("position", symbol) for symbol in positions),
            *(("window", label) for label in windows if stream.topic == "movingaverage"),
            *([("start", "beginning")] if past else []),
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


def reach(run: Session, bundle: Deployed) -> Way:
    """The brokers if they answer, else the page, and a line that says which.

    Raises OutOfReach when neither does: what each said.
    """
    trouble = _broker_trouble(bundle)
    if trouble is None:
        if not run.is_local:
            _tell(f"reading from the brokers at {bundle.bootstrap_servers}")
        return ByBrokers(bundle)
    try:
        address = page_address(run)
        api = PageApi(address, run.engine.credentials())
        api.get("openapi.json")
    except PipectlError as error:
        raise OutOfReach(f"{trouble}; {error.message}", hint=error.hint or HINT) from None
    _tell(f"reading through the page at {address}: {trouble}")
    return ByPage(api, bundle)


def _tell(text: str) -> None:
    click.secho(text, err=True, dim=True)


def _broker_trouble(bundle: Deployed) -> str | None:
    """Why the brokers are out of reach, if they are: those that lead `movingaverage` must answer, too."""
    from kafka_topic.brokers import Brokers
    from kafka_topic.errors import BrokerUnreachableError

    topic = Topics(bundle.prefix).moving_average
    try:
        brokers = Brokers(bundle.bootstrap_servers, timeout=BROKER_SECONDS)
        brokers.latest(brokers.partitions([topic]).get(topic, []))
    except BrokerUnreachableError:
        return f"no broker answers at {bundle.bootstrap_servers}"
    return None


def _time(text: str | None) -> datetime | None:
    return None if text is None else parse_time("last_window_end", text)


def _limits(document: Mapping[str, Any]) -> list[Limits]:
    return [Limits.from_json(json.dumps(one).encode()) for one in document["limits"]]

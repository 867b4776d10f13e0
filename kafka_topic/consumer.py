"""The consumers: an iterator of typed records for each topic."""

from __future__ import annotations

from collections.abc import Iterable

from kafka_topic.brokers import Brokers
from kafka_topic.contracts import DeadLetter, MovingAverage, Price, Signal
from kafka_topic.errors import TopicMissingError
from kafka_topic.reading import OnBroken, Start, TopicConsumer
from kafka_topic.windows import window_label, window_length


class MovingAverageConsumer(TopicConsumer[MovingAverage]):
    """Iterates `movingaverage`. The parameters are those of TopicConsumer, and window: the label of the
    wanted window, such as "1m"; all when None. Raises ValueError when it is not a length.
    """

    def __init__(
        self,
        bootstrap_servers: str,
        *,
        prefix: str = "",
        positions: Iterable[str] | None = None,
        window: str | None = None,
        start: Start = "latest",
        timeout: float | None = None,
        connect_timeout: float = 10.0,
        on_broken: OnBroken | None = None,
    ) -> None:
        self._window = None if window is None else window_label(window_length(window))
        super().__init__(
            bootstrap_servers,
            prefix=prefix,
            positions=positions,
            start=start,
            timeout=timeout,
            connect_timeout=connect_timeout,
            on_broken=on_broken,
        )

    def _topics(self, brokers: Brokers) -> list[str]:
        return [self._names.moving_average]

    def _read(self, value: bytes, topic: str) -> MovingAverage:
        return MovingAverage.from_json(value)

    def _symbol(self, record: MovingAverage) -> str:
        return record.symbol

    def _wants(self, record: MovingAverage, key: bytes | None) -> bool:
        return self._window in (None, record.window) and super()._wants(record, key)


class SignalConsumer(TopicConsumer[Signal]):
    """Iterates `signals`."""

    _silence = "signals are rare; `pipectl limits set` adds limits to watch for"

    def _topics(self, brokers: Brokers) -> list[str]:
        return [self._names.signals]

    def _read(self, value: bytes, topic: str) -> Signal:
        return Signal.from_json(value)

    def _symbol(self, record: Signal) -> str:
        return record.symbol


class DeadLetterConsumer(TopicConsumer[DeadLetter]):
    """Iterates `dead_letter`. A dead letter belongs to the position of its topic; in a topic of several
    positions, to that of its key.
    """

    _silence = "there are none while all records can be used"

    def _topics(self, brokers: Brokers) -> list[str]:
        return [self._names.dead_letter]

    def _read(self, value: bytes, topic: str) -> DeadLetter:
        return DeadLetter.from_json(value)

    def _symbol(self, record: DeadLetter) -> str | None:
        return self._names.symbol_of(record.topic)

    def _wants(self, record: DeadLetter, key: bytes | None) -> bool:
        # A record with an unwanted key never gets here.
        return super()._wants(record, key) or (key is not None and self._symbol(record) is None)


class PriceConsumer(TopicConsumer[Price]):
    """Iterates the topics of the wanted positions, or all position topics that exist when it is created, in
    order within each. A tick whose symbol is not that of its topic breaks the contract.
    """

    _silence = "check that the generator, or whatever writes prices, runs"

    def _topics(self, brokers: Brokers) -> list[str]:
        if self._wanted is not None:
            return [self._names.position(symbol) for symbol in sorted(self._wanted)]
        topics = [topic for topic in brokers.names() if self._names.symbol_of(topic) is not None]
        if not topics:
            raise TopicMissingError(
                f"no topic {self._names.prefix}position.* exists on {self._servers}; deploy the pipeline "
                "first, or check the topic prefix"
            )
        return topics

    def _read(self, value: bytes, topic: str) -> Price:
        return Price.from_json(value, self._names.symbol_of(topic))

    def _symbol(self, record: Price) -> str:
        return record.symbol

    def _wants_key(self, key: bytes) -> bool:
        return True  # the topic names the position; other programs may write other keys

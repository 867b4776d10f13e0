"""Live positions, and everything that can go wrong with one of them."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.conftest import Broker
from tests.gatherer import damage
from tests.gatherer.bundle import DATED_BY_BROKER, Bundle, create
from tests.gatherer.exact import TIME_FORMAT, key_of
from tests.gatherer.flink import Flink, wait_until
from tests.gatherer.model import Outcome, outcome
from tests.gatherer.slow_broker import SlowBroker
from tests.group_offsets import committed

HEALTHY = ("ONE", "TWO", "THREE", "FOUR")
# Those that are read for a while before something happens to them.
READ = ("CORRUPT", "CODEC", "DENIED", "GONE", "AGAIN", "LOST")
LEADERLESS = "LEADERLESS"
CODECS = ("zstd", "lz4", "snappy", "gzip")
UNKNOWN_CODEC = 6
_HOUR = timedelta(hours=1)
_TICK_SECONDS = 0.2


def tick(symbol: str, when: datetime, cents: int) -> bytes:
    return (
        f'{{"ts": "{when.strftime(TIME_FORMAT)[:-3]}", "symbol": "{symbol}", "price": {cents / 100:.2f}}}'
    ).encode()


class Market:
    """Five live ticks a second of each position, in a thread of its own."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle, self._draw = bundle, random.Random(7)
        self._positions: dict[str, tuple[Any, timedelta]] = {}
        self._lock, self._end = threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def add(self, symbol: str, *, ahead: timedelta = timedelta(), codec: str = "none") -> None:
        """Let a position, whose topic exists, have ticks; its producer's clock is ahead by `ahead`."""
        from confluent_kafka import Producer

        servers = {"bootstrap.servers": self._bundle.bootstrap_servers}
        producer = Producer(
            {**servers, "compression.type": codec, "linger.ms": 400, "enable.idempotence": True}
        )
        with self._lock:
            self._positions[symbol] = producer, ahead

    def remove(self, symbol: str) -> None:
        """Let a position have no more ticks; those that it had are in its topic.

        Its producer goes, too: it would create the topic again after somebody deletes it.
        """
        with self._lock:
            producer, _ = self._positions.pop(symbol)
        assert producer.flush(30) == 0

    def close(self) -> None:
        self._end.set()
        self._thread.join()
        for symbol in [*self._positions]:
            self.remove(symbol)

    def _run(self) -> None:
        while not self._end.wait(_TICK_SECONDS):
            with self._lock:
                for symbol, (producer, ahead) in self._positions.items():
                    value = tick(symbol, datetime.now(UTC) + ahead, self._draw.randrange(9_000, 11_000))
                    topic = f"{self._bundle.prefix}position.{symbol}"
                    producer.produce(topic, value, key=symbol, partition=0)
                    producer.poll(0)


@contextmanager
def healthy(flink: Flink, first: Broker, second: Broker) -> Iterator[Troubles]:
    """Positions with live ticks, the job that has begun to write their windows, and what can go wrong.

    Nothing happens to four of them. first, second: a cluster, of which the first runs. The second gets no
    topic but that of `leaderless`.
    """
    with ExitStack() as stack:
        slow = stack.enter_context(SlowBroker(first.proxied, first.by_proxy))
        bundle = Bundle(flink, first.bootstrap_servers, "isolation", first.by_proxy)
        market = Market(bundle)
        stack.callback(market.close)
        troubles = Troubles(bundle, market, first, second, slow)
        for symbol in (*HEALTHY, *READ):
            troubles.start(symbol)
        bundle.app.start(FLINK_PARALLELISM="2")
        stack.callback(bundle.app.stop)
        bundle.app.until_healthy()
        for symbol in (*HEALTHY, *READ):
            troubles.until_written(symbol)
        # Kafka's own topics exist by now, so none of them is placed on it.
        second.start()
        stack.enter_context(SlowBroker(second.proxied, second.by_proxy))
        troubles.start(LEADERLESS, on=2)
        troubles.until_written(LEADERLESS)
        yield troubles


class Troubles:
    """What can be wrong with a position: each method does it to one, named after it, that was well before.

    slow: the way of the job to the first broker. problems: what the group's metadata is to say, by position.
    """

    def __init__(
        self, bundle: Bundle, market: Market, first: Broker, second: Broker, slow: SlowBroker
    ) -> None:
        from confluent_kafka.admin import AdminClient

        self.problems: dict[str, str] = {}
        self.symbols: list[str] = []
        self.bundle, self.market, self._slow = bundle, market, slow
        self._first, self._second = first, second
        self._admin = AdminClient({"bootstrap.servers": bundle.bootstrap_servers})
        self._before: dict[str, list[Any]] = {}

    @property
    def each(self) -> list[Callable[[], None]]:
        """All of them, in an order that is good for a test."""
        return [
            *(self.clocks, self.codecs, self.corrupt, self.codec, self.denied),
            *(self.gone, self.again, self.lost, self.leaderless),
        ]

    def topic(self, symbol: str) -> str:
        return f"{self.bundle.prefix}position.{symbol}"

    def start(self, symbol: str, *, on: int = 1, **settings: Any) -> None:
        """Let a new position have ticks."""
        create(self.bundle.bootstrap_servers, self.topic(symbol), on=on, **DATED_BY_BROKER)
        self.symbols.append(symbol)
        self.market.add(symbol, **settings)

    def until_written(self, symbol: str, since: datetime | None = None) -> None:
        """Wait until a window of a position is there, that ends after `since` if that is given."""

        def there() -> bool:
            keys = map(key_of, self.bundle.so_far())
            return any(key[0] == symbol and (since is None or key[2] > since) for key in keys)

        wait_until(there, f"a window of {symbol}")

    def clocks(self) -> None:
        """A producer whose clock is an hour behind, and one whose clock is an hour ahead."""
        self.start("BEHIND", ahead=-_HOUR)
        self.start("AHEAD", ahead=_HOUR)

    def codecs(self) -> None:
        for codec in CODECS:
            self.start(codec.upper(), codec=codec)

    def corrupt(self) -> None:
        self._damage("CORRUPT", damage.last_batch_with_wrong_checksum)
        self.problems["CORRUPT"] = "corrupt"

    def codec(self) -> None:
        self._damage("CODEC", lambda segment: damage.last_batch_of_codec(segment, UNKNOWN_CODEC))
        self.problems["CODEC"] = "codec"

    def denied(self) -> None:
        """A topic that the job must not read. Kafka takes no offset for it, and so no metadata."""
        from confluent_kafka.admin import AclBinding

        self._have_read("DENIED")
        topic = ("TOPIC", self.topic("DENIED"), "LITERAL", "User:ANONYMOUS", "*")
        # Once one thing is denied, nothing else is allowed unless that is said, too.
        rules = [AclBinding(*topic, "ALL", "ALLOW"), AclBinding(*topic, "READ", "DENY")]
        for future in self._admin.create_acls(rules).values():
            future.result(30)
        self.market.add("DENIED")
        line = f"{self.topic('DENIED')}-0 can't be read (denied)"
        wait_until(lambda: line in self.bundle.app.flink.log("taskmanager"), f"the log says {line!r}")

    def gone(self) -> None:
        """A deleted topic. A group has no offsets, and so no metadata, of it."""
        self._have_read("GONE")
        self._keep("GONE")
        self._delete("GONE")

    def again(self) -> None:
        """A topic that is deleted and created again."""
        self._have_read("AGAIN")
        self._keep("AGAIN")
        self._delete("AGAIN")
        create(self.bundle.bootstrap_servers, self.topic("AGAIN"), on=1, **DATED_BY_BROKER)
        self.market.add("AGAIN")

    def lost(self) -> None:
        """Records that are deleted before they are read."""
        from confluent_kafka import TopicPartition

        self._have_read("LOST")
        self._keep("LOST")
        end = self._end("LOST")
        self._slow.hold(self.topic("LOST"), 0)
        self.market.add("LOST")
        wait_until(lambda: self._end("LOST") >= end + 20, "more ticks")
        before = TopicPartition(self.topic("LOST"), 0, end + 10)
        for future in self._admin.delete_records([before]).values():
            future.result(30)
        self._slow.release(self.topic("LOST"), 0)
        self.problems["LOST"] = "lost"

    def leaderless(self) -> None:
        """A partition whose only broker is away."""
        self._have_read(LEADERLESS)
        self._keep(LEADERLESS)
        self._second.stop()
        self.problems[LEADERLESS] = "leaderless"

    def mended(self) -> None:
        """What was denied is allowed, the broker that was away is back, what is corrupt is given up."""
        from confluent_kafka import TopicPartition
        from confluent_kafka.admin import AclBindingFilter

        everything = AclBindingFilter("TOPIC", self.topic("DENIED"), "LITERAL", None, None, "ANY", "ANY")
        end = TopicPartition(self.topic("CORRUPT"), 0, self._end("CORRUPT"))
        for future in self._admin.delete_records([end]).values():
            future.result(30)
        self.problems["CORRUPT"] = "lost"
        # Only then: the cluster may have named the broker that was away as the one to ask.
        self._second.start()
        for future in self._admin.delete_acls([everything]).values():
            future.result(60)
        del self.problems[LEADERLESS]
        for symbol in ("CORRUPT", LEADERLESS):
            self.market.add(symbol)

    def metadata(self) -> dict[str, str]:
        """What the group's metadata says is wrong, by position."""
        told = self._committed()
        return {
            symbol: json.loads(text.rstrip("\0"))["problem"]
            for symbol in self.symbols
            if (text := told.get(self.topic(symbol), (0, ""))[1])
        }

    def until_named(self) -> None:
        """Wait until the metadata names all problems, and no other."""
        wait_until(
            lambda: self.metadata() == self.problems,
            lambda: f"the group's metadata says {self.problems}: it says {self.metadata()}",
        )

    def owed(self) -> Mapping[str, Outcome]:
        """What the model says of each position, of one that can't be read by what could be."""
        rules = self.bundle.rules
        found = {}
        for symbol in self.symbols:
            kept = self._before.get(symbol, [])
            unreadable = symbol == "GONE" or self.problems.get(symbol) in ("corrupt", "codec")
            now = [] if unreadable else self.bundle.log(symbol).get(0, [])
            records = kept + [each for each in now if not kept or each.append_ms > kept[-1].append_ms]
            found[symbol] = outcome(symbol, [records], rules)
        return found

    # -- how

    def _have_read(self, symbol: str) -> None:
        """End the ticks of a position, and let the job read it up to its end."""
        self.market.remove(symbol)
        wait_until(
            lambda: self._committed().get(self.topic(symbol), (0, ""))[0] >= self._end(symbol),
            f"the committed offset of {symbol} at its end",
        )

    def _keep(self, symbol: str) -> None:
        """Remember what has been read, which may be gone when it is compared."""
        self._before[symbol] = self.bundle.log(symbol)[0]

    def _damage(self, symbol: str, how: Callable[[Path], None]) -> None:
        """Damage ticks on disk, in a transaction: the job can't read them before it is committed."""
        from confluent_kafka import Producer

        self._have_read(symbol)
        self._keep(symbol)
        producer = Producer(
            {"bootstrap.servers": self.bundle.bootstrap_servers, "transactional.id": f"{symbol} is damaged"}
        )
        producer.init_transactions(30)
        producer.begin_transaction()
        for cents in range(10_000, 10_005):
            producer.produce(self.topic(symbol), tick(symbol, datetime.now(UTC), cents), partition=0)
        assert producer.flush(30) == 0
        how(self._first.folder / "data" / f"{self.topic(symbol)}-0" / f"{0:020}.log")
        producer.commit_transaction(30)

    def _delete(self, symbol: str) -> None:
        for future in self._admin.delete_topics([self.topic(symbol)]).values():
            future.result(30)
        wait_until(
            lambda: self.topic(symbol) not in self._admin.list_topics(timeout=30).topics, f"{symbol} gone"
        )

    def _end(self, symbol: str) -> int:
        from confluent_kafka import TopicPartition
        from confluent_kafka.admin import OffsetSpec

        place = TopicPartition(self.topic(symbol), 0)
        (future,) = self._admin.list_offsets({place: OffsetSpec.latest()}).values()
        return int(future.result(30).offset)

    def _committed(self) -> dict[str, tuple[int, str]]:
        """Offset and metadata that the job has committed, by topic."""
        found = committed(self.bundle.bootstrap_servers, self.bundle.app.name)
        return {topic: value for (topic, _), value in found.items()}

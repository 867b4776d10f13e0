"""Where a sink writes: a store."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from kafka_topic.errors import ContractError
from stores.base import Batch, Store
from stores.sinks.errors import SourceError
from stores.sinks.portions import Portion
from stores.sinks.sources import Source

_LOG = logging.getLogger(__name__)


class Target(Protocol):
    """Where records go.

    label: what logs call it. planned: whether the end of a portion is committed before it is written. most:
    the maximum number of records in a portion. commit_seconds: how long the commit of what is written is
    tried, before the process ends and the next one writes it again. written, invalid: how many records it
    has written, and left out because they break their contract.
    """

    label: str
    planned: bool
    most: int
    commit_seconds: float
    written: int
    invalid: int

    @property
    def problem(self) -> str | None:
        """Why it does not accept records now."""

    def write(self, portion: Portion) -> bool:
        """Write a portion. Returns False if the process has to end before it is written.

        Raises SinkError and StoreError.
        """


class StoreTarget:
    """A store. A portion is one batch."""

    # It recognises what is written again.
    commit_seconds = 60.0

    def __init__(
        self, store: Store, sources: Sequence[Source], ids: Mapping[str, str], *, label: str, most: int
    ) -> None:
        """ids: the id of each topic."""
        self.most = most
        self.planned = not store.keyed
        self.label = label
        self.written = 0
        self.invalid = 0
        self._store = store
        self._ids = ids
        self._sources = {topic: source for source in sources for topic in source.topics}
        self._writers: dict[str, set[str]] = {}

    @property
    def problem(self) -> str | None:
        """See Target.problem."""
        return self._store.problem

    def write(self, portion: Portion) -> bool:
        """See Target.write."""
        source = self._sources[portion.partition[0]]
        writer = self._writer(source, portion)
        rows = [row for each in portion.records if (row := self._row(source, portion, each)) is not None]
        if rows:
            columns = dict(zip(source.kind.table.names, zip(*rows, strict=True), strict=True))
            self._store.write(source.flow, Batch(writer, portion.begin), columns)
        self.written += len(rows)
        return True

    def _row(self, source: Source, portion: Portion, record: Any) -> tuple[Any, ...] | None:
        origin = (*portion.partition, record.offset())
        try:
            return source.kind.row(bytes(record.value() or b""), *origin)
        except ContractError as error:
            self.invalid += 1
            _LOG.warning("%s, partition %d, offset %d is left out: %s", *origin, error)
            return None

    def _writer(self, source: Source, portion: Portion) -> str:
        """The writer of a partition's batches.

        Raises SourceError if another reading of the partition, whose offsets are lost, has written batches
        to a store that would not recognise the records.
        """
        topic, number = portion.partition
        digest = hashlib.sha256(f"{topic} {self._ids[topic]}".encode()).hexdigest()[:8]
        writer = f"{source.name}-{digest}-{number}-{portion.id}"
        if self._store.keyed:
            return writer
        if source.name not in self._writers:
            self._writers[source.name] = self._store.writers(source.name)
        stem = writer.removesuffix(portion.id)
        strangers = {each for each in self._writers[source.name] if each.startswith(stem)} - {writer}
        if strangers:
            raise SourceError(
                f"{self.label} holds records of {topic}, partition {number}, but the group has lost its "
                f"offsets: they would be stored twice; remove the flow {source.name} from the store, and "
                "all that Kafka still has is stored again"
            )
        return writer

"""The flows that the page shows: what each accomplishes, and the parts that it depends on.

A flow is source -> topic -> processing -> store -> display, as the bundle's setting `flows` has it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from stores.tables import GROUPS, STATISTICS
from stores.tables import Flow as StoredFlow

_STAGES = ("source", "topic", "processing", "store", "display")
_NONE = "none"
_SOURCES = {
    "system": "load of the machine: CPU, memory, disk and network",
    "random-numbers": "random numbers of one distribution",
    "prices": "simulated prices",
    "replay": "historical prices, at their times of then",
    "census": "a census, which is a static data set",
}
_PROCESSING = {
    "spark-streaming": "Spark Streaming computes mean, standard deviation, minimum and maximum of each name "
    "over windows of event time",
    "spark": "Spark computes the mean and standard deviation of each group",
}
_STORES = {"disk": "Parquet files", "cassandra": "Cassandra", "hdfs": "Parquet files in HDFS"}
_DISPLAYS = {
    "lines": "The page draws each value as it comes, over Socket.IO",
    "histogram": "The page draws their distribution as they come, over Socket.IO",
    "bands": "The page reads them from there and draws each mean with ± 2 standard deviations",
    "bars": "The page reads them from there and draws a bar for each group",
}
_STARTS = {
    "system": "`pipectl run system` measures this machine",
    "random-numbers": "`pipectl run random-numbers` writes them",
    "prices": "`pipectl run produce-prices` writes them",
    "replay": "`pipectl run replay` writes those of the files in sources.replay.files",
    "census": "`pipectl run census` loads it, then `pipectl run census-statistics` computes",
}
"""How a source is started."""


@dataclass(frozen=True)
class Flow:
    """A flow. topic, processing, store: None where it has no such stage.

    parts: the optional parts of the bundle that it depends on.
    """

    name: str
    source: str
    topic: str | None
    processing: str | None
    store: str | None
    display: str
    parts: tuple[str, ...] = ()

    @property
    def about(self) -> str:
        """What it accomplishes, in a few sentences."""
        shown = f"{_DISPLAYS.get(self.display, 'The page shows them')}."
        source = _SOURCES.get(self.source, self.source)
        through = f", through the topic {self.topic}" if self.topic else ""
        if self.processing is None:
            return f"Shows {source}{through}. {shown}"
        processed = _PROCESSING.get(self.processing, self.processing)
        kept = _STORES.get(self.store or "", self.store)
        return f"Processes {source}{through}. {processed}, and stores them in {kept}. {shown}"

    @property
    def results(self) -> tuple[str, StoredFlow] | None:
        """The kind of its store, and the flow in it that its job writes; None without a store."""
        if self.store is None:
            return None
        if self.processing == "spark":
            return self.store, StoredFlow(self.topic or self.source, GROUPS)
        return self.store, StoredFlow(f"{self.topic}-statistics", STATISTICS)

    @property
    def start(self) -> str:
        """How its data is made to flow."""
        return _STARTS.get(self.source, "start its source")

    def missing(self, enabled: Collection[str]) -> list[str]:
        """The parts that it depends on and that are not enabled."""
        return [part for part in self.parts if part not in enabled]


def read_flows(text: str) -> tuple[Flow, ...]:
    """The flows in the page's environment: JSON as the bundle renders it. Raises ValueError."""
    documents = json.loads(text)
    if not isinstance(documents, list) or not all(isinstance(one, dict) for one in documents):
        raise ValueError("must be a list of flows")
    return tuple(map(_flow, documents))


def _flow(document: Mapping[str, Any]) -> Flow:
    values = {name: document.get(name) for name in ("name", *_STAGES)}
    for name, value in values.items():
        if not isinstance(value, str) or not value:
            raise ValueError(f"a flow must have a {name}, got {value!r}")
    stages: dict[str, Any] = {name: None if value == _NONE else value for name, value in values.items()}
    return Flow(**stages, parts=tuple(map(str, document.get("parts", ()))))


def read_addresses(text: str) -> dict[str, str]:
    """The addresses of the stores by kind. Raises ValueError."""
    addresses = json.loads(text)
    if not isinstance(addresses, dict) or not all(isinstance(one, str) for one in addresses.values()):
        raise ValueError("must be addresses by store")
    return addresses

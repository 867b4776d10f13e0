"""How each flow is: whether its data comes, how old it is, and what to do where none comes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from datetime import UTC, datetime

from dashboard.answers import FlowAnswer
from dashboard.flows import Flow
from dashboard.recent import Recent
from dashboard.settings import Settings
from dashboard.stored import State, StoredFlows
from kafka_topic.brokers import Brokers
from kafka_topic.contracts import format_time
from kafka_topic.errors import KafkaTopicError
from kafka_topic.names import Topics

LOOK_SECONDS = 2.0
KAFKA_SECONDS = 5.0


class FlowStates:
    """The states of all flows. Kafka is asked at most every LOOK_SECONDS."""

    def __init__(self, settings: Settings, recent: Recent, stored: StoredFlows) -> None:
        self._settings = settings
        self._recent = recent
        self._stored = stored
        self._prefix = Topics(settings.prefix).prefix
        self._brokers = Brokers(settings.bootstrap_servers, timeout=KAFKA_SECONDS)
        self._lock = asyncio.Lock()
        self._asked = float("-inf")
        self._records: Mapping[str, int] | str = {}

    async def all(self) -> list[FlowAnswer]:
        """The state of every flow, in the order of the settings."""
        return await asyncio.gather(*map(self.of, self._settings.flows))

    async def of(self, flow: Flow) -> FlowAnswer:
        """The state of a flow."""
        missing = flow.missing(self._settings.parts)
        records = await self._records_of(flow)
        topic = flow.topic and self._prefix + flow.topic
        fed = self._recent.newest(topic or "")
        answer: FlowAnswer = {
            "name": flow.name,
            "about": flow.about,
            "source": flow.source,
            "topic": topic,
            "processing": flow.processing,
            "store": flow.store,
            "display": flow.display,
            "parts": list(flow.parts),
            "state": "empty",
            "records": records if isinstance(records, int) else None,
            "rows": None,
            "newest": None,
            "age_seconds": None,
            "source_age_seconds": None if fed is None else _age(fed),
            "text": "",
        }
        if missing:
            named, it = (" and ".join(missing), "them") if len(missing) > 1 else (missing[0], "it")
            which = f"part{'s' if len(missing) > 1 else ''} {named}"
            text = f"Needs the {which}: `pipectl deploy --with {','.join(missing)}` enables {it}."
            return {**answer, "state": "off", "text": text}
        if flow.store is not None and not self._stored.has(flow.store):
            text = f"The bundle has no address of the store {flow.store}: set stores.{flow.store}."
            return {**answer, "state": "off", "text": text}
        if isinstance(records, str) and flow.store is None:
            return {**answer, "state": "broken", "text": records}
        state = State(fed)
        if flow.results is not None:
            state = await self._stored.state(*flow.results)
        if state.problem is not None:
            return {**answer, "state": "broken", "text": state.problem}
        answer["rows"] = state.rows
        if state.newest is None:
            return {**answer, "text": f"Nothing has come yet: {flow.start}."}
        age = _age(state.newest)
        live = age < self._settings.flows_live_seconds and flow.processing != "spark"
        return {
            **answer,
            "state": "live" if live else "past",
            "newest": format_time(state.newest),
            "age_seconds": age,
            "text": "" if live or flow.processing == "spark" else f"As of the last run: {flow.start}.",
        }

    async def _records_of(self, flow: Flow) -> int | str | None:
        """How many offsets its topic holds, which includes the markers of transactions.

        A text if Kafka does not answer; None without a topic.
        """
        if flow.topic is None:
            return None
        async with self._lock:
            if time.monotonic() - self._asked >= LOOK_SECONDS:
                self._records = await asyncio.to_thread(self._ask)
                self._asked = time.monotonic()
        if isinstance(self._records, str):
            return self._records
        return self._records.get(self._prefix + flow.topic, 0)

    def _ask(self) -> Mapping[str, int] | str:
        topics = {self._prefix + flow.topic for flow in self._settings.flows if flow.topic is not None}
        counts = dict.fromkeys(topics, 0)
        try:
            found = self._brokers.partitions(topics)
            spans, _ = self._brokers.spans(each for several in found.values() for each in several)
        except KafkaTopicError as error:
            return str(error)
        for (topic, _), span in spans.items():
            counts[topic] += span.end - span.begin
        return counts


def _age(time: datetime) -> float:
    """Seconds since a time."""
    return round((datetime.now(UTC) - time).total_seconds(), 1)

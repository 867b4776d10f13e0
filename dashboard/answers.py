"""The JSON documents of the API: `openapi` describes them by these types, and mypy checks the answers."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field, WithJsonSchema
from typing_extensions import TypedDict

from kafka_topic.contracts import REASONS
from kafka_topic.freshness import FlowState
from kafka_topic.trouble import CODES

TIME = {"type": "string", "description": "UTC", "pattern": r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}$"}
Time = Annotated[str, WithJsonSchema(TIME)]
Count = Annotated[int, Field(ge=0)]


class Problem(TypedDict):
    """The worst problem of the topics that feed a position."""

    code: Annotated[
        str,
        WithJsonSchema({"enum": list(CODES)}),
        Field(
            description="lost: records were deleted before they were read, and reading went on. With any "
            "other code, reading of the partition has stopped until the problem is solved"
        ),
    ]
    topic: str
    partition: Annotated[int | None, Field(description="null: the whole topic")]
    detail: str
    since: Time | None
    text: Annotated[str, Field(description="what is wrong, in a sentence")]
    next: Annotated[str, Field(description="what to do about it")]


class PositionAnswer(TypedDict):
    """One position: its state, and its newest records."""

    symbol: str
    topic: str
    state: Annotated[
        FlowState,
        Field(
            description="stale: its last window is older than fresh_seconds of the status; silent: it has no "
            "window; unreadable: the gatherer can't read one of its partitions, as problem says"
        ),
    ]
    problem: Problem | None
    last_window_end: Time | None
    age_seconds: float | None
    price: float | None
    price_time: Time | None
    mean: float | None
    stddev: float | None
    cv: float | None
    regime: Annotated[
        str | None,
        WithJsonSchema({"enum": ["high", "low", None]}),
        Field(description="the event of the newest regime signal"),
    ]
    last_signal: dict[str, Any] | None
    lag: Annotated[
        int | None, Field(description="ticks that the gatherer has not committed; null when unknown")
    ]


class Figures(TypedDict):
    """The figures of a component; each component has its own."""

    rate: NotRequired[Annotated[float | None, Field(description="records per second that it writes")]]
    lag: NotRequired[int | None]
    uptime_seconds: NotRequired[int]
    checkpoints: NotRequired[int]
    checkpoints_failed: NotRequired[
        Annotated[int, Field(description="of the newest ten; left out when none failed")]
    ]
    checkpoint_age_seconds: NotRequired[float | None]
    checkpoint_seconds: NotRequired[float | None]
    checkpoint_bytes: NotRequired[int | None]
    broken_records: NotRequired[int]


class Component(Figures):
    """One component of the pipeline."""

    name: str
    state: Annotated[
        Literal["healthy", "unhealthy", "unknown"],
        Field(description="unknown: the dashboard can't see it"),
    ]
    detail: str


class DeadLetters(TypedDict):
    """How many records could not be used."""

    total: Count
    complete: Annotated[bool, Field(description="false while older dead letters are still being counted")]
    by_reason: Annotated[
        dict[str, int],
        WithJsonSchema(
            {
                "type": "object",
                "propertyNames": {"enum": list(REASONS)},
                "additionalProperties": {"type": "integer", "minimum": 1},
            }
        ),
    ]


class Status(TypedDict):
    """The whole pipeline."""

    healthy: bool
    time: Time
    fresh_seconds: float
    components: list[Component]
    positions: list[PositionAnswer]
    dead_letters: DeadLetters


class Summary(TypedDict):
    """How the bundle is, in short: what the pages of linked clusters show of it."""

    version: Annotated[str, Field(description="of pipectl, as the page runs it")]
    healthy: bool
    unhealthy: Annotated[
        list[str],
        Field(description="components that are unhealthy, and positions that are not fresh"),
    ]
    freshest_age_seconds: Annotated[
        float | None, Field(description="age of the freshest window of all positions; null: there is none")
    ]
    positions: list[str]


class ClusterAnswer(TypedDict):
    """Another cluster."""

    name: str
    page: Annotated[str, Field(description="the address of its page")]


class Refusal(TypedDict):
    """Why a request was refused."""

    message: str
    field: NotRequired[Annotated[str | None, Field(description="the field at fault")]]


class FlowAnswer(TypedDict):
    """One flow, its stages, and how it is. A stage is null where the flow has none."""

    name: Annotated[str, Field(description="the path of its page")]
    about: Annotated[str, Field(description="what it accomplishes")]
    source: str
    topic: str | None
    processing: str | None
    store: str | None
    display: str
    parts: Annotated[list[str], Field(description="the optional parts of the bundle that it depends on")]
    state: Annotated[
        Literal["live", "past", "empty", "off", "broken"],
        Field(
            description="live: data comes; past: as of the last run; empty: nothing has come yet; off: a "
            "part or a store is not enabled; broken: Kafka or the store can't be read"
        ),
    ]
    text: Annotated[str, Field(description="what to do about it, in a sentence")]
    records: Annotated[int | None, Field(description="offsets that its topic holds")]
    rows: Annotated[int | None, Field(description="rows in its store")]
    newest: Annotated[Time | None, Field(description="the event time of the newest value")]
    age_seconds: float | None
    source_age_seconds: Annotated[
        float | None, Field(description="age of the newest record in its topic; null: unknown")
    ]


class FlowValue(TypedDict):
    """A value of a flow that is shown as it comes."""

    ts: Time
    name: str
    value: float
    unit: str
    host: str


class FlowWindow(TypedDict):
    """The statistics of one name over one window."""

    name: str
    window: str
    window_end: Time
    count: int
    mean: float
    stddev: float | None
    min: float
    max: float


class FlowGroup(TypedDict):
    """The statistics of one quantity over one group."""

    ts: Time
    name: str
    group: str
    unit: str
    count: int
    mean: float
    stddev: float | None
    min: float
    max: float


class FlowData(TypedDict):
    """A flow with its newest data: values, windows or groups, oldest first."""

    flow: FlowAnswer
    values: list[FlowValue]
    windows: list[FlowWindow]
    groups: list[FlowGroup]


class PartitionAnswer(TypedDict):
    """Where the log of a partition begins and ends."""

    partition: int
    begin: Count
    end: Count


class TopicAnswer(TypedDict):
    """A topic."""

    topic: str
    partitions: list[PartitionAnswer]
    unreachable: Annotated[list[int], Field(description="partitions whose leader does not answer")]
    offsets: Annotated[
        Count, Field(description="what its logs hold: records, and also markers and what was aborted")
    ]
    size: Annotated[
        Count | None,
        Field(description="bytes of keys and values, estimated from some of its records; null: not known"),
    ]
    settings: Annotated[dict[str, str], Field(description="the settings in force, by Kafka's names")]


class Base64(TypedDict):
    """Bytes that are not text, or that were asked for as bytes."""

    base64: str


class RecordAnswer(TypedDict):
    """A record as it lies in its topic."""

    partition: int
    offset: int
    time: Annotated[Time, Field(description="its Kafka record timestamp")]
    key: str | Base64 | None
    value: str | Base64 | None
    headers: dict[str, str | Base64 | None]
    size: Annotated[Count, Field(description="bytes of key and value")]
    cut: Annotated[bool, Field(description="whether key or value is longer than what is shown")]


class RecordsAnswer(TypedDict):
    """A page of records, the oldest first."""

    topic: TopicAnswer
    records: list[RecordAnswer]
    before: Annotated[str | None, Field(description="`before` of the page of older records; null: none")]
    after: Annotated[str | None, Field(description="`from` of the page of newer records; null: none")]
    bounded: Annotated[bool, Field(description="whether more records might match, which were not looked at")]

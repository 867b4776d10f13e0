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


class Refusal(TypedDict):
    """Why a request was refused."""

    message: str
    field: NotRequired[Annotated[str | None, Field(description="the field at fault")]]

"""The description of the API (OpenAPI 3.1), made of its answers' types, the contracts and the catalogues."""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from dashboard.answers import (
    TIME,
    ClusterAnswer,
    FlowAnswer,
    FlowData,
    PositionAnswer,
    RecordsAnswer,
    Refusal,
    Status,
    Summary,
    TopicAnswer,
)
from dashboard.events import TOPICS
from dashboard.limits_api import FIELDS as FIELDS_OF_LIMITS
from dashboard.requests import CSRF_HEADER
from kafka_topic.contracts import SIDES, Limits, MovingAverage, Signal
from kafka_topic.signal_kinds import SIGNAL_KINDS
from kafka_topic.statistics import FIELDS

Json = dict[str, Any]
_REF = "#/components/schemas/{model}"
_DESCRIPTION = (
    "The data of the live page, for programs. Behind a front door such as DC/OS' Admin Router, all paths "
    "begin with /service/<name>, and the front door requires its own token. Fields may be added, but are "
    f"never renamed. A request that changes data needs the header {CSRF_HEADER} with any value, which a page "
    "of another origin cannot send."
)
_MEANINGS = {
    "MovingAverage": {
        "window": "its length, such as 10s or 1m",
        "stddev": "sample standard deviation; null if count < 2",
        "cv": "in percent; null without a stddev, or if the mean is 0",
    },
    "Signal": {"price": "the last price at that time", "reason": "one sentence"},
    "Limits": {
        "buy": "lower limit; less than sell if both are set",
        "sell": "upper limit",
        "probability": "at which a limit counts as likely; null, here and below: the bundle's setting",
        "regime_high": "cv in percent",
        "regime_low": "cv in percent, below regime_high",
    },
}


class _Schemas(GenerateJsonSchema):
    """Schemas as the records are: times in our form, no titles."""

    def datetime_schema(self, schema: Any) -> Json:
        return {**TIME}

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


@cache
def document() -> Json:
    """The whole description."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Volatility dashboard", "version": "1", "description": _DESCRIPTION},
        "servers": [{"url": ".."}],
        "paths": _paths(),
        "components": {"schemas": _schemas()},
    }


def _schemas() -> Json:
    adapters: list[tuple[str, Any, TypeAdapter[Any]]] = [
        (each.__name__, "validation", TypeAdapter(each))
        for each in (
            *(Status, Summary, ClusterAnswer, PositionAnswer, Refusal, MovingAverage, Signal, Limits),
            *(FlowAnswer, FlowData, TopicAnswer, RecordsAnswer),
        )
    ]
    _, described = TypeAdapter.json_schemas(adapters, ref_template=_REF, schema_generator=_Schemas)
    schemas: Json = described["$defs"]
    schemas["PositionAnswer"]["properties"]["last_signal"] = {"anyOf": [_schema("Signal"), {"type": "null"}]}
    average = schemas["MovingAverage"]
    del average["properties"]["values"]
    average["properties"]["window"] = {"type": "string"}
    average["required"] = list(average["properties"])
    for field in FIELDS.values():
        average["properties"][field.name] = {
            "type": ["number", "null"],
            "description": f"{field.meaning}; unit: {field.unit}",
        }
    schemas["Signal"]["properties"] |= {
        "kind": {"enum": [*SIGNAL_KINDS]},
        "event": {"enum": [event.name for kind in SIGNAL_KINDS.values() for event in kind.events]},
        "side": {"enum": [*SIDES, None]},
    }
    for model, meanings in _MEANINGS.items():
        # The rest of a contract's docstring is about Python.
        schemas[model]["description"] = schemas[model]["description"].partition("\n")[0]
        for name, meaning in meanings.items():
            schemas[model]["properties"][name]["description"] = meaning
    schemas["LimitChange"] = {
        "type": "object",
        "required": ["symbols"],
        "properties": {
            "symbols": {"type": "array", "items": {"type": "string"}, "minItems": 1},
            **{name: _without_default(schemas["Limits"]["properties"][name]) for name in FIELDS_OF_LIMITS},
        },
        "additionalProperties": False,
    }
    return schemas


def _without_default(schema: Json) -> Json:
    """A field that a change leaves out stays as it is; in a record it is null."""
    return {name: value for name, value in schema.items() if name != "default"}


def _paths() -> Json:
    position = _parameter("position", "only these; all positions without it", several=True)
    since = _parameter("since", "only later records; UTC where it names no zone", "2026-11-22 01:02:03.004")
    csrf = {
        "name": CSRF_HEADER,
        "in": "header",
        "required": True,
        "schema": {"type": "string"},
        "example": "curl",
    }
    limits = _answer("the limits that are set", limits=_list("Limits"))
    cleared = _answer("the positions that had limits", cleared=_list())
    body = {
        "required": True,
        "content": {
            "application/json": {
                "schema": _schema("LimitChange"),
                "example": {"symbols": ["AAPL"], "buy": 95, "sell": 110},
            }
        },
    }
    return {
        "/api/status": _get(
            "The state of every component and position, and dead letters by reason; Kafka and Flink are "
            "queried at most every 2 s",
            _content("the pipeline", _schema("Status")),
        ),
        "/api/summary": _get(
            "How the bundle is, in short. Pages of the clusters in /api/clusters may read it too, if their "
            "viewer is signed in here",
            _content("the summary", _schema("Summary")),
        ),
        "/api/clusters": _get(
            "The clusters whose pages this page offers",
            _answer(
                "the clusters",
                name={"type": "string", "description": "this one"},
                clusters=_list("ClusterAnswer"),
            ),
        ),
        "/api/positions": _get(
            "Every position with its newest price, window and signal",
            _answer("the positions", positions=_list("PositionAnswer")),
        ),
        "/api/movingaverage": _get(
            "The windows of one length of a position, oldest first, at most 5000",
            _answer("the windows", records=_list("MovingAverage")),
            [
                {**_parameter("position", "the position", "AAPL"), "required": True},
                _parameter("window", "its length; default: the shortest", "1m"),
                since,
            ],
            refusals=(400, 404),
        ),
        "/api/signals": _get(
            "The signals in order of arrival, at most 5000",
            _answer("the signals", signals=_list("Signal")),
            [position, since],
            refusals=(400, 404),
        ),
        "/api/limits": {
            **_get("The limits of positions, read from Kafka", limits, [position], refusals=(409, 503)),
            "post": {
                **_operation(
                    "Set fields of some positions' limits; null clears a field, other fields stay",
                    limits,
                    [csrf],
                    refusals=(400, 403, 404, 409, 415, 503),
                ),
                "requestBody": body,
            },
            "delete": _operation(
                "Clear the limits of some positions",
                cleared,
                [
                    csrf,
                    position,
                    _parameter("all", "true, without a position: clear the limits of all positions"),
                ],
                refusals=(400, 403, 503),
            ),
        },
        **_flow_paths(),
        **_topic_paths(),
        "/api/stream": _get(
            "Records as they are committed, as server-sent events whose type is the topic; with "
            "Last-Event-ID, the stream continues after that event",
            {
                "description": "an endless stream",
                "content": {"text/event-stream": {"schema": {"type": "string"}}},
            },
            [
                {
                    **_parameter("topic", "default: movingaverage"),
                    "schema": {"type": "array", "items": {"enum": [*TOPICS]}},
                },
                _parameter("window", "lengths of movingaverage; default: the shortest", several=True),
                position,
                {
                    **_parameter(
                        "start", "beginning: records in memory come first; default: only new records"
                    ),
                    "schema": {"enum": ["beginning"]},
                },
            ],
            refusals=(404,),
        ),
    }


def _flow_paths() -> Json:
    flow = {**_parameter("flow", "its name", "spark-streaming/disk/monitoring"), "required": True}
    return {
        "/api/flows": _get("Every flow and how it is", _answer("the flows", flows=_list("FlowAnswer"))),
        "/api/flows/data": _get(
            "A flow with its newest data: values as they came, windows of the last 15 minutes that there "
            "are, or groups of the last run; at most 5000",
            _content("the flow", _schema("FlowData")),
            [flow],
            refusals=(404,),
        ),
    }


def _topic_paths() -> Json:
    return {
        "/api/topics": _get(
            "Every topic but Kafka's own", _answer("the topics", topics=_list("TopicAnswer")), refusals=(503,)
        ),
        "/api/topics/records": _get(
            "A page of committed records: the last ones, or those from an offset or a time on. A page that "
            "filters by key or text looks at no more than 100,000 records of each partition",
            _content("the page", _schema("RecordsAnswer")),
            [
                {**_parameter("topic", "the topic", "prices"), "required": True},
                _parameter("partition", "only this one; all without it", "0"),
                _parameter("offset", "begin here", "4990"),
                _parameter("time", "begin at this Kafka record timestamp", "2026-11-22 01:02:03.004"),
                _parameter("from", "begin where another page says `after`", "0:120,1:88"),
                _parameter("before", "end where another page says `before`", "0:100,1:70"),
                _parameter("key", "only records with this key", "AAPL"),
                _parameter("text", "only records whose key or value holds this text", "238.32"),
                _parameter("count", "how many records, at most 100; 20 without it", "20"),
                _parameter("bytes", "true: keys and values as base64"),
            ],
            refusals=(400, 404, 503),
        ),
    }


def _get(
    summary: str, answer: Json, parameters: list[Json] | None = None, refusals: tuple[int, ...] = ()
) -> Json:
    return {"get": _operation(summary, answer, parameters or [], refusals)}


def _operation(summary: str, answer: Json, parameters: list[Json], refusals: tuple[int, ...]) -> Json:
    refused = _content("why the request was refused", _schema("Refusal"))
    return {
        "summary": summary,
        "parameters": parameters,
        "responses": {"200": answer, **{str(status): refused for status in refusals}},
    }


def _parameter(name: str, meaning: str, example: str | None = None, *, several: bool = False) -> Json:
    one = {"type": "string"}
    schema: Json = {"type": "array", "items": one} if several else one
    parameter: Json = {"name": name, "in": "query", "description": meaning, "schema": schema}
    return parameter if example is None else {**parameter, "example": example}


def _answer(description: str, **properties: Json) -> Json:
    return _content(description, {"type": "object", "required": [*properties], "properties": properties})


def _content(description: str, schema: Json) -> Json:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _list(model: str | None = None) -> Json:
    return {"type": "array", "items": _schema(model) if model else {"type": "string"}}


def _schema(model: str) -> Json:
    return {"$ref": _REF.format(model=model)}

"""The flows: what comes from where, how it is processed, where results stay, and how the page shows them.

A flow is one line: `source -> topic -> processing -> store -> display`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, PlainSerializer

from marathon import validators
from marathon.messages import did_you_mean
from marathon.section import Section

STAGES = ("source", "topic", "processing", "store", "display")
ARROW = "->"
NONE = "none"
TOPICS = {
    "prices": "prices",
    "random-numbers": "random-numbers",
    "system": "monitoring",
    "census": "census",
    "replay": "replay",
}
"""Where each source writes."""
PROCESSING = (NONE, "spark", "spark-streaming")
STORES = (NONE, "disk", "cassandra", "hdfs")
DISPLAYS = ("lines", "histogram", "bands", "bars")
_CHOICES = {"source": tuple(TOPICS), "processing": PROCESSING, "store": STORES, "display": DISPLAYS}
_SHOWN_BY = {NONE: ("lines", "histogram"), "spark": ("bars",), "spark-streaming": ("bands",)}
"""The displays of what each processing yields."""
_PARTS = {"spark": "spark", "spark-streaming": "spark", "cassandra": "cassandra", "hdfs": "hdfs"}
"""The optional part behind a processing or a store."""
_SOURCE_APPS = {"system": "source-system", "random-numbers": "source-random-numbers"}
"""The apps of sources; the others are jobs."""
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]*(?:/[a-z0-9][a-z0-9-]*){1,3}")
_EXAMPLE = "system -> monitoring -> none -> none -> lines"


class Flow(Section):
    """One flow. `none`: without that stage."""

    source: str
    topic: str
    processing: str
    store: str
    display: str

    @property
    def parts(self) -> list[str]:
        """The optional parts that it depends on besides the page."""
        return [_PARTS[stage] for stage in (self.processing, self.store) if stage in _PARTS]

    @property
    def line(self) -> str:
        """The flow as it is written."""
        return f" {ARROW} ".join(getattr(self, stage) for stage in STAGES)


def apps_of(source: str, processing: str | None, store: str | None) -> dict[str, str | None]:
    """The apps that run a flow's source and processing, by stage; None for a job, and where nothing runs."""
    streaming = processing == "spark-streaming"
    return {"source": _SOURCE_APPS.get(source), "processing": f"stream-to-{store}" if streaming else None}


def _flow_of(value: object) -> object:
    """A flow that is written as one line; raises InvalidValue."""
    if not isinstance(value, str):
        return value
    stages = [stage.strip() for stage in value.split(ARROW)]
    if len(stages) != len(STAGES) or not all(stages):
        raise validators.InvalidValue(
            f"{value!r} is not of the form {f' {ARROW} '.join(STAGES)}", f'write, for example, "{_EXAMPLE}"'
        )
    flow = dict(zip(STAGES, stages, strict=True))
    for stage, choices in _CHOICES.items():
        if flow[stage] not in choices:
            raise validators.InvalidValue(
                f"the {stage} must be one of {', '.join(choices)}, got {flow[stage]!r}",
                did_you_mean(flow[stage], list(choices)),
            )
    for message, hint in _contradictions(**flow):
        raise validators.InvalidValue(message, hint)
    return flow


def _contradictions(
    source: str, topic: str, processing: str, store: str, display: str
) -> Iterator[tuple[str, str]]:
    if topic != (own := TOPICS[source]):
        yield f"the source {source} writes to the topic {own}, not to {topic}", f"write {own}"
    if (processing == NONE) != (store == NONE):
        yield (
            "results are stored only where something is processed, and what is processed needs a store",
            "name both or write none for both",
        )
    if display not in _SHOWN_BY[processing]:
        fitting = " or ".join(_SHOWN_BY[processing])
        results = "records" if processing == NONE else f"the results of {processing}"
        yield f"{display} does not show {results}", f"write {fitting}"
    if source == "replay" and processing == "spark-streaming":
        yield (
            "spark-streaming does not read the topic replay",
            "write none -> none -> lines; the gatherer processes them by gatherer.inputs",
        )
    if (source == "census") != (processing == "spark"):
        yield "the census is a static data set, which only spark processes, and spark nothing else", ""


def _check_name(name: str) -> str:
    """The name of a flow, which is its path on the page."""
    if not _NAME.fullmatch(name) or name.partition("/")[0] == "api":
        raise validators.InvalidValue(
            f"{name!r} is not the name of a flow: it becomes a path of the page, so write two to four words "
            "of lower-case letters, digits and '-' with slashes between them, and do not start with api/",
            "write, for example, socket.io/monitoring",
        )
    return name


def _line_of(flow: Flow | None) -> str | None:
    return None if flow is None else flow.line


FlowName = Annotated[str, AfterValidator(_check_name)]
FlowLine = Annotated[Flow | None, BeforeValidator(_flow_of), PlainSerializer(_line_of, when_used="json")]
Flows = dict[FlowName, FlowLine]


def streams_to(store: str, flows: Flows) -> bool:
    """Whether a flow needs the app that streams into this store."""
    return any(
        flow is not None and (flow.processing, flow.store) == ("spark-streaming", store)
        for flow in flows.values()
    )


def flow_list(flows: Flows) -> list[dict[str, Any]]:
    """The flows for the page's environment, with the parts that each depends on."""
    return [
        {"name": name, **flow.model_dump(), "parts": flow.parts}
        for name, flow in flows.items()
        if flow is not None
    ]

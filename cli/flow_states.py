"""The state of each flow, stage by stage.

The page knows the data of a flow, and the components know what feeds and processes it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from cli.dashboard_api import DashboardApi
from cli.endpoints import page_address
from cli.errors import PipectlError
from cli.session import Session
from marathon.flows import STAGES, apps_of

EMPTY = "empty"
OFF = "off"
LIVE = "live"
PAST = "past"
UNKNOWN = "unknown"
FLOW_COLUMNS = ("flow", "state", "age s", "source", "topic", "processing", "store")
Json = dict[str, Any]


def flows_of(run: Session, components: Mapping[str, str]) -> list[Json]:
    """Every flow of the running page, as `pipectl status -o json` prints it.

    components: the states of the bundle's components by name. Flows are `unknown` if the page does not
    answer.
    """
    try:
        answers = _answers(run)
    except PipectlError as error:
        return unknown_flows(run, components, error.message)
    return [_flow(answer, components) for answer in answers]


def unknown_flows(run: Session, components: Mapping[str, str], reason: str) -> list[Json]:
    """The flows of the settings, none of whose data is known."""
    nothing = dict.fromkeys(("records", "rows", "newest", "age_seconds", "source_age_seconds"))
    return [
        _flow(
            {
                **{stage: None if value == "none" else value for stage, value in flow.model_dump().items()},
                **nothing,
                "name": name,
                "state": UNKNOWN,
                "text": reason,
            },
            components,
        )
        for name, flow in run.settings.flows.items()
        if flow is not None
    ]


def flow_rows(flows: Collection[Json]) -> Iterator[tuple[str, ...]]:
    """The rows of a table with the columns FLOW_COLUMNS."""
    for flow in flows:
        source, topic, processing, store = (flow[stage] for stage in STAGES[:4])
        yield (
            flow["name"],
            flow["state"],
            "-" if flow["age_seconds"] is None else str(flow["age_seconds"]),
            _cell(source, source["state"], _plus(source["age_seconds"], " s old")),
            _cell(topic, _plus(topic and topic["records"], " records")),
            _cell(processing, processing and processing["state"]),
            _cell(store, _plus(store and store["rows"], " rows")),
        )


def _answers(run: Session) -> list[Json]:
    api = DashboardApi(page_address(run), run.engine.credentials())
    answer = api.get("flows")
    try:
        flows: list[Json] = answer["flows"]
        # A page of another version has other fields.
        if all("source_age_seconds" in flow for flow in flows):
            return flows
    except (KeyError, TypeError):
        pass
    raise PipectlError("dashboard version mismatch: `pipectl deploy` updates it")


def _flow(answer: Json, components: Mapping[str, str]) -> Json:
    names = {stage: answer[stage] for stage in STAGES}
    apps = apps_of(names["source"], names["processing"], names["store"])
    states = {stage: components.get(app or "", "job") for stage, app in apps.items()}

    def stage(name: str, **more: Any) -> Json | None:
        return None if names[name] is None else {"name": names[name], **more}

    # Where nobody has started the source, missing data is no fault.
    expected = apps["source"] in components and answer["state"] != OFF
    return {
        "name": answer["name"],
        "state": answer["state"],
        "healthy": answer["state"] == LIVE if expected else answer["state"] not in ("broken", UNKNOWN),
        "source": stage("source", state=states["source"], age_seconds=answer["source_age_seconds"]),
        "topic": stage("topic", records=answer["records"]),
        "processing": stage("processing", state=states["processing"]),
        "store": stage("store", rows=answer["rows"]),
        "newest": answer["newest"],
        "age_seconds": answer["age_seconds"],
        "text": answer["text"],
    }


def _cell(stage: Json | None, *more: str | None) -> str:
    """A stage with what is known of it: `monitoring (1,200 records)`."""
    if stage is None:
        return "-"
    known = ", ".join(filter(None, more))
    return f"{stage['name']} ({known})" if known else str(stage["name"])


def _plus(value: float | None, unit: str) -> str | None:
    return None if value is None else f"{value:,}{unit}"

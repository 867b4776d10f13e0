"""The states of flows in `status` and after a deploy, as a page answers them."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from cli.commands.status import _show_flows
from cli.engine.memory import MemoryEngine
from cli.engine.protocol import Manifest
from cli.errors import WaitTimeout
from cli.flow_states import flows_of
from cli.flow_waiting import fed_by, wait_for_flows
from cli.session import Session
from tests.cli.test_dashboard_api import serving

MONITORING = "spark-streaming/disk/monitoring"
CENSUS = "spark/disk/census-data"
FED = {"source-system": "healthy", "stream-to-disk": "deploying"}


def answer(name: str, source: str, state: str, **more: Any) -> dict[str, Any]:
    """A flow as the page describes it."""
    processing = "spark" if source == "census" else "spark-streaming"
    return {
        "name": name,
        "source": source,
        "topic": source,
        "processing": processing,
        "store": "disk",
        "display": "bars",
        "state": state,
        "text": "",
        "records": 1200,
        "rows": 34,
        "newest": None,
        "age_seconds": None,
        "source_age_seconds": None,
        **more,
    }


class Page:
    """The flows that the page answers with; after `later` questions, they are all live."""

    def __init__(self, run: Session) -> None:
        self.run, self.flows, self.later = run, [answer(MONITORING, "system", "live")], 10**9
        self.asked = 0

    def answer(self, handler: Any) -> None:
        self.asked += 1
        changed = {"state": "live"} if self.asked > self.later else {}
        body = json.dumps({"flows": [{**flow, **changed} for flow in self.flows]}).encode()
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def states(self, components: dict[str, str]) -> dict[str, tuple[str, bool]]:
        return {each["name"]: (each["state"], each["healthy"]) for each in flows_of(self.run, components)}


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Iterator[Page]:
    overrides = ("kafka.bootstrap_servers='127.0.0.1:1'", "stores.disk=/mnt/results")
    run = Session("prod", (), overrides, verbose=False, with_parts=frozenset({"spark"}))
    engine = MemoryEngine()
    run.__dict__["engine"] = engine
    engine.create(Manifest.of(run.bundle.apps["dashboard"]))
    page = Page(run)
    with serving(page.answer) as (address, _):
        monkeypatch.setattr(engine, "service_page", lambda _: address)
        yield page


def test_a_flow_must_be_live_only_if_an_app_feeds_it(page: Page) -> None:
    expected = {"live": True, "past": False, "empty": False, "broken": False, "off": True}
    for state, healthy in expected.items():
        page.flows = [answer(MONITORING, "system", state), answer(CENSUS, "census", state)]
        assert page.states(FED) == {MONITORING: (state, healthy), CENSUS: (state, state != "broken")}
        assert page.states({}) == {MONITORING: (state, state != "broken"), CENSUS: (state, state != "broken")}


def test_every_stage_is_shown_with_what_is_known_of_it(
    page: Page, capsys: pytest.CaptureFixture[str]
) -> None:
    page.flows = [
        answer(MONITORING, "system", "live", age_seconds=12.5, source_age_seconds=0.4),
        answer(CENSUS, "census", "broken", records=None, rows=None, text="disk:/x: it is cut off"),
        *(answer(f"a/flow-{n}", "system", "off", text="Needs the part mysql.") for n in range(3)),
    ]
    flows = flows_of(page.run, FED)
    assert flows[0] == {
        "name": MONITORING,
        "state": "live",
        "healthy": True,
        "source": {"name": "system", "state": "healthy", "age_seconds": 0.4},
        "topic": {"name": "system", "records": 1200},
        "processing": {"name": "spark-streaming", "state": "deploying"},
        "store": {"name": "disk", "rows": 34},
        "newest": None,
        "age_seconds": 12.5,
        "text": "",
    }
    _show_flows(flows)
    header, first, second, *reasons = (
        re.split(r"\t|  +", line.strip()) for line in capsys.readouterr().out.splitlines()
    )
    assert header == ["flow", "state", "age s", "source", "topic", "processing", "store"]
    assert first == [
        *(MONITORING, "live", "12.5", "system (healthy, 0.4 s old)", "system (1,200 records)"),
        *("spark-streaming (deploying)", "disk (34 rows)"),
    ]
    assert second == [CENSUS, "broken", "-", "census (job)", "census", "spark (job)", "disk"]
    assert reasons[:2] == [[f"{CENSUS}: disk:/x: it is cut off"], ["3 flows: Needs the part mysql."]]


def test_without_the_page_nothing_is_known_and_the_flows_count_as_unhealthy(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page.run.engine, "service_page", lambda _: "http://127.0.0.1:1/")
    found = page.states({})
    assert MONITORING in found and set(found.values()) == {("unknown", False)}


def test_a_page_of_another_version_is_named(page: Page) -> None:
    del page.flows[0]["source_age_seconds"]
    found = flows_of(page.run, {})
    assert {each["text"] for each in found} == {"dashboard version mismatch: `pipectl deploy` updates it"}


def test_a_deploy_waits_for_the_flows_that_its_apps_feed(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.flow_waiting.PAUSE_SECONDS", 0.0)
    page.flows = [answer(MONITORING, "system", "empty"), answer(CENSUS, "census", "live")]
    page.later = 3
    said: list[str] = []
    assert wait_for_flows(page.run, timeout=timedelta(seconds=60), report=said.append) == 1
    assert page.asked == 4 and said[0] == "waiting for results, 0/1 flows"
    assert MONITORING in fed_by(page.run, page.run.bundle.apps) and fed_by(page.run, ["kafka"]) == []


def test_a_deploy_names_the_flows_that_stay_without_results(page: Page) -> None:
    page.flows = [answer(MONITORING, "system", "empty", text="Nothing has come yet.")]
    with pytest.raises(WaitTimeout) as error:
        wait_for_flows(page.run, timeout=timedelta(0), report=lambda _: None)
    assert str(error.value).endswith(f"fresh results of {MONITORING}: Nothing has come yet.")

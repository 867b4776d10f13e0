"""The states of flows in `status` and after a deploy, as a page answers them."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from cli.census_jobs import JOBS
from cli.commands.deploy import _verify_flows
from cli.commands.status import _show_flows
from cli.engine.memory import MemoryEngine
from cli.engine.protocol import JobRun, Manifest
from cli.errors import Interrupted, StepFailed, WaitTimeout
from cli.flow_states import flows_of
from cli.flow_waiting import expected_states, wait_for_flows
from cli.progress import Progress
from cli.session import Session
from tests.cli.test_dashboard_api import serving

MONITORING = "spark-streaming/disk/monitoring"
CENSUS = "spark/disk/census-data"
STREAMS = [
    f"{way}/{source}"
    for way in ("socket.io", "spark-streaming/disk", "spark-streaming/cassandra")
    for source in ("monitoring", "random-numbers")
]
"""The flows whose sources are apps."""
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
    """The flows that the page answers with.

    After `later` questions, those that apps feed are live. After a run of the job, those of the census have
    data.
    """

    def __init__(self, run: Session, engine: MemoryEngine) -> None:
        self.run, self.engine = run, engine
        self.flows, self.later = [answer(MONITORING, "system", "live")], 10**9
        self.asked = 0

    def _now(self, flow: dict[str, Any]) -> dict[str, Any]:
        if flow["source"] == "census" and flow["state"] == "empty" and self.runs["census-statistics"]:
            return {**flow, "state": "past"}
        return {**flow, "state": "live"} if flow["source"] != "census" and self.asked > self.later else flow

    @property
    def runs(self) -> dict[str, int]:
        """How often the jobs of the census ran."""
        return {name: len(self.engine.jobs.started.get(f"volatility.{name}", ())) for name in JOBS}

    def answer(self, handler: Any) -> None:
        self.asked += 1
        body = json.dumps({"flows": list(map(self._now, self.flows))}).encode()
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
    engine.packages.install("kafka", None, "kafka", {})
    engine.create(Manifest.of(run.bundle.apps["dashboard"]))
    page = Page(run, engine)
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


def wait(page: Page, seconds: float = 60.0) -> list[str]:
    """What a deploy reports while it waits for the flows."""
    said: list[str] = []
    wait_for_flows(page.run, timeout=timedelta(seconds=seconds), report=said.append)
    return said


def test_a_deploy_waits_for_the_flows_that_its_apps_feed(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.flow_waiting.PAUSE_SECONDS", 0.0)
    page.flows = [answer(MONITORING, "system", "empty"), answer(CENSUS, "census", "past")]
    page.later = 3
    said = wait(page)
    assert page.asked == 4
    assert (said[0], said[-1]) == ("waiting for results, 1/2 flows", "waiting for results, 2/2 flows")


def test_a_deploy_names_the_flows_that_stay_without_results(page: Page) -> None:
    page.flows = [answer(MONITORING, "system", "empty", text="Nothing has come yet.")]
    with pytest.raises(WaitTimeout) as error:
        wait(page, 0)
    assert str(error.value).endswith(f"fresh results of {MONITORING}: Nothing has come yet.")


def test_a_deploy_fills_the_flows_of_the_census_once(page: Page) -> None:
    page.flows = [
        answer(MONITORING, "system", "live"),
        answer(CENSUS, "census", "past"),
        answer("spark/cassandra/census-data", "census", "off"),
    ]
    assert wait(page) == ["waiting for results, 2/2 flows"]
    assert page.runs == {"census": 0, "census-statistics": 0}
    page.flows[1] = answer(CENSUS, "census", "empty")
    assert wait(page) == [
        "creating topic census",
        "started run run-0 of census",
        "started run run-0 of census-statistics",
        "waiting for results, 2/2 flows",
    ]
    assert "census" in page.engine.kafka.topics("kafka")
    _verify_flows(page.run, Progress())
    assert page.runs == {"census": 1, "census-statistics": 1}


def test_a_deploy_waits_until_the_page_can_say_whether_the_census_has_data(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, empty = (answer(CENSUS, "census", state) for state in ("broken", "empty"))
    monkeypatch.setattr("cli.flow_waiting.PAUSE_SECONDS", 0.0)
    page.flows = [broken]
    said: list[str] = []

    def report(text: str) -> None:
        said.append(text)
        page.flows = [empty]

    assert wait_for_flows(page.run, timeout=timedelta(minutes=1), report=report) == 1
    assert said[0] == "waiting for results, 0/1 flows"
    assert page.runs == {"census": 1, "census-statistics": 1}
    page.flows = [broken]
    with pytest.raises(WaitTimeout, match=f"fresh results of {CENSUS}"):
        wait(page, 0)


def test_a_job_of_the_census_that_fails_ends_the_deploy(page: Page) -> None:
    page.engine.jobs.outcomes["volatility.census"] = (1, "", "reading\nno broker\n")
    page.flows = [answer(CENSUS, "census", "empty")]
    with pytest.raises(StepFailed, match=r"the job census failed: no broker$") as error:
        wait(page)
    assert error.value.hint == "`pipectl run census` runs it again and shows its output"
    assert page.runs == {"census": 1, "census-statistics": 0}


def test_an_interrupted_deploy_leaves_the_run_that_the_next_one_follows(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    page.flows = [answer(CENSUS, "census", "empty")]
    start, state, jobs = page.engine.jobs.start, page.engine.jobs.state, page.engine.jobs

    def starts(job_id: str) -> JobRun:
        """Starts a run that stays active."""
        jobs.started[job_id].append(active := replace(start(job_id), ended_at=None, succeeded=None))
        jobs.started[job_id].pop(0)
        return active

    def interrupts(_: JobRun) -> JobRun:
        raise KeyboardInterrupt

    monkeypatch.setattr(jobs, "start", starts)
    monkeypatch.setattr(jobs, "state", interrupts)
    with pytest.raises(Interrupted) as error:
        _verify_flows(page.run, Progress())
    assert error.value.hint == "running components and jobs stay; run `pipectl deploy` again to continue"

    def ends(run: JobRun) -> JobRun:
        jobs.started[run.job_id] = [replace(run, ended_at=run.started_at, succeeded=True)]
        return state(run)

    monkeypatch.setattr(jobs, "start", start)
    monkeypatch.setattr(jobs, "state", ends)
    assert wait(page)[:2] == [
        "run run-0 is active: following it",
        "started run run-0 of census-statistics",
    ]
    assert page.runs == {"census": 1, "census-statistics": 1}


def test_a_job_that_does_not_end_ends_the_deploy(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.census_jobs.TIMEOUT", timedelta(0))
    monkeypatch.setattr(page.engine.jobs, "state", lambda run: replace(run, ended_at=None))
    page.flows = [answer(CENSUS, "census", "empty")]
    with pytest.raises(WaitTimeout, match="for the job census to end") as error:
        wait(page)
    assert error.value.hint == "`pipectl run census` follows it"


def test_a_deploy_expects_data_of_what_it_feeds_and_fills(page: Page) -> None:
    streams = dict.fromkeys(STREAMS, "live")
    assert expected_states(page.run) == {**streams, CENSUS: "past"}
    both = replace(page.run, with_parts=frozenset({"spark", "cassandra"}))
    assert expected_states(both)["spark/cassandra/census-data"] == "past"
    assert expected_states(replace(page.run, with_parts=frozenset())) == {}
    without = replace(page.run, overrides=(*page.run.overrides, f"flows.{CENSUS}=null"))
    assert expected_states(without) == streams

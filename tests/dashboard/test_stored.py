"""What flows have left in a real store on disk, and what the page says about flows."""

import asyncio
import json
from typing import cast

import pytest

from dashboard.flows import read_addresses, read_flows
from dashboard.stored import StoredFlows
from stores.base import Store
from stores.errors import StoreError, UnreachableError
from stores.tables import GROUPS, STATISTICS, Flow
from tests.dashboard import flows


def test_the_state_and_the_last_rows_of_a_flow(tmp_path):
    rows = flows.store_windows(f"disk:{tmp_path}", "monitoring-statistics", 120, ago=9000)
    stored, flow = StoredFlows({"disk": f"disk:{tmp_path}"}), Flow("monitoring-statistics", STATISTICS)
    state = asyncio.run(stored.state("disk", flow))
    assert (state.rows, state.newest, state.problem) == (240, rows[-1]["window_end"], None)
    # Of the last 15 minutes that there are, however long ago that was.
    found = asyncio.run(stored.rows("disk", flow))
    assert [row["window_end"] for row in found] == [row["window_end"] for row in rows[-2 * 91 :]]
    nothing = asyncio.run(stored.state("disk", Flow("census", GROUPS)))
    assert (nothing.rows, nothing.newest) == (0, None)


def test_of_groups_the_last_run_counts(tmp_path):
    groups = flows.store_groups(f"disk:{tmp_path}", "census")
    stored = StoredFlows({"disk": f"disk:{tmp_path}"})
    found = asyncio.run(stored.rows("disk", Flow("census", GROUPS)))
    assert {row["group"] for row in found} == {row["group"] for row in groups}


def test_a_store_is_asked_rarely_however_many_viewers_there_are(tmp_path):
    flow = Flow("monitoring-statistics", STATISTICS)
    flows.store_windows(f"disk:{tmp_path}", flow.name, 3)
    stored = StoredFlows({"disk": f"disk:{tmp_path}"})

    async def ask() -> list[int]:
        before = await stored.rows("disk", flow)
        (file,) = tmp_path.glob("flow=*/day=*/*.parquet")
        file.unlink()
        return [len(before), *[len(await stored.rows("disk", flow)) for _ in range(50)]]

    assert asyncio.run(ask()) == [6] * 51


def test_a_store_that_is_away_is_asked_rarely_too():
    stored, flow, asked = StoredFlows({"disk": "disk:/nowhere"}), Flow("census", GROUPS), []

    class Away:
        def newest(self, flow: Flow) -> None:
            asked.append(flow)
            raise UnreachableError("away")

    stored._open["disk"] = cast(Store, Away())

    async def ask() -> set[str | None]:
        return {(await stored.state("disk", flow)).problem for _ in range(50)}

    assert asyncio.run(ask()) == {"away"}
    assert asked == [flow]


def test_a_store_is_counted_rarely_if_that_takes_long(tmp_path, monkeypatch):
    flow = Flow("monitoring-statistics", STATISTICS)
    flows.store_windows(f"disk:{tmp_path}", flow.name, 3)
    monkeypatch.setattr("dashboard.stored.ROWS_SECONDS", 0)
    monkeypatch.setattr("dashboard.stored.PAUSE_PER_COUNT", 1e9)
    stored = StoredFlows({"disk": f"disk:{tmp_path}"})

    async def counts() -> list[int | None]:
        before = (await stored.state("disk", flow)).rows
        (file,) = tmp_path.glob(f"flow={flow.name}/day=*/*.parquet")
        file.unlink()
        return [before, (await stored.state("disk", flow)).rows]

    assert asyncio.run(counts()) == [6, 6]


def test_what_is_wrong_with_a_store_is_the_state_of_its_flows(tmp_path):
    stored, flow = StoredFlows({"disk": "tape:1"}), Flow("census", GROUPS)
    assert "tape" in (asyncio.run(stored.state("disk", flow)).problem or "")
    with pytest.raises(StoreError):
        asyncio.run(stored.rows("disk", flow))


def test_each_flow_of_the_bundle_says_what_it_accomplishes(tmp_path):
    found = {flow.name: flow for flow in read_flows(flows.environment({})["FLOWS"])}
    assert len(found) == 8
    assert len({flow.about for flow in found.values()}) == 8
    stream = found["spark-streaming/cassandra/monitoring"]
    assert stream.results == ("cassandra", Flow("monitoring-statistics", STATISTICS))
    assert stream.missing({"dashboard"}) == ["spark", "cassandra"]
    assert found["spark/disk/census-data"].results == ("disk", Flow("census", GROUPS))
    assert found["socket.io/monitoring"].results is None


@pytest.mark.parametrize(
    ("text", "word"),
    [("{}", "a list of flows"), ('[{"name": "a/b"}]', "a flow must have a source"), ("[", "Expecting value")],
)
def test_flows_that_cannot_be_read(text, word):
    with pytest.raises(ValueError, match=word):
        read_flows(text)
    with pytest.raises(ValueError, match="addresses by store"):
        read_addresses(json.dumps([1]))

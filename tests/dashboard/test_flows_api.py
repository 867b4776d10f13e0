"""/api/flows on a real broker and a real store: what each flow is, how it is, and its data."""

from datetime import UTC, datetime

import jsonschema
import pytest

from dashboard.openapi import document
from kafka_topic.connection import open_producer
from kafka_topic.contracts import Price, format_time
from tests.dashboard import flows
from tests.dashboard.conftest import wait_for

pytestmark = pytest.mark.slow
DISK = "spark-streaming/disk/monitoring"
CENSUS = "spark/disk/census-data"
LIVE = "socket.io/monitoring"


@pytest.fixture
def flow_app(kafka, feeder, make_app, store):
    kafka.create(f"{feeder.prefix}monitoring")
    return make_app(feeder.prefix, **flows.environment({"disk": f"disk:{store}"}, "dashboard", "spark"))


def fits(answer, model):
    jsonschema.validate(
        answer, {"$ref": f"#/components/schemas/{model}", "components": document()["components"]}
    )


def test_every_flow_says_how_it_is_and_what_to_do(feeder, flow_app, store):
    flows.measure(feeder.servers, f"{feeder.prefix}monitoring", 20)
    rows = flows.store_windows(f"disk:{store}", "monitoring-statistics", 30, ago=7200)
    flows.store_groups(f"disk:{store}", "census")
    assert wait_for(lambda: flows.state_of(flow_app, LIVE)["state"] == "live")
    found = {one["name"]: one for one in flow_app.get("/api/flows")[1]["flows"]}
    assert len(found) == 8
    for one in found.values():
        fits(one, "FlowAnswer")
    assert found[LIVE]["records"] == 60
    assert found[LIVE]["age_seconds"] < 60 and found[LIVE]["topic"] == f"{feeder.prefix}monitoring"
    assert found["socket.io/random-numbers"]["state"] == "empty"
    assert "pipectl run random-numbers" in found["socket.io/random-numbers"]["text"]
    stored = found[DISK]
    assert (stored["state"], stored["rows"]) == ("past", len(rows))
    assert 7199 < stored["age_seconds"] < 7300 and "last run" in stored["text"]
    assert (found[CENSUS]["state"], found[CENSUS]["rows"], found[CENSUS]["records"]) == ("past", 3, 0)
    off = found["spark-streaming/cassandra/monitoring"]
    assert off["state"] == "off" and "pipectl deploy --with cassandra" in off["text"]


def test_the_data_of_a_flow_is_what_its_store_and_its_topic_hold(feeder, flow_app, store):
    rows = flows.store_windows(f"disk:{store}", "monitoring-statistics", 200)
    groups = flows.store_groups(f"disk:{store}", "census")
    flows.measure(feeder.servers, f"{feeder.prefix}monitoring", 5)
    status, data = flow_app.get(f"/api/flows/data?flow={DISK}")
    assert status == 200
    fits(data, "FlowData")
    # The last 15 minutes: 91 windows of 10 s, both ends included.
    assert [(one["name"], one["mean"], one["stddev"]) for one in data["windows"]] == [
        (one["name"], one["mean"], one["stddev"]) for one in rows[-2 * 91 :]
    ]
    data = flow_app.get(f"/api/flows/data?flow={CENSUS}")[1]
    fits(data, "FlowData")
    assert [one["group"] for one in data["groups"]] == sorted(one["group"] for one in groups)
    values = wait_for(lambda: flow_app.get(f"/api/flows/data?flow={LIVE}")[1]["values"])
    assert {one["name"] for one in values} == set(flows.NAMES)
    assert flow_app.get("/api/flows/data?flow=nothing")[0] == 404


def test_replayed_prices_keep_their_times(kafka, feeder, make_app, store):
    kafka.create(topic := f"{feeder.prefix}replay")
    name, then = "demo/replay", datetime(2018, 12, 31, tzinfo=UTC)
    overrides = (f"flows.{name}=replay -> replay -> none -> none -> lines",)
    app = make_app(feeder.prefix, **flows.environment({}, overrides=overrides))
    assert "`pipectl run replay`" in flows.state_of(app, name)["text"]
    producer = open_producer(feeder.servers, enable_idempotence=True)
    producer.produce(topic, Price(then, "sp500", 2506.850098).to_json(), "sp500")
    assert producer.flush(20) == 0
    (found,) = wait_for(lambda: app.get(f"/api/flows/data?flow={name}")[1]["values"])
    assert (found["ts"], found["name"], found["value"]) == (format_time(then), "sp500", 2506.850098)
    # The page counts a topic's records every few seconds.
    assert wait_for(lambda: flows.state_of(app, name)["records"] == 1)
    assert flows.state_of(app, name)["state"] == "past"


def test_an_unreadable_store_is_reported_and_read_again_once_it_recovers(flow_app, store):
    flows.store_windows(f"disk:{store}", "monitoring-statistics", 3)
    (file,) = store.glob("flow=monitoring-statistics/day=*/*.parquet")
    whole = file.read_bytes()
    file.write_bytes(whole[:100])
    broken = flows.state_of(flow_app, DISK)
    assert broken["state"] == "broken" and str(file) in broken["text"]
    file.write_bytes(whole)
    assert wait_for(lambda: flows.state_of(flow_app, DISK)["state"] == "live")


def test_each_page_is_at_its_name_and_leads_back_to_the_root(feeder, make_app, store):
    app = make_app(feeder.prefix, **flows.environment({"disk": f"disk:{store}"}), PROXY_SECRET="s" * 32)
    door = {"X-Proxy-Secret": "s" * 32}
    for name in (DISK, LIVE):
        status, page = app.get(f"/{name}", **door)
        up = "../" * name.count("/")
        assert status == 200 and f'src="{up}app.js"' in page and f'href="{up}#/flows"' in page
        assert app.get(f"/{name}")[0] == 403
    assert app.get("/socket.io/nothing", **door)[0] == 404
    assert app.get("/api/topics")[0] == 403

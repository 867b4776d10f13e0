"""The API against a real broker."""

import asyncio
import json
import re
import time
import urllib.request
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

pytestmark = pytest.mark.slow

AAPL = "/api/movingaverage?position=AAPL"


def wait_for(look, seconds=20):
    deadline = time.monotonic() + seconds
    while not (value := look()):
        assert time.monotonic() < deadline, f"nothing within {seconds} s"
        time.sleep(0.03)
    return value


def records_of(app, path=AAPL):
    status, document = app.get(path)
    assert status == 200, document
    return document["records"]


def test_windows_from_before_the_start_and_after_it_are_served_once_and_in_order(feeder, make_app):
    now = datetime.now(UTC).replace(microsecond=0)
    before = [feeder.window("AAPL", 100 + n, now - timedelta(seconds=20 - n)) for n in range(3)]
    feeder.flush()
    app = make_app(feeder.prefix)
    wait_for(lambda: len(records_of(app)) == 3)
    repeated = feeder.window("AAPL", 102, before[-1].window_end)
    after = feeder.window("AAPL", 103, now)
    feeder.window("MSFT", 1, now)
    feeder.flush()
    wait_for(lambda: len(records_of(app)) == 4)
    assert records_of(app) == [json.loads(record.to_json()) for record in [*before, after]]
    assert repeated.window_end < after.window_end
    since = before[1].window_end.isoformat().replace("+00:00", "Z")
    assert len(records_of(app, f"{AAPL}&since={since}")) == 2
    sql = before[1].to_json().decode().split('"window_end": "')[1][:23].replace(" ", "%20")
    assert len(records_of(app, f"{AAPL}&since={sql}")) == 2


def test_positions_show_the_newest_price_and_state(feeder, app):
    states = {p["symbol"]: p["state"] for p in app.get("/api/positions")[1]["positions"]}
    assert states == {"AAPL": "silent", "MSFT": "silent"}
    feeder.price("AAPL", 101.5)
    last = feeder.price("AAPL", 102.5)  # right behind the other: not sampled away, since nothing follows
    feeder.window("AAPL", 100.0)
    feeder.window("MSFT", 50.0, datetime.now(UTC) - timedelta(seconds=60))
    feeder.flush()

    def seen():
        found = {p["symbol"]: p for p in app.get("/api/positions")[1]["positions"]}
        return found if found["AAPL"]["price"] == last.price and found["MSFT"]["mean"] else None

    found = wait_for(seen)
    assert (found["AAPL"]["state"], found["MSFT"]["state"]) == ("fresh", "stale")
    assert found["AAPL"]["topic"] == f"{feeder.prefix}position.AAPL"
    assert found["MSFT"]["age_seconds"] >= 60
    assert found["MSFT"]["price"] is None
    wait_for(lambda: app.get("/api/positions")[1]["positions"][0]["state"] == "stale")


def test_uncommitted_windows_are_not_shown(kafka, feeder, app):
    from confluent_kafka import Producer

    from kafka_topic.names import Topics

    producer = Producer({"bootstrap.servers": kafka.bootstrap_servers, "transactional.id": feeder.prefix})
    producer.init_transactions(20)
    producer.begin_transaction()
    record = feeder.window("MSFT", 77.0)
    producer.produce(Topics(feeder.prefix).moving_average, record.to_json(), "MSFT")
    producer.flush(20)
    producer.abort_transaction(20)
    feeder.window("AAPL", 88.0)
    feeder.flush()
    wait_for(lambda: records_of(app))
    assert [r["mean"] for r in records_of(app, "/api/movingaverage?position=MSFT")] == [77.0]


def test_of_several_windows_the_shortest_is_shown(feeder, make_app):
    app = make_app(feeder.prefix, GATHERER_WINDOWS="1m=5s,10s=1s")
    now = datetime.now(UTC)
    short = feeder.window("AAPL", 88.0, now)
    end = now + timedelta(milliseconds=500)
    feeder.raw(replace(short, window_start=end - timedelta(minutes=1), window_end=end, mean=89.0).to_json())
    later = feeder.window("AAPL", 90.0, now + timedelta(seconds=1))
    feeder.flush()
    wait_for(lambda: later.mean in [record["mean"] for record in records_of(app)])
    assert [record["mean"] for record in records_of(app)] == [88.0, 90.0]


def test_a_broken_record_is_counted_and_passed_over(feeder, app):
    feeder.raw(b"not json")
    feeder.window("AAPL")
    feeder.flush()
    wait_for(lambda: records_of(app))
    status = app.get("/api/status")[1]
    (dashboard,) = (one for one in status["components"] if one["name"] == "dashboard")
    assert dashboard["broken_records"] == 1


def test_status_without_flink_says_what_it_can(feeder, make_app):
    app = make_app(feeder.prefix, FLINK_JOBMANAGER_REST="127.0.0.1:1")
    with feeder.flowing():
        wait_for(lambda: app.get("/api/status")[1]["healthy"])
        time_of_first = app.get("/api/status")[1]["time"]
        wait_for(lambda: app.get("/api/status")[1]["time"] != time_of_first)
        status = app.get("/api/status")[1]
    components = {one["name"]: one for one in status["components"]}
    assert components["kafka"]["state"] == components["data-generator"]["state"] == "healthy"
    assert components["flink-jobmanager"]["state"] == "unknown"
    assert "127.0.0.1:1" in components["flink-jobmanager"]["detail"]
    assert 10 < components["data-generator"]["rate"] < 80
    assert {position["state"] for position in status["positions"]} == {"fresh"}


def test_server_sent_events_bring_each_record_once(feeder, app):
    request = urllib.request.Request(f"{app.url}/api/stream?position=AAPL")
    with urllib.request.urlopen(request, timeout=20) as stream:
        assert stream.headers["Content-Type"] == "text/event-stream"
        sent = []
        for number in range(3):
            sent.append(json.loads(feeder.window("AAPL", 100 + number).to_json()))
            feeder.window("MSFT", 1)
            feeder.flush()
            lines = []
            while not any(line.startswith("id: ") for line in lines):
                lines.append(stream.readline().decode().strip())
            last = lines[-1].removeprefix("id: ")
            data = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]
            assert data == sent[-1:]
    missed = json.loads(feeder.window("AAPL", 200).to_json())
    feeder.flush()
    wait_for(lambda: records_of(app)[-1] == missed)
    again = urllib.request.Request(request.full_url, headers={"Last-Event-ID": last})
    with urllib.request.urlopen(again, timeout=20) as stream:
        data = next(line for line in stream if line.startswith(b"data: "))
    assert json.loads(data.removeprefix(b"data: ")) == missed


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/api/movingaverage?position=NOPE", 404, "no position 'NOPE'"),
        ("/api/movingaverage", 404, "AAPL, MSFT"),
        (f"{AAPL}&since=yesterday", 400, "since=yesterday"),
        ("/api/stream?position=NOPE", 404, "NOPE"),
        ("/nothing", 404, "Not Found"),
    ],
)
def test_mistakes_are_told_as_json(app, path, status, words):
    code, document = app.get(path)
    assert code == status
    assert words in document["message"]


def test_the_document_of_the_api_names_every_address(app):
    code, document = app.get("/api/openapi.json")
    assert code == 200
    assert document["openapi"].startswith("3.")
    listed = {path for path in document["paths"] if path.startswith("/api/")}
    assert listed == {"/api/status", "/api/positions", "/api/movingaverage", "/api/stream"}
    components = document["components"]["schemas"]
    for reference in re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document)):
        assert reference in components


def test_answers_have_the_form_that_the_document_promises(feeder, app):
    from jsonschema import Draft202012Validator

    feeder.price("AAPL", 100)
    feeder.window("AAPL")
    feeder.flush()
    wait_for(lambda: records_of(app))
    document = app.get("/api/openapi.json")[1]
    for path, query in (("status", ""), ("positions", ""), ("movingaverage", "?position=AAPL")):
        operation = document["paths"][f"/api/{path}"]["get"]
        schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
        whole = {**schema, "components": document["components"]}
        Draft202012Validator(whole).validate(app.get(f"/api/{path}{query}")[1])


def test_the_page_asks_no_other_host_and_names_that_lead_here_are_refused(app):
    status, page = app.get("/")
    assert status == 200
    assert "http" not in re.sub(r'http-equiv|xmlns="[^"]*"', "", page)
    assert app.get("/", Host="evil.example")[0] == 403
    assert app.get("/api/positions", Host="evil.example:80")[0] == 403
    refused, _ = app.get("/socket.io/?EIO=4&transport=polling", Origin="http://evil.example")
    assert refused == 400
    assert app.get("/socket.io/?EIO=4&transport=polling", Origin=app.url)[0] == 200


def test_kafka_away_and_back(kafka, feeder, app):
    feeder.window("AAPL", 1)
    feeder.flush()
    wait_for(lambda: records_of(app))
    kafka.stop()
    try:
        wait_for(lambda: not app.get("/api/status")[1]["healthy"])
        assert app.get("/health")[0] == 200
    finally:
        kafka.start()
    feeder.window("AAPL", 2)
    feeder.flush()
    wait_for(lambda: [r["mean"] for r in records_of(app)] == [1, 2], 40)


def test_it_starts_before_its_topics_and_ends_within_its_grace(kafka, make_app):
    app = make_app("later.")
    wait_for(lambda: "later." in str(app.get("/health")[1]["reason"]))
    kafka.create("later.movingaverage", "later.position.AAPL", "later.position.MSFT")
    wait_for(lambda: app.get("/health")[1]["reason"] is None)
    stream = urllib.request.urlopen(f"{app.url}/api/stream", timeout=20)
    with stream:
        assert app.stop() == 0


class Viewer:
    """A Socket.IO client that takes frames only while it is let."""

    def __init__(self, app):
        import socketio

        self.client = socketio.AsyncClient()
        self.frames = []
        self.may_take = asyncio.Event()
        self.may_take.set()
        self._url = app.url
        self.client.on("hello", self._hello)
        self.client.on("frame", self._frame)

    async def __aenter__(self):
        await self.client.connect(self._url, transports=["websocket"])
        return self

    async def __aexit__(self, *error):
        await self.client.disconnect()

    def _hello(self, hello):
        self.hello = hello

    async def _frame(self, data):
        self.frames.append(json.loads(data))
        await self.may_take.wait()

    async def until(self, done):
        async with asyncio.timeout(20):
            while not (value := done()):
                await asyncio.sleep(0.02)
        return value


def test_a_slow_viewer_misses_frames_and_no_quick_one_waits_for_it(feeder, app):
    async def look():
        async with Viewer(app) as slow, Viewer(app) as quick:
            await quick.until(lambda: len(quick.frames) >= 3)
            await slow.until(lambda: slow.frames)
            slow.may_take.clear()
            held = len(slow.frames)
            quick_before = len(quick.frames)
            await quick.until(lambda: len(quick.frames) >= quick_before + 15)
            assert len(slow.frames) <= held + 1
            slow.may_take.set()
            await slow.until(lambda: len(slow.frames) >= held + 3)
            times = [point[0] for frame in slow.frames for point in frame["windows"].get("AAPL", [])]
            # One frame made up for what it missed: all windows came, once.
            assert times == sorted(set(times))
            assert max(len(frame["windows"].get("AAPL", [])) for frame in slow.frames[held:]) > 10
            assert quick.hello["positions"] == ["AAPL", "MSFT"]
            assert set(quick.frames[-1]["states"]) == {"f"}

    with feeder.flowing():
        wait_for(lambda: records_of(app))
        asyncio.run(look())

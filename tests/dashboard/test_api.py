"""The API against a real broker."""

import asyncio
import itertools
import json
import re
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta

import pytest

from dashboard.settings import Settings
from dashboard.web import Server
from kafka_topic.limits import LimitsStore
from kafka_topic.trouble import Trouble

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
    sql = json.loads(before[1].to_json())["window_end"].replace(" ", "%20")
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


def test_each_window_is_served_by_its_label_the_shortest_without_one(feeder, make_app):
    app = make_app(feeder.prefix, GATHERER_WINDOWS="1m=5s,10s=1s", SIGNALS="{}")
    now = datetime.now(UTC)
    feeder.window("AAPL", 88.0, now)
    feeder.window("AAPL", 89.0, now, "1m")
    feeder.window("AAPL", 91.0, now, "10m")
    feeder.window("AAPL", 90.0, now + timedelta(seconds=1))
    feeder.flush()
    wait_for(lambda: len(records_of(app)) == 2)
    assert [record["mean"] for record in records_of(app)] == [88.0, 90.0]
    assert [record["mean"] for record in records_of(app, f"{AAPL}&window=1m")] == [89.0]
    status, mistake = app.get(f"{AAPL}&window=10m")
    assert (status, mistake["message"]) == (404, "unknown window '10m'; known are 10s, 1m")


def test_signals_are_served_and_the_newest_regime_is_the_positions(feeder, app):
    first = feeder.signal("AAPL", "regime", "high")
    second = feeder.signal("MSFT", "anomaly", "above", value=120.0, threshold=110.0)
    feeder.flush()
    wait_for(lambda: len(app.get("/api/signals")[1]["signals"]) == 2)
    served = {one["symbol"]: one for one in app.get("/api/signals")[1]["signals"]}
    assert served == {"AAPL": json.loads(first.to_json()), "MSFT": json.loads(second.to_json())}
    assert app.get("/api/signals?position=MSFT")[1]["signals"] == [served["MSFT"]]
    assert app.get("/api/signals?since=2049-01-01")[1]["signals"] == []
    positions = {one["symbol"]: one for one in app.get("/api/positions")[1]["positions"]}
    assert (positions["AAPL"]["regime"], positions["MSFT"]["regime"]) == ("high", None)
    assert positions["MSFT"]["last_signal"]["event"] == "above"


def test_dead_letters_are_counted_by_reason(feeder, make_app):
    for number, reason in enumerate(["late", "not_json", "late"]):
        feeder.letter(reason, number)
    feeder.flush()
    app = make_app(feeder.prefix)

    def letters():
        return app.get("/api/status")[1]["dead_letters"]

    expected = {"total": 3, "complete": True, "by_reason": {"not_json": 1, "late": 2}}
    wait_for(lambda: letters() == expected)
    feeder.letter("future", 9, "MSFT")
    feeder.flush()
    wait_for(lambda: letters()["by_reason"] == {"not_json": 1, "future": 1, "late": 2})


def test_limits_are_set_read_changed_and_cleared(feeder, app):
    code, document = app.ask("POST", "/api/limits", {"symbols": ["AAPL", "MSFT"], "buy": 95, "sell": 110})
    assert (code, [one["symbol"] for one in document["limits"]]) == (200, ["AAPL", "MSFT"])
    assert app.ask("POST", "/api/limits", {"symbols": ["AAPL"], "sell": None, "probability": 0.8})[0] == 200
    found = {one["symbol"]: one for one in app.get("/api/limits")[1]["limits"]}
    assert {name: found["AAPL"][name] for name in ("buy", "sell", "probability")} == {
        "buy": 95,
        "sell": None,
        "probability": 0.8,
    }
    assert found["MSFT"]["sell"] == 110
    assert app.get("/api/limits?position=MSFT")[1]["limits"] == [found["MSFT"]]
    # What they are on the topic is what the gatherer reads.
    assert LimitsStore(feeder.servers, prefix=feeder.prefix).read()["AAPL"].probability == 0.8
    assert app.ask("DELETE", "/api/limits?position=MSFT&position=OTHER") == (200, {"cleared": ["MSFT"]})
    assert app.ask("DELETE", "/api/limits?all=true") == (200, {"cleared": ["AAPL"]})
    assert app.get("/api/limits")[1] == {"limits": []}


def test_with_a_secret_only_the_front_door_gets_in(feeder, make_app):
    app = make_app(feeder.prefix, PROXY_SECRET="of this task")
    polling = "/socket.io/?EIO=4&transport=polling"
    body = {"symbols": ["AAPL"], "buy": 95}
    for sent in ({}, {"X-Proxy-Secret": ""}, {"X-Proxy-Secret": "of another"}, {"X-Proxy-Secret": "\xff"}):
        for path in ("/", "/app.js", "/api/positions", "/api/limits", "/api/stream", polling):
            assert app.get(path, **sent)[0] == 403
        assert app.ask("POST", "/api/limits", body, headers=sent)[0] == 403
        assert app.get("/health", **sent)[0] == 200
    door = {"X-Proxy-Secret": "of this task"}
    for path in ("/", "/api/positions", polling):
        assert app.get(path, **door)[0] == 200
    assert app.ask("POST", "/api/limits", body, headers=door)[0] == 200


@pytest.mark.parametrize("body", ["[" * 100_000, '{"symbols": ["AAPL"], "buy": NaN}', "\xff", '"\\ud800"'])
def test_a_body_that_is_not_json_is_refused(shared_app, body):
    given = {"X-Requested-By": "a test", "Content-Type": "application/json"}
    request = urllib.request.Request(
        shared_app.url + "/api/limits", body.encode("latin-1"), given, method="POST"
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=20)
    with refused.value as answer:
        assert (answer.code, "must be JSON such as" in answer.read().decode()) == (400, True)


def test_a_malformed_origin_is_refused(shared_app):
    body = {"symbols": ["AAPL"], "buy": 95}
    for origin in ("http://[", "null", ""):
        assert shared_app.ask("POST", "/api/limits", body, headers={"Origin": origin})[0] == 403


def test_a_page_of_another_origin_can_read_nothing(shared_app):
    for method, path in itertools.product(("GET", "OPTIONS"), ("/", "/health", "/api/status", "/nothing")):
        found = shared_app.ask(method, path, headers={"Origin": "http://evil.example"})
        assert found == (403, "the request comes from a page of 'http://evil.example', not from this one")
    assert shared_app.get("/api/positions", Origin=shared_app.url)[0] == 200


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        ({"symbols": ["AAPL"], "buy": 5, "sell": 5}, "buy", "below sell"),
        ({"symbols": ["AAPL"], "probability": 1.5}, "probability", "between 0 and 1"),
        ({"symbols": ["AAPL"], "buy": "cheap"}, "buy", "cheap"),
        ({"symbols": ["AAPL"], "regime_high": 0.4}, "regime_high", "must be below the high one"),
        ({"symbols": ["AAPL"], "price": 5}, "price", "unknown field price"),
        ({"symbols": ["AAPL"]}, None, "the request changes nothing"),
        ({"buy": 5}, None, "the body must be JSON such as"),
    ],
)
def test_an_invalid_limit_is_refused_with_its_field(shared_app, body, field, words):
    code, document = shared_app.ask("POST", "/api/limits", body)
    assert code == 400
    assert words in document["message"]
    assert document.get("field") == field
    assert shared_app.get("/api/limits")[1] == {"limits": []}


def test_a_page_of_another_origin_can_change_nothing(app):
    body = {"symbols": ["AAPL"], "buy": 5}
    assert app.ask("POST", "/api/limits", body, headers={"Origin": "http://evil.example"})[0] == 403
    assert app.ask("POST", "/api/limits", body, headers={"Content-Type": "text/plain"})[0] == 415
    # A form can send neither this header nor JSON, and a preflight is not answered.
    bare = urllib.request.Request(f"{app.url}/api/limits?all=true", method="DELETE")
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(bare, timeout=20).close()
    assert app.ask("OPTIONS", "/api/limits", headers={"Origin": app.url})[0] == 405
    assert app.ask("POST", "/api/limits", body, headers={"Origin": app.url})[0] == 200


def test_a_broken_record_is_counted_and_passed_over(feeder, app):
    feeder.raw(b"not json")
    feeder.window("AAPL")
    feeder.flush()
    wait_for(lambda: records_of(app))
    status = app.get("/api/status")[1]
    (dashboard,) = (one for one in status["components"] if one["name"] == "dashboard")
    assert dashboard["broken_records"] == 1


def test_status_is_answered_without_flink(feeder, make_app):
    app = make_app(feeder.prefix, FLINK_JOBMANAGER_REST="127.0.0.1:1", FLINK_TOKEN="t" * 32)
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


def test_the_problem_of_one_position_is_reported_and_the_others_continue(kafka, feeder, app):
    aapl, msft = (f"{feeder.prefix}position.{symbol}" for symbol in ("AAPL", "MSFT"))

    def positions():
        status = app.get("/api/status")[1]
        assert status["components"][0] == {
            "name": "kafka",
            "state": "healthy",
            "detail": kafka.bootstrap_servers,
        }
        return {one["symbol"]: one for one in status["positions"]}

    def codes():
        return [one["problem"] and one["problem"]["code"] for one in positions().values()]

    with feeder.flowing() as alive:
        wait_for(lambda: app.get("/api/status")[1]["healthy"])
        feeder.commit("AAPL", problem="lost", detail="records 3 to 7")
        wait_for(lambda: codes() == ["lost", None])
        assert app.get("/api/status")[1]["healthy"]
        feeder.commit("AAPL", problem="codec", detail="zip", since="2026-11-22 01:02:03.004")
        wait_for(lambda: codes() == ["codec", None])
        found = positions()["AAPL"]
        since = datetime(2026, 11, 22, 1, 2, 3, 4000, tzinfo=UTC)
        assert (found["state"], found["problem"]) == (
            "unreadable",
            Trouble("codec", aapl, 0, "zip", since).fields(),
        )
        assert not app.get("/api/status")[1]["healthy"]
        feeder.commit("AAPL")
        alive.remove("MSFT")
        feeder.flush()
        kafka.delete(msft)
        wait_for(lambda: codes() == [None, "gone"])
        before = positions()["AAPL"]["price_time"]
        wait_for(lambda: positions()["AAPL"]["price_time"] > before)
        kafka.create(msft)
        wait_for(lambda: codes() == [None, None])
        again = feeder.price("MSFT", 4711.0)
        feeder.flush()
        wait_for(lambda: positions()["MSFT"]["price"] == again.price)


def test_prices_flow_where_a_topic_was_missing_at_the_start(kafka, feeder, make_app):
    msft = f"{feeder.prefix}position.MSFT"
    kafka.delete(msft)
    app = make_app(feeder.prefix)
    last = feeder.price("AAPL", 101.5)
    feeder.flush()

    def prices():
        return [one["price"] for one in app.get("/api/positions")[1]["positions"]]

    wait_for(lambda: prices() == [last.price, None])
    kafka.create(msft)
    later = feeder.price("MSFT", 102.5)
    feeder.flush()
    wait_for(lambda: prices() == [last.price, later.price])


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
        answer = next(line for line in stream if line.startswith(b"data: "))
    assert json.loads(answer.removeprefix(b"data: ")) == missed


def test_the_stream_brings_the_topics_that_are_named_from_the_beginning_where_asked(feeder, app):
    end = datetime.now(UTC)
    sent = {
        "movingaverage": feeder.window("AAPL", 5.0, end, "1m"),
        "signals": feeder.signal("AAPL", "regime", "low"),
        "dead_letter": feeder.letter("late", 3),
    }
    feeder.window("AAPL", 6.0, end)
    feeder.signal("MSFT", "regime", "low")
    feeder.letter("late", 3, "MSFT")
    feeder.flush()
    wait_for(lambda: records_of(app) and records_of(app, f"{AAPL}&window=1m"))
    wait_for(lambda: app.get("/api/status")[1]["dead_letters"]["total"] == 2)
    wait_for(lambda: len(app.get("/api/signals")[1]["signals"]) == 2)
    query = "&".join(["position=AAPL", "window=1m", "start=beginning", *(f"topic={one}" for one in sent)])
    with urllib.request.urlopen(f"{app.url}/api/stream?{query}", timeout=20) as stream:
        lines = [stream.readline().decode().strip()]
        while not lines[-1].startswith("id: "):
            lines.append(stream.readline().decode().strip())
    events = [line.removeprefix("event: ") for line in lines if line.startswith("event: ")]
    data = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]
    assert dict(zip(events, data, strict=True)) == {
        topic: json.loads(record.to_json()) for topic, record in sent.items()
    }
    assert len(events) == 3


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/api/movingaverage?position=NOPE", 404, "unknown position 'NOPE'"),
        ("/api/movingaverage", 404, "AAPL, MSFT"),
        (f"{AAPL}&since=yesterday", 400, "since=yesterday"),
        ("/api/stream?position=NOPE", 404, "NOPE"),
        ("/api/stream?topic=prices", 404, "movingaverage, signals, dead_letter"),
        ("/api/signals?position=NOPE", 404, "NOPE"),
        ("/nothing", 404, "Not Found"),
    ],
)
def test_errors_are_json(shared_app, path, status, words):
    code, document = shared_app.get(path)
    assert code == status
    assert words in document["message"]


def test_the_document_of_the_api_names_every_address(shared_app):
    code, document = shared_app.get("/api/openapi.json")
    assert code == 200
    assert document["openapi"].startswith("3.")
    listed = {(path, method) for path, found in document["paths"].items() for method in found}
    served = {
        (route.resource.canonical, route.method.lower())
        for route in Server(Settings("127.0.0.1:1", ("AAPL",), "a.gatherer")).application().router.routes()
        if route.method != "HEAD" and route.resource.canonical.startswith("/api/")
    }
    assert listed == served - {("/api/openapi.json", "get")}
    components = document["components"]["schemas"]
    for reference in re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document)):
        assert reference in components


def test_answers_have_the_form_that_the_document_promises(feeder, app):
    from jsonschema import Draft202012Validator

    feeder.price("AAPL", 100)
    feeder.window("AAPL")
    feeder.limits("AAPL", buy=5)
    feeder.letter("late", 1)
    feeder.signal("AAPL", "limit", "likely")
    feeder.flush()
    wait_for(lambda: records_of(app) and app.get("/api/signals")[1]["signals"])
    document = app.get("/api/openapi.json")[1]
    queries = [
        "status",
        "positions",
        "movingaverage?position=AAPL",
        "signals",
        "limits",
        "summary",
        "clusters",
    ]
    for path, _, query in (one.partition("?") for one in queries):
        operation = document["paths"][f"/api/{path}"]["get"]
        answer = operation["responses"]["200"]
        schema = answer["content"]["application/json"]["schema"]
        whole = {**schema, "components": document["components"]}
        Draft202012Validator(whole).validate(app.get(f"/api/{path}?{query}")[1])


def test_the_page_uses_no_other_host_and_foreign_host_names_are_refused(shared_app):
    status, page = shared_app.get("/")
    assert status == 200
    assert "http" not in re.sub(r'http-equiv|xmlns="[^"]*"', "", page)
    assert shared_app.get("/", Host="evil.example")[0] == 403
    assert shared_app.get("/api/positions", Host="evil.example:80")[0] == 403
    refused, _ = shared_app.get("/socket.io/?EIO=4&transport=polling", Origin="http://evil.example")
    assert refused == 403
    assert shared_app.get("/socket.io/?EIO=4&transport=polling", Origin=shared_app.url)[0] == 200


def test_windows_are_served_again_after_kafka_was_down(kafka, feeder, app):
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
    kafka.create("later.signals", "later.dead_letter", "later.limits")
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


def of_aapl(frame):
    return frame["windows"].get("AAPL", {}).get("10s", [])


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
            times = [point[0] for frame in slow.frames for point in of_aapl(frame)]
            # One frame made up for what it missed: all windows came, once.
            assert times == sorted(set(times))
            assert max(len(of_aapl(frame)) for frame in slow.frames[held:]) > 10
            assert quick.hello["positions"] == ["AAPL", "MSFT"]
            assert set(quick.frames[-1]["states"]) == {"f"}

    with feeder.flowing():
        wait_for(lambda: records_of(app))
        asyncio.run(look())

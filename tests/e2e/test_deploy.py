"""A new user's first ten minutes."""

import json
import signal
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]

POSITIONS = ["AAPL", "AMZN", "GOOG", "MSFT", "TSLA"]
SHARED_TOPICS = {"movingaverage", "signals", "dead_letter", "limits"}
COMPONENTS = [
    "kafka",
    "topics",
    "data-generator",
    "flink-jobmanager",
    "flink-taskmanager",
    "gatherer",
    "dashboard",
]


def test_the_first_deploy_creates_everything_and_ends_with_fresh_records(first_deploy):
    document, ended = first_deploy
    assert document["cluster"] == "local"
    assert document["changes"] == dict.fromkeys(COMPONENTS, "create")
    assert [record["symbol"] for record in document["records"]] == POSITIONS
    for record in document["records"]:
        end = datetime.fromisoformat(record["window_end"]).replace(tzinfo=UTC)
        assert timedelta(0) < ended - end < timedelta(seconds=60)
        assert record["count"] >= 1
        assert record["min"] <= record["last"] <= record["max"]


def test_status_is_healthy_down_to_each_position(pipectl, bundle):
    status = pipectl.json("status")
    assert (status["cluster"], status["healthy"]) == ("local", True)
    assert [c["name"] for c in status["components"]] == COMPONENTS
    assert all(c.keys() == {"name", "kind", "state", "detail"} for c in status["components"])
    assert all(c["state"] == "healthy" for c in status["components"])
    assert [p["symbol"] for p in status["positions"]] == POSITIONS
    for position in status["positions"]:
        assert position["topic"] == f"position.{position['symbol']}"
        assert position["age_seconds"] < 15
        assert 0 <= position["lag"] < 5000
        assert datetime.fromisoformat(position["last_window_end"])
    assert status["dead_letters"]["complete"]


def test_a_second_deploy_finds_nothing_to_do_and_makes_no_changing_call(pipectl, bundle):
    again = pipectl.run("deploy", "-v")
    assert "no changes" in again.stdout
    assert "starting the local cluster" not in again.stderr
    calls = [line for line in again.stderr.splitlines() if line.startswith("$ dcos ")]
    assert calls
    changing = (" add", " update", " remove", " install", " create", " delete", " restart", " stop", " start")
    assert [call for call in calls if any(word in call for word in changing)] == []


def test_watch_prints_one_record_a_line(pipectl, bundle):
    chosen = ("--position", "MSFT", "--window", "10s")
    out = pipectl.run("watch", "-o", "json", "--count", "3", "--timeout", "30", *chosen).stdout
    records = [json.loads(line) for line in out.splitlines()]
    assert [(record["symbol"], record["window"]) for record in records] == [("MSFT", "10s")] * 3
    ends = [record["window_end"] for record in records]
    assert ends == sorted(set(ends))


def test_watch_refuses_a_position_that_is_not_there(pipectl, bundle):
    refused = pipectl.run("watch", "--position", "NOPE", "--count", "1", code=2)
    assert "NOPE" in refused.stderr
    assert "AAPL" in refused.stderr


@pytest.mark.parametrize(
    ("app", "stream"), [("kafka", "stdout"), ("flink-jobmanager", "stdout"), ("data-generator", "stderr")]
)
def test_logs_show_the_last_lines_that_an_app_printed(pipectl, bundle, app, stream):
    options = ["--lines", "3", *(["--stderr"] if stream == "stderr" else [])]
    document = pipectl.json("logs", app, *options)
    assert (document["app"], document["stream"]) == (app, stream)
    sandbox = pipectl.home / "cluster" / "sandboxes" / document["task"]
    # It may have printed more since.
    printed = (sandbox / stream).read_text().splitlines()
    assert len(printed) >= 3
    assert document["lines"] in [printed[at : at + 3] for at in range(len(printed) - 2)]
    assert pipectl.run("logs", app, *options).stdout.splitlines()[0] in printed


def test_endpoints_are_those_that_answer(pipectl, bundle):
    from confluent_kafka.admin import AdminClient

    addresses = pipectl.json("endpoints")
    assert addresses == bundle["endpoints"]
    assert addresses.keys() == {"kafka", "flink", "cluster", "dashboard"}
    topics = AdminClient({"bootstrap.servers": addresses["kafka"]}).list_topics(timeout=10).topics
    assert {f"position.{symbol}" for symbol in POSITIONS} | SHARED_TOPICS <= topics.keys()
    token = pipectl.json("cluster", "env")["DCOS_ACS_TOKEN"]
    request = urllib.request.Request(
        addresses["flink"] + "jobs/overview", headers={"Authorization": f"token={token}"}
    )
    with urllib.request.urlopen(request) as answer:
        assert [job["state"] for job in json.load(answer)["jobs"]] == ["RUNNING"]


def test_other_clients_get_in_with_the_token_and_nobody_without(pipectl, bundle):
    env = pipectl.json("cluster", "env")
    url = env["DCOS_URL"] + "/service/marathon/v2/apps"
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(url)
    assert refused.value.code == 401
    refused.value.close()
    request = urllib.request.Request(url, headers={"Authorization": f"token={env['DCOS_ACS_TOKEN']}"})
    with urllib.request.urlopen(request) as answer:
        assert "/volatility/gatherer" in {app["id"] for app in json.load(answer)["apps"]}


def test_the_token_is_in_no_argument_list_and_only_its_owner_reads_it(pipectl, bundle):
    token = pipectl.json("cluster", "env")["DCOS_ACS_TOKEN"]
    assert len(token) >= 32
    assert (pipectl.home / "cluster" / "token").stat().st_mode & 0o777 == 0o600
    for process in pipectl.processes():
        assert token not in " ".join(process.cmdline())
    assert token not in pipectl.run("status", "-v").stderr


@pytest.mark.parametrize("options", [(), ("-o", "json"), ("signals", "--from-beginning")])
def test_a_stream_that_is_cut_off_ends_as_usual(pipectl, bundle, options):
    process = pipectl.start("watch", *options)
    assert process.stdout.readline()
    process.stdout.close()
    # It notices when it has the next record to show.
    assert process.wait(timeout=180) == -signal.SIGPIPE
    assert process.stderr.read() == ""
    process.stderr.close()

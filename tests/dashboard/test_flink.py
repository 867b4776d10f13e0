"""What the page says of the gatherer's job, from the answers of the JobManager's REST API."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from dashboard import pipeline
from dashboard.feed import Feed
from dashboard.flink import Flink, read_flink
from dashboard.history import History
from dashboard.pipeline import Pipeline
from dashboard.recent import Recent
from dashboard.settings import Settings
from flink_scripts.rest import Rest
from tests.flink_scripts.fake_flink import TOKEN, FakeFlink, speak_tls


@pytest.fixture
def flink() -> Iterator[FakeFlink]:
    flink = FakeFlink()
    yield flink
    flink.close()


def seen(flink: FakeFlink) -> Flink:
    return read_flink(Rest("{}:{}".format(*flink.address), TOKEN), "demo")


def test_a_healthy_start_has_no_failed_checkpoints(flink: FakeFlink) -> None:
    job = flink.add("aa", "demo", "ours")
    job.declined, job.completed = 16, 3
    job.fail_checkpoint(4, "Checkpoint Coordinator is suspending.")
    found = seen(flink).job
    assert found is not None
    assert (found.state, found.checkpoints_completed, found.checkpoints_failed) == ("RUNNING", 3, 0)


def test_a_checkpoint_that_truly_failed_counts(flink: FakeFlink) -> None:
    flink.add("aa", "demo", "ours").fail_checkpoint(5, "Checkpoint expired before completing.")
    found = seen(flink).job
    assert found is not None and found.checkpoints_failed == 1


class Slow(BaseHTTPRequestHandler):
    """Answers each call, but only after a while."""

    def do_GET(self) -> None:
        time.sleep(0.6)
        answer = {"flink-version": "2", "taskmanagers": 1, "slots-total": 1, "slots-available": 1, "jobs": []}
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, *_: object) -> None:
        pass


def test_a_slow_jobmanager_delays_the_page_by_one_timeout_and_not_by_one_for_each_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pipeline, "FLINK_SECONDS", 1.0)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    speak_tls(server, TOKEN)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    settings = Settings.from_environ(
        {
            "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
            "POSITIONS": "A",
            "JOB_NAME": "demo",
            "PORT0": "1",
            "FLINK_JOBMANAGER_REST": f"127.0.0.1:{server.server_port}",
            "FLINK_TOKEN": TOKEN,
        }
    )
    history = History(["A"], list(settings.windows), windows=2, prices=2, signals=2, fresh_seconds=1)
    try:
        found = asyncio.run(Pipeline(settings, history, Feed(settings, history, Recent([])))._read_flink())
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert found == "the JobManager did not answer within 1 s"

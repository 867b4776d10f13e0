"""Rotation of logs."""

import json
import sys
import urllib.request

import pytest

from local_dcos.sandbox import older, read_on, rotate

# Writes nine megabytes, waits for the file `go`, and writes one more line.
TALK = """
import os, time
for number in range(9_000):
    print(f"{number:0999}")
print(end="", flush=True)
while not os.path.exists("go"):
    time.sleep(0.02)
print("after", flush=True)
"""
# Writes one line and a half, waits for the file `go`, and writes the other half.
HALF = """
import os, time
print("one\\ntw", end="", flush=True)
while not os.path.exists("go"):
    time.sleep(0.02)
print("o", flush=True)
"""


@pytest.fixture
def log(tmp_path):
    return tmp_path / "stdout"


def test_a_small_log_stays_as_it_is(log):
    log.write_bytes(b"x" * 100)
    rotate(log, 100)
    assert log.stat().st_size == 100
    assert not older(log).exists()


def test_the_writer_continues_in_the_emptied_file(log):
    with log.open("ab", buffering=0) as writer:
        writer.write(b"a" * 101)
        rotate(log, 100)
        writer.write(b"b")
    assert older(log).read_bytes() == b"a" * 101
    assert log.read_bytes() == b"b"


def test_one_older_part_is_kept_of_at_most_twice_the_limit(log):
    for byte, size in ((b"a", 150), (b"b", 200), (b"c", 10_000)):
        log.write_bytes(byte * size)
        rotate(log, 100)
        assert set(older(log).read_bytes()) == set(byte)
        assert older(log).stat().st_size <= 200
    assert [path.name for path in log.parent.iterdir() if path.stat().st_size] == ["stdout.1"]


def test_a_missing_log_is_no_error(log):
    rotate(log, 100)


def test_reading_continues_across_a_rotation(log):
    with log.open("ab", buffering=0) as writer:
        writer.write(b"1" * 90)
        first, position = read_on(log, 0)
        writer.write(b"2" * 20)
        rotate(log, 100)
        writer.write(b"3")
        second, position = read_on(log, position)
        writer.write(b"4")
        third, _ = read_on(log, position)
    assert (first, second, third) == (b"1" * 90, b"2" * 20 + b"3", b"4")


def test_following_a_log_loses_nothing_in_a_rotation(cluster):
    app = cluster.run({"id": "/talk", "args": [sys.executable, "-c", TALK]})
    task = app["tasks"][0]["id"]
    stdout = cluster.home / "sandboxes" / task / "stdout"
    headers = {"Authorization": f"token={cluster.token}", "Accept": "text/event-stream"}
    url = f"{cluster.url}/system/v1/logs/v2/task/{task}/file/stdout"
    seen = []
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=30) as stream:
        for line in stream:
            if not line.startswith(b"data:"):
                continue
            seen.append(json.loads(line[5:])["fields"]["MESSAGE"])
            if len(seen) == 9_000:
                cluster.wait_for(lambda: older(stdout).exists() and stdout.stat().st_size == 0)
                (stdout.parent / "go").touch()
    assert seen[-1] == "after"
    assert seen[:-1] == [f"{number:0999}" for number in range(9_000)]


@pytest.mark.parametrize("query", ["", "?cursor=END&skip=-10"])
def test_a_line_that_is_half_written_when_following_begins_comes_once(cluster, query):
    app = cluster.run({"id": "/half", "args": [sys.executable, "-c", HALF]})
    task = app["tasks"][0]["id"]
    sandbox = cluster.home / "sandboxes" / task
    cluster.wait_for(lambda: (sandbox / "stdout").read_text() == "one\ntw")
    headers = {"Authorization": f"token={cluster.token}", "Accept": "text/event-stream"}
    url = f"{cluster.url}/system/v1/logs/v2/task/{task}/file/stdout{query}"
    seen = []
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=30) as stream:
        for line in stream:
            if line.startswith(b"data:"):
                seen.append(json.loads(line[5:])["fields"]["MESSAGE"])
                (sandbox / "go").touch()
    assert seen == ["one", "two"]


UNENDED = """
import sys, time, pathlib
print("one", flush=True)
sys.stdout.write("last"); sys.stdout.flush()
while not pathlib.Path("go").exists(): time.sleep(0.01)
"""


def test_the_last_line_of_an_ended_task_comes_without_a_newline_and_once(cluster):
    app = cluster.run({"id": "/unended", "args": [sys.executable, "-c", UNENDED]})
    task = app["tasks"][0]["id"]
    sandbox = cluster.home / "sandboxes" / task
    cluster.wait_for(lambda: (sandbox / "stdout").read_text() == "one\nlast")
    headers = {"Authorization": f"token={cluster.token}", "Accept": "text/event-stream"}
    url = f"{cluster.url}/system/v1/logs/v2/task/{task}/file/stdout?cursor=END&skip=-10"

    def follow(**more: str) -> list[bytes]:
        request = urllib.request.Request(url, headers={**headers, **more})
        with urllib.request.urlopen(request, timeout=30) as stream:
            lines = []
            for line in stream:
                lines.append(line)
                (sandbox / "go").touch()
            return lines

    lines = follow()
    seen = [json.loads(line[5:])["fields"]["MESSAGE"] for line in lines if line.startswith(b"data:")]
    assert seen == ["one", "last"]
    # A client that connects again, as the real one does, gets no line twice.
    last_id = [line[4:].strip() for line in lines if line.startswith(b"id: ")][-1]
    assert follow(**{"Last-Event-ID": last_id.decode()}) == []


def test_a_client_that_loses_its_stream_between_two_lines_misses_none(cluster):
    code = UNENDED.replace('print("one", flush=True)', 'print("one\\ntwo\\nthree", flush=True)')
    app = cluster.run({"id": "/lost", "args": [sys.executable, "-c", code]})
    task = app["tasks"][0]["id"]
    sandbox = cluster.home / "sandboxes" / task
    cluster.wait_for(lambda: (sandbox / "stdout").read_text().endswith("last"))
    headers = {"Authorization": f"token={cluster.token}", "Accept": "text/event-stream"}
    url = f"{cluster.url}/system/v1/logs/v2/task/{task}/file/stdout?cursor=END&skip=-10"
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=30) as stream:
        for line in stream:
            if line.startswith(b"id: "):
                headers["Last-Event-ID"] = line[4:].strip().decode()
            if line.startswith(b"data:"):
                break
    (sandbox / "go").touch()
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=30) as stream:
        seen = [json.loads(line[5:])["fields"]["MESSAGE"] for line in stream if line.startswith(b"data:")]
    assert seen[-3:] == ["two", "three", "last"]


def test_the_log_of_the_agent_is_rotated_too(cluster):
    log = cluster.home / "agent.log"
    with log.open("ab") as writer:
        writer.write(b"trouble\n" * 1_100_000)
    cluster.wait_for(lambda: older(log).exists() and log.stat().st_size == 0)

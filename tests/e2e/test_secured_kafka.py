"""A bundle whose Kafka speaks TLS only and asks for logins, on the cluster `local`."""

import re
import shutil

import psutil
import pytest

from kafka_topic.brokers import Brokers
from kafka_topic.errors import AccessDeniedError
from kafka_topic.security import use

# In its short form, test_real_client.py carries a secured bundle without Flink through its life.
pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(1200)]
POSITIONS = "positions=[AAPL, MSFT]"


@pytest.mark.parametrize("protocol", ["SASL_SSL", "SSL"])
def test_a_secured_bundle_works_and_shows_no_secret(pipectl_elsewhere, protocol):
    pipectl = pipectl_elsewhere
    secured = ("--set", f"kafka.security.protocol={protocol}", "--set", POSITIONS)
    pipectl.json("deploy", "--yes", *secured)
    # Commands that read find out for themselves how to log in.
    status = pipectl.json("status")
    assert status["healthy"], status
    assert "AAPL" in pipectl.run("topics").stdout
    if shutil.which("kcat"):
        listed = pipectl.run("client", "kafka", "--", "-L").stdout
        assert 'topic "position.AAPL"' in listed
    changes = pipectl.json("plan", *secured)["changes"]
    assert {one["action"] for one in changes} == {"unchanged"}, changes

    # One-off jobs log in as the user `jobs`.
    stored = pipectl.run("run", "sink", "--from", "movingaverage", "--to", "disk", *secured)
    assert re.search(r"movingaverage: wrote [1-9]\d* records to the store disk", stored.stdout), stored
    assert "255 values" in pipectl.run("run", "census", *secured).stdout

    servers = pipectl.json("endpoints")["kafka"]
    use({})
    try:
        with pytest.raises(AccessDeniedError, match="takes TLS only"):
            Brokers(servers, timeout=3).names()
    finally:
        use(None)

    secrets = pipectl.home / "cluster" / "secrets" / "kafka"
    values = {file.name: file.read_text().strip() for file in secrets.iterdir() if file.name != "ca"}
    assert len(values) == 11
    shown = pipectl.run("render", *secured).stdout + pipectl.run("plan", "--full", *secured).stdout
    logs = [file.read_bytes() for file in (pipectl.home / "cluster" / "sandboxes").rglob("std*")]
    assert logs
    # The first line of a key is its mark: what shows a key may write line breaks as \n.
    marks = {name: value.splitlines()[value.startswith("-----BEGIN")] for name, value in values.items()}
    for name, mark in marks.items():
        assert mark not in shown, name
        assert not any(mark.encode() in log for log in logs), name
    for process in pipectl.processes():
        try:
            words, environ = process.cmdline(), process.environ()
        except psutil.Error:
            continue  # it has just ended
        assert not any(mark in " ".join(words) for mark in marks.values())
        if "data_generator" in words:
            held = {name for name, value in values.items() if value in map(str.strip, environ.values())}
            assert held == {"generator-password" if protocol == "SASL_SSL" else "generator-key"}

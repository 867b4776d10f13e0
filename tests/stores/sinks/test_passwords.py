"""The password of a sink's login is changed while it runs: it says who refuses it, and loses nothing."""

from __future__ import annotations

import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from stores.disk import DiskStore
from stores.opening import open_store
from tests.mysql_server import MySqlServer
from tests.ports import free_ports
from tests.stores.sinks.secured import broker, health, started, until, write
from tests.stores.sinks.test_kills import Standing
from tests.stores.sinks.test_sink import Bundle, counts

pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(1200)]
MANY = 1200
NEW = "another-password"


def test_a_sink_goes_on_after_the_password_of_mysql_was_changed(
    kafka: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = Bundle(kafka)
    with MySqlServer(tmp_path, *free_ports(2)) as server:
        login = server.environ
        old = login["MYSQL_PASSWORD"]
        monkeypatch.setenv("MYSQL_CA", login["MYSQL_CA"])

        def stored(password: str) -> list[int]:
            monkeypatch.setenv("MYSQL_PASSWORD", password)
            with closing(open_store(server.address)) as store:
                return counts(store)

        with Standing(lambda: bundle.start(server.address, BATCH="20", **login)) as sink:
            bundle.write(MANY // 2)
            sink.until(lambda: bool(stored(old)), "the sink to write")
            server.change_password(NEW)
            bundle.write(MANY // 2)
            sink.until(lambda: bool(sink.ended), "a sink that ends")
            for said in sink.ended:
                assert f"MySQL at 127.0.0.1:{server.port} refuses the login" in said
                assert "check MYSQL_PASSWORD" in said
                assert "Traceback" not in said and old not in said
            login["MYSQL_PASSWORD"] = NEW
            sink.until(lambda: len(stored(NEW)) >= MANY, f"{MANY} records in the store")
            sink.stop()
        assert stored(NEW) == list(range(MANY))


def test_a_sink_goes_on_after_its_password_of_kafka_was_changed(tmp_path: Path) -> None:
    store, [port] = DiskStore(tmp_path / "store"), free_ports(1)
    (tmp_path / "kafka").mkdir()
    with broker(tmp_path / "kafka") as kafka:
        old = kafka.passwords["jobs"]

        def standing() -> subprocess.Popen[str]:
            return started(kafka, tmp_path / "store", "stores.sinks", PORT0=str(port))

        sink = standing()
        try:
            until(lambda: counts(store) == list(range(90)), "90 records in the store")
            kafka.set_password("jobs", NEW)
            kafka.stop()
            kafka.start()
            write(kafka, 90, 180)
            refused = "refuses the login of the user jobs: the password is wrong"
            until(lambda: refused in (health(port)[1] or ""), f"a sink that says Kafka {refused}")
            assert sink.poll() is None and counts(store) == list(range(90))
        finally:
            sink.terminate()
            said, _ = sink.communicate(timeout=240)
        assert sink.returncode == 0 and old not in said, said
        sink = standing()
        try:
            until(lambda: len(counts(store)) >= 180, "180 records in the store")
            assert health(port) == (200, None)
        finally:
            sink.terminate()
            said, _ = sink.communicate(timeout=240)
        assert sink.returncode == 0, said
        assert counts(store) == list(range(180))

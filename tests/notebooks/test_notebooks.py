"""The notebooks run on a real broker and a store on disk, and the server lets in only the front door."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx
import nbclient
import nbformat
import pytest
from confluent_kafka import Producer
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

from kafka_topic.contracts import MovingAverage, Price, Signal
from notebooks import data
from stores.base import Batch, Store
from stores.disk import DiskStore
from stores.opening import open_store
from stores.records import KINDS
from stores.tables import Flow
from tests.cassandra_node import CassandraNode
from tests.hdfs_nodes import HdfsService
from tests.mysql_server import MySqlServer
from tests.ports import free_ports

pytestmark = pytest.mark.slow
SYMBOLS = ("AAPL", "MSFT")
WINDOWS, TICKS, DAYS = 120, 300, 100
THEN, DAY = datetime(2018, 1, 2, tzinfo=UTC), timedelta(days=1)
SECRET = "0123456789abcdef" * 2
PATIENCE = 60
NOTEBOOKS = sorted(
    each.name for each in files("notebooks").joinpath("library").iterdir() if each.name.endswith(".ipynb")
)


def windows(now: datetime) -> Iterator[MovingAverage]:
    for number in range(WINDOWS):
        end = now.replace(microsecond=0) - timedelta(seconds=WINDOWS - number)
        for symbol in SYMBOLS:
            price = 100 + (number * 7 % 13) / 10
            yield MovingAverage(
                symbol=symbol,
                window_start=end - timedelta(seconds=10),
                window_end=end,
                count=500,
                last=price,
                min=price - 1,
                max=price + 1,
                mean=price,
                stddev=price / 500,
                cv=0.2,
                values={"bollinger_upper": price + 0.4, "bollinger_lower": price - 0.4},
            )


def signal(
    time: datetime, event: str, probability: float | None, symbol: str = "AAPL", horizon: float = 30.0
) -> Signal:
    return Signal(
        kind="limit",
        event=event,
        symbol=symbol,
        time=time,
        window="10m" if probability else None,
        side="sell",
        price=101.0,
        value=probability or 101.2,
        threshold=0.5 if probability else 101.0,
        probability=probability,
        horizon_seconds=horizon if probability else None,
        lead_seconds=None,
        reason=f"the sell limit of {symbol} is {event}",
    )


def history() -> tuple[list[Price], list[Signal]]:
    """Daily prices of long ago, with a forecast that came true and one whose horizon goes beyond them."""
    prices = [Price(THEN + number * DAY, "SPX", 100 + number % 5) for number in range(DAYS)]
    month = 30 * DAY.total_seconds()
    signals = [
        signal(THEN + 10 * DAY, "likely", 0.8, "SPX", month),
        signal(THEN + 15 * DAY, "reached", None, "SPX"),
        signal(THEN + (DAYS - 10) * DAY, "likely", 0.6, "SPX", month),
    ]
    return prices, signals


def keep(made: list[MovingAverage], store: Store) -> None:
    """Write windows to a store."""
    kind = KINDS["movingaverage"]
    rows = [kind.row(each.to_json(), "movingaverage", 0, number) for number, each in enumerate(made)]
    columns = dict(zip(kind.table.names, zip(*rows, strict=True), strict=True))
    store.write(Flow("movingaverage", kind.table), Batch("test", 0), columns)


@pytest.fixture(scope="module")
def bundle(kafka: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Records in topics, and windows in a store on disk: the environment of the app."""
    now, prefix = datetime.now(UTC), "notebooks."
    producer = Producer({"bootstrap.servers": kafka.bootstrap_servers, "enable.idempotence": True})
    for topic in ("movingaverage", "signals", "replay", *(f"position.{symbol}" for symbol in SYMBOLS)):
        kafka.create(f"{prefix}{topic}", partitions=2)
    made = [*windows(now)]
    for each in made:
        producer.produce(f"{prefix}movingaverage", each.to_json(), each.symbol)
    replayed, of_then = history()
    for price in replayed:
        producer.produce(f"{prefix}replay", price.to_json(), price.symbol)
    forecast = signal(now - timedelta(seconds=100), "likely", 0.8)
    hit = signal(now - timedelta(seconds=90), "reached", None)
    for told in (*of_then, forecast, hit):
        producer.produce(f"{prefix}signals", told.to_json(), told.symbol)
    producer.produce(f"{prefix}signals", b"no signal", "AAPL")
    for number in range(TICKS):
        for symbol in SYMBOLS:
            price = Price(now - timedelta(seconds=TICKS - number), symbol, 100 + number % 5)
            producer.produce(f"{prefix}position.{symbol}", price.to_json(), symbol)
    producer.flush(PATIENCE)
    folder = tmp_path_factory.mktemp("store")
    keep(made, DiskStore(folder))
    yield {
        "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
        "TOPIC_PREFIX": prefix,
        "POSITIONS": ",".join(SYMBOLS),
        "STORES": json.dumps({"disk": f"disk:{folder}"}),
    }


@pytest.fixture
def environ(bundle: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    for name, value in bundle.items():
        monkeypatch.setenv(name, value)
    data._open.cache_clear()
    return bundle


def test_tables_hold_every_record_once(environ: dict[str, str], caplog: pytest.LogCaptureFixture) -> None:
    found = data.movingaverage("10s", minutes=10)
    assert len(found) == WINDOWS * len(SYMBOLS)
    assert not found.duplicated(["symbol", "window_end"]).any()
    assert found["window_end"].is_monotonic_increasing
    assert data.movingaverage("1m", minutes=10).empty
    assert len(data.movingaverage(minutes=10, positions=["MSFT"])) == WINDOWS
    assert len(data.ticks("AAPL")) == TICKS and set(data.ticks("AAPL")["symbol"]) == {"AAPL"}
    assert data.signals(positions=["AAPL"])["event"].to_list() == ["likely", "reached"]
    replayed, signals = history()
    found = data.ticks(source="replay")
    assert [*found.itertuples(index=False, name=None)] == [(p.ts, p.symbol, p.price) for p in replayed]
    assert data.ticks("AAPL", source="replay").empty
    assert len(data.signals(positions=["SPX"])) == len(signals)
    assert "notebooks.signals, partition" in caplog.text


def test_a_missing_store_is_named_with_the_next_step(environ: dict[str, str]) -> None:
    with pytest.raises(LookupError, match=r"no store mysql, but disk; `pipectl deploy --with mysql` adds it"):
        data.query("mysql", "SELECT 1")


@pytest.mark.parametrize(
    ("name", "source"), [*((name, "ticks") for name in NOTEBOOKS), ("limits.ipynb", "replay")]
)
def test_a_notebook_runs_and_shows_its_charts(
    name: str, source: str, environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    charts, shown, _ = executed(name, tmp_path, monkeypatch, source)
    number, text = {
        ("limits.ipynb", "ticks"): (2, "1 forecasts, 1 with known outcome, 1 came true"),
        ("limits.ipynb", "replay"): (2, "2 forecasts, 1 with known outcome, 1 came true"),
        ("stores.ipynb", "ticks"): (1, f"disk: {WINDOWS * len(SYMBOLS)} windows"),
        ("volatility.ipynb", "ticks"): (
            1 + len(SYMBOLS),
            f"{WINDOWS * len(SYMBOLS)} windows and 5 signals of AAPL, MSFT",
        ),
    }[name, source]
    assert text in shown
    assert charts == number


def executed(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch, source: str = "ticks"
) -> tuple[int, str, list[str]]:
    """Runs a notebook; returns the number of its charts, what it prints, and the tables that it displays."""
    for kind in ("CONFIG", "DATA", "RUNTIME"):
        monkeypatch.setenv(f"JUPYTER_{kind}_DIR", str(folder / kind))
    monkeypatch.setenv("IPYTHONDIR", str(folder))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
    text = files("notebooks").joinpath("library", name).read_text()
    book = nbformat.reads(text, as_version=4)
    for cell in book.cells:
        cell.source = cell.source.replace('SOURCE = "ticks"', f'SOURCE = "{source}"')
    client = nbclient.NotebookClient(
        book, timeout=PATIENCE, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    )
    client.execute()
    assert '"outputs": [\n' not in text, "outputs belong to docs/notebooks"
    outputs = [output for cell in book.cells for output in cell.get("outputs", [])]
    charts = [output for output in outputs if "image/png" in output.get("data", {})]
    shown = "".join(output.get("text", "") for output in outputs if output.output_type == "stream")
    tables = [output.data["text/plain"] for output in outputs if "text/html" in output.get("data", {})]
    return len(charts), shown, tables


@pytest.mark.long
@pytest.mark.timeout(600)
def test_queries_run_on_real_databases_and_a_real_hdfs(
    environ: dict[str, str], cassandra: CassandraNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = tmp_path / "mysql", tmp_path / "hdfs"
    for folder in folders:
        folder.mkdir()
    with MySqlServer(folders[0], *free_ports(2)) as database, HdfsService(folders[1], *free_ports(2)) as hdfs:
        addresses = {
            "mysql": database.address,
            "cassandra": cassandra.address("notebooks"),
            "hdfs": hdfs.address,
        }
        for name, value in (database.environ | cassandra.environ | hdfs.environ).items():
            monkeypatch.setenv(name, value)
        made = [*windows(datetime.now(UTC))]
        for address in addresses.values():
            with closing(open_store(address)) as store:
                keep(made, store)
        monkeypatch.setenv("STORES", json.dumps(json.loads(environ["STORES"]) | addresses))
        charts, shown, tables = executed("stores.ipynb", tmp_path, monkeypatch)
    assert "stores: cassandra, disk, hdfs, mysql" in shown and "this bundle has no" not in shown
    for store in ("disk", "hdfs"):
        assert f"{store}: {WINDOWS * len(SYMBOLS)} windows" in shown
    by_hour, buckets = tables
    assert all(symbol in by_hour for symbol in SYMBOLS) and "movingaverage" in buckets
    # Of MySQL, of Cassandra, of the files on disk, and of those in HDFS.
    assert charts == 4


def test_only_the_front_door_reaches_the_server(bundle: dict[str, str], tmp_path: Path) -> None:
    (port,) = free_ports(1)
    address = f"http://127.0.0.1:{port}/service/some-notebooks"
    environ = os.environ | bundle
    environ |= {"NOTEBOOKS_SERVICE": "some-notebooks", "NOTEBOOKS_FOLDER": str(tmp_path / "work")}
    environ |= {"MESOS_SANDBOX": str(tmp_path), "PORT0": str(port), "PROXY_SECRET": SECRET}
    command = [sys.executable, "-m", "notebooks"]
    with (
        (tmp_path / "log").open("w") as log,
        subprocess.Popen(command, env=environ, stdout=log, stderr=log) as server,
    ):
        try:
            _wait_for(f"{address}/api", server)
            contents, secret = f"{address}/api/contents/examples", {"X-Proxy-Secret": SECRET}
            for wrong in ({}, {"X-Proxy-Secret": "wrong"}, {"Authorization": "token wrong"}):
                assert httpx.get(contents, headers=wrong).status_code == 403
            listed = httpx.get(contents, headers=secret).json()["content"]
            assert sorted(each["name"] for each in listed) == NOTEBOOKS
            page = httpx.get(f"{address}/lab", headers=secret, follow_redirects=True)
            assert page.status_code == 200 and "JupyterLab" in page.text
            # A page of another site may make a browser send requests, but cannot read the cookie `_xsrf`.
            assert httpx.post(f"{address}/api/kernels", headers=secret, json={}).status_code == 403
            assert httpx.post(f"{address}/api/terminals", headers=secret).status_code in (403, 404)
            with httpx.Client(base_url=address, headers=secret) as browser:
                browser.get("/lab")
                _check_kernel(browser, tmp_path)
        finally:
            server.terminate()
            server.wait(PATIENCE)
    assert SECRET not in (tmp_path / "log").read_text()
    example = tmp_path / "work" / "examples" / NOTEBOOKS[0]
    assert example.is_file()


def _check_kernel(browser: httpx.Client, sandbox: Path) -> None:
    """A kernel answers, and whoever lacks its key cannot listen to it."""
    token = {"X-XSRFToken": browser.cookies["_xsrf"]}
    started = browser.post("/api/kernels", headers=token, json={"name": "python3"}, timeout=PATIENCE)
    assert started.status_code == 201, started.text
    kernel = f"/api/kernels/{started.json()['id']}"
    assert asyncio.run(_printed(f"ws{str(browser.base_url)[4:-1]}{kernel}/channels")) == "hello\n"
    [file] = (sandbox / ".jupyter" / "runtime").glob("kernel-*.json")
    assert json.loads(file.read_text())["curve_secretkey"] and file.stat().st_mode & 0o077 == 0
    assert browser.delete(kernel, headers=token, timeout=PATIENCE).status_code == 204


async def _printed(address: str) -> str:
    """What a kernel prints, as JupyterLab asks it."""
    header = {"msg_id": "1", "msg_type": "execute_request", "session": "1", "username": "", "version": "5.3"}
    content = {"code": "print('hello')", "silent": False}
    message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
    async with asyncio.timeout(PATIENCE):
        connection = await websocket_connect(HTTPRequest(address, headers={"X-Proxy-Secret": SECRET}))
        await connection.write_message(json.dumps(message))
        while True:
            found = json.loads(await connection.read_message() or "{}")
            if found["msg_type"] == "stream":
                connection.close()
                return str(found["content"]["text"])


def _wait_for(address: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        assert server.poll() is None, f"the server ended with {server.returncode}"
        try:
            if httpx.get(address).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    pytest.fail(f"waited {PATIENCE} s for {address}")

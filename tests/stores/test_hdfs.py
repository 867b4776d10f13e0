"""The store in HDFS: every row once, whatever is repeated, lost or refused."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest

from stores.base import Batch
from stores.errors import AddressError, BrokenError, QueryError, UnreachableError
from stores.file_store import FileStore
from stores.hdfs import HdfsFiles, HdfsStore
from stores.opening import open_store
from stores.webhdfs import WebHdfs, address_of
from tests.ports import free_ports
from tests.stores.batches import ALWAYS, FLOW, START, rows
from tests.webhdfs import WebHdfsServer, serving

DAY = "flow=prices/day=2026-11-23"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[WebHdfsServer]:
    with serving(tmp_path) as server:
        yield server


@pytest.fixture
def store(server: WebHdfsServer, monkeypatch: pytest.MonkeyPatch) -> FileStore:
    monkeypatch.setattr("stores.patience.PAUSE_SECONDS", 0.01)
    opened = open_store(server.address)
    assert isinstance(opened, HdfsStore)
    return opened


def offsets(store: FileStore) -> list[int]:
    return [row["offset"] for row in store.read(FLOW, *ALWAYS)]


def impatient(*hosts: str, port: int) -> FileStore:
    address = address_of(f"{','.join(hosts)}:{port}/store")
    return FileStore(HdfsFiles(WebHdfs(address, patience=0.05)))


def names(server: WebHdfsServer, day: str = DAY) -> list[str]:
    return sorted(path.name for path in (server.folder / "store" / day).iterdir())


def test_rows_come_back_as_they_were_written_and_a_repeat_changes_nothing(server, store):
    assert store.newest(FLOW) is None and not store.describe() and store.writers("prices") == set()
    for number in (0, 1, 1, 0):
        store.write(FLOW, Batch("w", number), rows(number, 20))
    given = rows(0, 20)
    wanted = [dict(zip(given, values, strict=True)) for values in zip(*given.values(), strict=True)]
    end = START + timedelta(seconds=20)
    assert list(store.read(FLOW, START, end)) == wanted
    assert offsets(store) == list(range(40))
    assert [row["offset"] for row in store.read(FLOW, START, end, {"MSFT"})] == list(range(0, 20, 2))
    assert store.newest(FLOW) == START + timedelta(seconds=39)
    [stored] = store.describe()
    assert (stored.rows, stored.first, stored.files) == (40, "2026-11-22", 3)
    assert stored.size == sum(each.stat().st_size for each in server.folder.rglob("*.parquet"))
    assert store.writers("prices") == {"w"}


def test_requests_are_not_logged(store, caplog):
    with caplog.at_level(logging.INFO):
        store.write(FLOW, Batch("w", 0), rows(0))
    assert caplog.text == ""


def test_small_files_are_merged(server, store):
    for number in range(1, 30):
        store.write(FLOW, Batch("w", number), rows(number))
    assert offsets(store) == list(range(10, 300))
    assert len(names(server)) <= 8
    assert all(name.endswith(".parquet") for name in names(server))


def test_a_lost_answer_doubles_nothing(server, store):
    for lost in ("MKDIRS", "CREATE", "RENAME"):
        server.lost.append(lost)
        number = ("MKDIRS", "CREATE", "RENAME").index(lost) + 1
        store.write(FLOW, Batch("w", number), rows(number))
        assert not server.lost
    assert offsets(store) == list(range(10, 40))
    assert all(name.endswith(".parquet") for name in names(server))


def test_what_a_crash_leaves_unfinished_is_not_read_and_is_removed_later(server, store):
    store.write(FLOW, Batch("w", 1), rows(1))
    folder = server.folder / "store" / DAY
    for name in (".unfinished-new", ".unfinished-old", ".merging-other"):
        (folder / name).write_bytes(b"PAR1")
    os.utime(folder / ".unfinished-old", (0, 0))
    store.write(FLOW, Batch("w", 2), rows(2))
    assert ".unfinished-old" in names(server)  # somebody else merges
    os.utime(folder / ".merging-other", (0, 0))  # that was a crash
    store.write(FLOW, Batch("w", 3), rows(3))
    assert {".unfinished-new"} == {name for name in names(server) if name.startswith(".")}
    assert offsets(store) == list(range(10, 40))


def test_two_that_find_what_a_crash_left_do_not_both_merge(server, store):
    store.write(FLOW, Batch("w", 1), rows(1))
    left_behind = server.folder / "store" / DAY / ".merging-old"
    left_behind.touch()
    os.utime(left_behind, (0, 0))
    both_found_it, both_said_it = threading.Barrier(2), threading.Barrier(2)

    def fault(operation: str, path: str) -> None:
        if operation == "DELETE" and path.endswith(left_behind.name):
            both_found_it.wait(10)

    server.fault, said = fault, []

    def merge() -> None:
        with HdfsFiles(WebHdfs(address_of(server.address.partition(":")[2]))).merging(DAY) as alone:
            said.append(alone())
            both_said_it.wait(10)

    threads = [threading.Thread(target=merge) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(said) == 2 and said.count(True) <= 1
    with HdfsFiles(WebHdfs(address_of(server.address.partition(":")[2]))).merging(DAY) as alone:
        assert alone()
    assert not [name for name in names(server) if name.startswith(".")]


def test_a_merge_that_took_too_long_does_not_count(server, store, monkeypatch):
    """Another process may have merged these files since then."""
    monkeypatch.setattr("stores.hdfs._MERGE_SECONDS", 5.0)
    clock = SimpleNamespace(monotonic=count(step=3.0).__next__)
    monkeypatch.setattr("stores.hdfs.time", clock)
    for number in range(1, 20):
        store.write(FLOW, Batch("w", number), rows(number))
    assert offsets(store) == list(range(10, 200))
    assert len(names(server)) == 19


@pytest.mark.parametrize("where", ["MKDIRS", "LISTSTATUS", "CREATE", "RENAME"])
def test_a_write_waits_for_a_data_node_and_for_the_end_of_safe_mode(server, store, where):
    refusals = [
        (403, "SafeModeException", "Name node is in safe mode"),
        (403, "IOException", "Failed to find datanode, suggest to check cluster health."),
        (500, "", "an HTML page"),
    ]
    server.fault = lambda operation, path: refusals.pop() if refusals and operation == where else None
    store.write(FLOW, Batch("w", 1), rows(1))
    assert not refusals and offsets(store) == list(range(10, 20))


def test_who_is_about_to_write_waits_for_the_name_node(server, store):
    store.write(FLOW, Batch("w", 1), rows(1))
    refusals = [(403, "SafeModeException", "Name node is in safe mode")] * 2
    said: list[str | None] = []

    def fault(operation, path):
        said.append(store.problem)
        return refusals.pop() if refusals else None

    server.fault = fault
    assert store.writers(FLOW.name) == {"w"} and not refusals
    assert said[0] is None and all("Name node is in safe mode" in each for each in said[1:3])
    assert store.problem is None


def test_the_active_name_node_is_asked(server, tmp_path):
    [silent] = free_ports(1)
    store = impatient("localhost", "127.0.0.1", port=server.port)
    turns = [(403, "StandbyException", "Operation category READ is not supported in state standby")]
    server.fault = lambda operation, path: turns.pop() if turns else None
    store.write(FLOW, Batch("w", 1), rows(1))
    assert offsets(store) == list(range(10, 20))
    with pytest.raises(UnreachableError, match=rf"a.invalid,127.0.0.1:{silent} does not answer for /store"):
        offsets(impatient("a.invalid", "127.0.0.1", port=silent))


def test_a_refusal_says_who_must_own_the_folder(server):
    server.fault = lambda operation, path: (403, "AccessControlException", "Permission denied: user=pipectl")
    with pytest.raises(UnreachableError) as refused:
        impatient("127.0.0.1", port=server.port).write(FLOW, Batch("w", 1), rows(1))
    where = f"HDFS at 127.0.0.1:{server.port} refuses MKDIRS of /store/{DAY}: Permission denied"
    assert str(refused.value).startswith(where)
    assert str(refused.value).endswith("hdfs dfs -mkdir -p /store && hdfs dfs -chown pipectl /store")
    server.fault = lambda operation, path: (401, "", "")
    with pytest.raises(UnreachableError, match="asks for Kerberos"):
        impatient("127.0.0.1", port=server.port).describe()


def test_an_error_while_arrow_reads_is_the_error_of_the_store(server, store):
    store.write(FLOW, Batch("w", 1), rows(1))
    server.fault = lambda operation, path: (500, "", "") if operation == "OPEN" else None
    with pytest.raises(UnreachableError, match=rf"does not answer for /store/{DAY}/w"):
        offsets(store)
    server.fault = lambda operation, path: None
    [file] = (server.folder / "store").rglob("*.parquet")
    file.write_bytes(b"PAR1, not")
    with pytest.raises(BrokenError, match=rf"webhdfs://127.0.0.1:{server.port}/store/.*restore the file"):
        offsets(store)


def test_columns_of_a_large_file_are_read_without_the_rest(server, store, monkeypatch):
    monkeypatch.setattr("stores.hdfs._WHOLE", 100)
    monkeypatch.setattr("stores.hdfs._CHUNK", 512)
    store.write(FLOW, Batch("w", 1), rows(1, 2000))
    server.asked.clear()
    assert store.newest(FLOW) == START + timedelta(seconds=3999)
    footer = len([each for each in server.asked if each[0] == "OPEN"])
    assert offsets(store) == list(range(2000, 4000))
    assert footer < len([each for each in server.asked if each[0] == "OPEN"])


def test_files_answer_sql(server, store):
    store.write(FLOW, Batch("w", 1), rows(1))
    found = store.query("SELECT symbol, count(*) FROM prices GROUP BY ALL ORDER BY 1", limit=9, seconds=30)
    assert found.rows == [("AAPL", 5), ("MSFT", 5)]
    server.fault = lambda operation, path: (500, "", "") if operation == "OPEN" else None
    with pytest.raises((QueryError, UnreachableError), match="does not answer for /store"):
        store.query("SELECT count(price) FROM prices", limit=9, seconds=30)


@pytest.mark.parametrize("text", ["", "h/store", "h:0/store", "h:9870", "h:9870/", "h:1/a/../b", "h:1/.a"])
def test_an_invalid_address_is_refused(text):
    with pytest.raises(AddressError, match="use hdfs:HOST:PORT/FOLDER"):
        open_store(f"hdfs:{text}")


def test_a_header_whose_name_is_a_secret_is_sent_with_every_request(server, monkeypatch):
    server.header = secret = "a1" * 32
    refused = pytest.raises(UnreachableError, match="HDFS_HEADER is not that name; put it there")
    with refused, closing(open_store(server.address)) as store:
        store.write(FLOW, Batch("w", 1), rows(1))
    monkeypatch.setenv("HDFS_HEADER", f"{secret}\n")
    with closing(open_store(server.address)) as store:
        store.write(FLOW, Batch("w", 1), rows(1))
        assert offsets(store) == list(range(10, 20))
    assert secret not in repr(address_of(server.address.partition(":")[2]))
    monkeypatch.setenv("HDFS_HEADER", "not a name")
    with pytest.raises(AddressError, match="HDFS_HEADER must be the name of a header"):
        open_store(server.address)

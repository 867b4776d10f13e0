"""The store on disk: every row once, whatever is repeated, killed or merged."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from stores.__main__ import main
from stores.base import Batch
from stores.compaction import compact
from stores.disk import DiskStore
from stores.errors import AddressError, BrokenError, RowsError
from stores.file_system import Entry
from stores.files import Part, parts_of, split
from stores.local_files import LocalFiles
from stores.opening import open_store
from stores.tables import PRICES, STATISTICS, TABLES, Flow
from tests.stores.batches import ALWAYS, FLOW, START, rows


def offsets(store: DiskStore, **names) -> list[int]:
    return [row["offset"] for row in store.read(FLOW, *ALWAYS, **names)]


def test_the_newest_row_is_known_from_footers(tmp_path):
    store = DiskStore(tmp_path)
    assert store.newest(FLOW) is None
    for number in (0, 2, 1):
        store.write(FLOW, Batch("w", number), rows(number, 20))
    assert store.newest(FLOW) == START + timedelta(seconds=59)


def test_rows_come_back_as_they_were_written(tmp_path):
    store = DiskStore(tmp_path)
    store.write(FLOW, Batch("w", 0), rows(0, 20))
    given = rows(0, 20)
    wanted = [dict(zip(given, values, strict=True)) for values in zip(*given.values(), strict=True)]
    assert list(store.read(FLOW, *ALWAYS)) == wanted
    assert {path.parent.name for path in store.files("prices")} == {"day=2026-11-22", "day=2026-11-23"}


def test_new_folders_are_on_the_disk_too(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr("stores.local_files._sync", synced.append)
    root = tmp_path / "new" / "store"
    DiskStore(root).write(FLOW, Batch("w", 0), rows(0))
    flow = root / "flow=prices"
    assert {tmp_path, tmp_path / "new", root, flow, flow / "day=2026-11-22"} <= set(synced)


def test_a_range_excludes_its_end(tmp_path):
    store = DiskStore(tmp_path)
    store.write(FLOW, Batch("w", 0), rows(0, 20))
    found = store.read(FLOW, START + timedelta(seconds=5), START + timedelta(seconds=15), {"MSFT"})
    assert [row["offset"] for row in found] == [6, 8, 10, 12, 14]
    assert not list(store.read(Flow("other", PRICES), *ALWAYS))


def test_a_repeated_batch_is_harmless_before_and_after_a_merge(tmp_path):
    store = DiskStore(tmp_path)
    for number in range(30):
        store.write(FLOW, Batch("w", number), rows(number))
        store.write(FLOW, Batch("w", number), rows(number))
    for number in range(30):
        store.write(FLOW, Batch("w", number), rows(number))
    assert offsets(store) == list(range(300))


def test_a_repeated_batch_completes_what_a_crash_cut_off(tmp_path):
    store = DiskStore(tmp_path)
    store.write(FLOW, Batch("w", 0), rows(0, 20))
    (second,) = (path for path in store.files("prices") if path.parent.name == "day=2026-11-23")
    second.unlink()
    store.write(FLOW, Batch("w", 0), rows(0, 20))
    assert offsets(store) == list(range(20))


def test_writers_do_not_get_into_each_others_way(tmp_path):
    store = DiskStore(tmp_path)
    for number in range(20):
        store.write(FLOW, Batch("ab"[number % 2], number // 2), rows(number))
    assert offsets(store) == list(range(200))
    assert store.writers("prices") == {"a", "b"}


def test_small_files_do_not_pile_up_and_little_is_written_twice(tmp_path, monkeypatch):
    written = []
    replace = Path.replace

    def counted(path, target):
        written.append(pq.read_metadata(path).num_rows)
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", counted)
    store = DiskStore(tmp_path)
    for number in range(150):
        store.write(FLOW, Batch("w", number), rows(number))
        assert len(store.files("prices")) <= 24  # of two days
    assert offsets(store) == list(range(1500))
    assert sum(written) < 6 * 1500


def test_large_files_are_left_alone(tmp_path, monkeypatch):
    monkeypatch.setattr("stores.compaction._LARGE", 1)
    store = DiskStore(tmp_path)
    for number in range(1, 20):
        store.write(FLOW, Batch("w", number), rows(number))
    assert len(store.files("prices")) == 19


def test_a_merge_that_was_cut_off_doubles_nothing(tmp_path, monkeypatch):
    store = DiskStore(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", lambda path, missing_ok=False: None)
        for number in range(1, 30):
            store.write(FLOW, Batch("w", number), rows(number))
    files, folder = LocalFiles(tmp_path), "flow=prices/day=2026-11-23"
    assert len(parts_of(folder, files.list(folder))) > len(store.files("prices"))
    assert offsets(store) == list(range(10, 300))
    compact(files, folder)
    assert [part.path for part in parts_of(folder, files.list(folder))] == store.paths("prices")
    assert offsets(store) == list(range(10, 300))


def test_what_a_crash_leaves_unfinished_is_not_read_and_is_removed_later(tmp_path):
    store = DiskStore(tmp_path)
    store.write(FLOW, Batch("w", 1), rows(1))
    folder = tmp_path / "flow=prices" / "day=2026-11-23"
    new, old = folder / ".unfinished-new", folder / ".unfinished-old"
    for path in (new, old):
        path.write_bytes(b"PAR1")
    os.utime(old, (0, 0))
    assert offsets(store) == list(range(10, 20))
    store.write(FLOW, Batch("w", 2), rows(2))
    assert new.exists() and not old.exists()


def test_a_file_merged_while_it_is_read_is_found_again(tmp_path, monkeypatch):
    store, files, folder = DiskStore(tmp_path), LocalFiles(tmp_path), "flow=prices/day=2026-11-23"
    for number in range(1, 5):
        store.write(FLOW, Batch("w", number), rows(number))
    stale = {folder: files.list(folder)}
    for number in range(5, 12):
        store.write(FLOW, Batch("w", number), rows(number))
    assert not (tmp_path / folder / stale[folder][-1].name).exists()

    def listed(files: LocalFiles, folder: str) -> list[Entry]:
        return stale.pop(folder, None) or now(files, folder)

    now = LocalFiles.list
    monkeypatch.setattr(LocalFiles, "list", listed)
    assert offsets(store) == list(range(10, 120))


KILLED = """
import sys
from pathlib import Path
from typing import Any
sys.path.insert(0, {tests!r})
from stores.base import Batch
from stores.disk import DiskStore
from test_disk import FLOW, rows
store = DiskStore(Path({root!r}))
for number in range(int(sys.argv[1]), 10**6):
    store.write(FLOW, Batch("w", number), rows(number))
    print(number, flush=True)
"""


@pytest.mark.slow
def test_a_writer_killed_anywhere_loses_and_doubles_nothing(tmp_path):
    code = KILLED.format(tests=str(Path(__file__).parent), root=str(tmp_path))
    done = -1
    for kill in range(3):
        argv = [sys.executable, "-c", code, str(max(done, 0))]  # the last one is repeated
        with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as writer:
            for line in writer.stdout:
                done = int(line)
                if done >= 12 * (kill + 1):
                    writer.send_signal(signal.SIGKILL)
                    break
            # What it said before the signal came counts too.
            done = max([done, *(int(line) for line in writer.stdout.read().split())])
    store = DiskStore(tmp_path)
    store.write(FLOW, Batch("w", done + 1), rows(done + 1))
    assert offsets(store) == list(range((done + 2) * 10))


def test_what_does_not_fit_the_table_is_named(tmp_path):
    store = DiskStore(tmp_path)
    with pytest.raises(RowsError, match=r"prices: the columns .* unknown: price, value"):
        store.write(FLOW, Batch("w", 0), {**{k: v for k, v in rows(0).items() if k != "price"}, "value": []})
    with pytest.raises(RowsError, match="prices: column price"):
        store.write(FLOW, Batch("w", 0), {**rows(0), "price": ["x"] * 10})
    with pytest.raises(RowsError, match="prices: column price"):
        store.write(FLOW, Batch("w", 0), {**rows(0), "price": [Decimal(10) ** 9] * 10})
    with pytest.raises(RowsError, match="prices: column symbol has 10 nulls"):
        store.write(FLOW, Batch("w", 0), {**rows(0), "symbol": [None] * 10})
    with pytest.raises(RowsError, match="prices: "):
        store.write(FLOW, Batch("w", 0), {**rows(0), "symbol": ["AAPL"]})
    assert not store.describe()


def test_a_broken_file_is_named(tmp_path):
    store = DiskStore(tmp_path)
    store.write(FLOW, Batch("w", 1), rows(1))
    (path,) = store.files("prices")
    path.write_bytes(b"PAR1, not")
    with pytest.raises(BrokenError, match=r"day=2026-11-23.*restore the file"):
        offsets(store)
    with pytest.raises(BrokenError, match=path.name):
        store.describe()


@pytest.mark.parametrize("address", ["", "disk", "disk:", "/var/lib", "tape:/x"])
def test_an_invalid_address_is_refused(address):
    with pytest.raises(AddressError, match="disk:FOLDER"):
        open_store(address)


@pytest.mark.parametrize("name", ["", "a/b", "..", "A", "x" * 65])
def test_a_name_that_could_be_another_path_is_refused(name, tmp_path):
    with pytest.raises(AddressError, match="a name has"):
        Batch(name, 0)
    with pytest.raises(AddressError, match="a name has"):
        DiskStore(tmp_path).write(Flow(name, PRICES), Batch("w", 1), rows(1))


def test_what_a_store_holds(tmp_path):
    store = open_store(f"disk:{tmp_path}")
    store.write(FLOW, Batch("w", 0), rows(0, 20))
    times: dict[str, list[Any]] = {"window_start": [START], "window_end": [START + timedelta(minutes=1)]}
    figures = {"count": [1], "mean": [1.0], "stddev": [None], "min": [1.0], "max": [1.0]}
    columns = {"name": ["A"], "window": ["1m"], **times, **figures}
    store.write(Flow("prices-statistics", STATISTICS), Batch("w", 0), columns)
    said = json.loads(CliRunner().invoke(main, [f"disk:{tmp_path}", "-o", "json"]).stdout)
    assert [(each["flow"], each["rows"], each["first"], each["last"]) for each in said] == [
        ("prices", 20, "2026-11-22", "2026-11-23"),
        ("prices-statistics", 1, "2026-11-23", "2026-11-23"),
    ]
    table = CliRunner().invoke(main, [f"disk:{tmp_path}"]).stdout.splitlines()
    assert table[0].split() == ["FLOW", "ROWS", "FIRST", "LAST", "FILES", "MB"]
    assert table[1].split()[:4] == ["prices", "20", "2026-11-22", "2026-11-23"]
    wrong = CliRunner().invoke(main, ["tape:/x"])
    assert wrong.exit_code == 1 and "disk:FOLDER" in wrong.stderr


def test_tables_name_their_own_columns():
    for table in TABLES.values():
        assert {table.name, table.time, *table.key} <= set(table.names)
        kinds = {column.name: column for column in table.columns}
        assert kinds[table.time].kind == "time" and kinds[table.name].kind == "text"
        assert not any(kinds[name].optional for name in (table.name, table.time, *table.key))


@given(st.lists(st.integers(1, 6), min_size=1, max_size=12), st.data())
def test_merged_parts_never_count(spans, data):
    """However a run of parts is merged, and merged again, what counts are the batches, once each."""
    folder, parts, first = "day", [], 0
    for span in spans:
        parts.append(Part("w", first, first + span - 1, folder))
        first += span
    everything, now = list(parts), list(parts)
    for _ in range(data.draw(st.integers(0, 3))):
        low = data.draw(st.integers(0, len(now) - 1))
        high = data.draw(st.integers(low, len(now) - 1))
        now[low : high + 1] = [Part("w", now[low].first, now[high].last, folder)]
        everything += now[low : low + 1]
    counting, merged = split(dict.fromkeys(data.draw(st.permutations(everything))))
    assert counting == now
    assert {*counting, *merged} == {*everything}


def test_a_folder_of_another_program_does_not_belong_to_the_store(tmp_path):
    store = DiskStore(tmp_path)
    store.write(FLOW, Batch("w", 0), rows(0, 5))
    for name in ("day=__HIVE_DEFAULT_PARTITION__", "day=", "day=2026-13-01"):
        (tmp_path / "flow=prices" / name).mkdir()
    assert offsets(store) == [0, 1, 2, 3, 4]
    assert [stored.rows for stored in store.describe()] == [5]


def test_two_processes_do_not_merge_at_once(tmp_path):
    """One that cannot merge now leaves it to a later batch."""
    store = DiskStore(tmp_path)
    store.write(FLOW, Batch("w", 0), rows(0))
    [folder] = {path.parent for path in store.files("prices")}
    with (folder / ".merging").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for number in range(1, 20):
            store.write(FLOW, Batch("w", number), rows(0))
        assert len(store.files("prices")) == 20
    store.write(FLOW, Batch("w", 20), rows(0))
    assert len(store.files("prices")) < 20
    assert store.describe()[0].rows == 210

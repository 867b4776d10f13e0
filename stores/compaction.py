"""Merging the small files of a day, to keep their number low.

If a writer has more than a few small files, the newest is merged with older ones, as long as the next older
one has at most twice the rows merged so far. So a day has few files. A row is rewritten only as often
as the logarithm of the day's rows.
"""

from __future__ import annotations

import fcntl
import time
from contextlib import suppress
from itertools import groupby, takewhile
from pathlib import Path

import pyarrow.parquet as pq

from stores.files import Part, parts_in, split
from stores.parquet import LEFT_OVER, replacing, writer_of

_FEW = 8
_RATIO = 2
_LARGE = 128 * 2**20
_LEFT_OVER_SECONDS = 3600.0
_LOCK = ".merging"


def compact(folder: Path) -> None:
    """Merge the small files in a day's folder, and remove merged and unfinished files.

    Does nothing while another process does: several may write to a folder, each with writers of its own.
    """
    with (folder / _LOCK).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        _compact(folder)


def _compact(folder: Path) -> None:
    counting, merged = split(parts_in(folder))
    for _, group in groupby(counting, key=lambda part: part.writer):
        run = _run(list(group))
        if len(run) > 1:
            _merge(run)
            merged += run
    for part in merged:
        part.path.unlink(missing_ok=True)
    old = time.time() - _LEFT_OVER_SECONDS
    for path in folder.glob(f"{LEFT_OVER}*"):
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < old:
                path.unlink()


def _run(parts: list[Part]) -> list[Part]:
    """The parts of one writer to merge; `parts` is in order."""
    small = list(takewhile(lambda part: part.path.stat().st_size < _LARGE, reversed(parts)))
    if len(small) <= _FEW:
        return []
    run, rows = small[:1], _rows(small[0])
    for part in small[1:]:
        if (more := _rows(part)) > _RATIO * rows:
            break
        run.append(part)
        rows += more
    return run[::-1]


def _rows(part: Part) -> int:
    rows: int = pq.read_metadata(part.path).num_rows
    return rows


def _merge(run: list[Part]) -> None:
    whole = Part(run[0].writer, run[0].first, run[-1].last, run[0].folder)
    with replacing(whole.path) as path, writer_of(path, pq.read_schema(run[0].path)) as target:
        for part in run:
            with pq.ParquetFile(part.path) as source:
                for batch in source.iter_batches(batch_size=2**17):
                    target.write_batch(batch, row_group_size=2**20)

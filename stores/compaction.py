"""Merging the small files of a day, so that they do not pile up.

When more than a few files of a writer are small, the newest is merged with older ones as long as these have
not many more rows than what is merged already. So a day has few files, and a row is rewritten a number of
times that grows with the logarithm of the day's rows only.
"""

from __future__ import annotations

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


def compact(folder: Path) -> None:
    """Merge what is small in a day's folder, and remove what was merged or left unfinished."""
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
    """What of one writer is to be merged; the parts are in order."""
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

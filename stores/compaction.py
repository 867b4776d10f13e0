"""Merging the small files of a day, to keep their number low.

If a writer has more than a few small files, the newest is merged with older ones, as long as the next older
one has at most twice the rows merged so far. So a day has few files. A row is rewritten only as often
as the logarithm of the day's rows.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from itertools import groupby, takewhile

import pyarrow.parquet as pq

from stores.file_system import LEFT_OVER, Entry, FileSystem
from stores.files import Part, parts_of, split
from stores.parquet import ROW_GROUP, writer_of

_FEW = 8
_RATIO = 2
_LARGE = 128 * 2**20
_LEFT_OVER_SECONDS = 3600.0


def compact(files: FileSystem, folder: str) -> None:
    """Merge the small files in a day's folder, and remove merged and unfinished files.

    Does nothing while another process does: several may write to a folder, each with writers of its own.
    """
    if not _is_due(folder, files.list(folder)):
        return
    with files.merging(folder) as alone:
        if alone():
            _compact(files, folder, alone)


def _is_due(folder: str, entries: list[Entry]) -> bool:
    counting, merged = split(parts_of(folder, entries))
    return bool(merged or _left_over(entries) or any(len(small) > _FEW for small in _small(counting)))


def _compact(files: FileSystem, folder: str, alone: Callable[[], bool]) -> None:
    entries = files.list(folder)
    counting, merged = split(parts_of(folder, entries))
    for small in _small(counting):
        run = _run(files, small) if len(small) > _FEW else []
        if len(run) > 1 and _merge(files, run, alone):
            merged += run
    for part in merged:
        files.remove(part.path)
    for name in _left_over(entries):
        files.remove(f"{folder}/{name}")


def _left_over(entries: list[Entry]) -> list[str]:
    """Unfinished files that nobody writes any more."""
    old = time.time() - _LEFT_OVER_SECONDS
    return [each.name for each in entries if each.name.startswith(LEFT_OVER) and each.modified < old]


def _small(parts: list[Part]) -> list[list[Part]]:
    """The newest small parts of each writer, latest first; `parts` is in order."""
    groups = (list(group) for _, group in groupby(parts, key=lambda part: part.writer))
    return [list(takewhile(lambda part: part.size < _LARGE, reversed(group))) for group in groups]


def _run(files: FileSystem, small: list[Part]) -> list[Part]:
    """The parts of one writer to merge, in order."""
    run, rows = small[:1], _rows(files, small[0])
    for part in small[1:]:
        if (more := _rows(files, part)) > _RATIO * rows:
            break
        run.append(part)
        rows += more
    return run[::-1]


def _rows(files: FileSystem, part: Part) -> int:
    rows: int = pq.read_metadata(part.path, filesystem=files.arrow).num_rows
    return rows


class _TooLateError(Exception):
    pass


def _merge(files: FileSystem, run: list[Part], alone: Callable[[], bool]) -> bool:
    """Merge the parts. Returns False if this took so long that another process may merge them by now."""
    whole = Part(run[0].writer, run[0].first, run[-1].last, run[0].folder)
    schema = pq.read_schema(run[0].path, filesystem=files.arrow)
    with suppress(_TooLateError), files.replacing(whole.path) as path:
        with writer_of(path, schema) as target:
            for part in run:
                with pq.ParquetFile(part.path, filesystem=files.arrow) as source:
                    for batch in source.iter_batches(batch_size=2**17):
                        target.write_batch(batch, row_group_size=ROW_GROUP)
        if not alone():
            raise _TooLateError
        return True
    return False

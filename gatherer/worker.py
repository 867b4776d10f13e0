"""`python -m gatherer.worker` analyses the positions of a subtask; a TaskManager runs it (`Worker.java`).

It reads the settings of the analysis, then batches of rows, from its standard input, and answers each batch
on its standard output. Each of them is preceded by its length. It ends with its input.
"""

from __future__ import annotations

import gc
import os
import signal
import struct
import sys
import traceback
from typing import BinaryIO

from gatherer.analysis import AnalysisSettings
from gatherer.answers import Answers
from gatherer.operator import Analysis

_LENGTH = struct.Struct(">i")


def main() -> None:
    """Answer until the input ends."""
    # They go to all processes of a TaskManager that is stopped. The job must not fail before that has ended.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    # What somebody prints must not get between the answers.
    source, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    # The analysis makes no cycles, and to look for them among the panes of 5,000 positions takes seconds.
    gc.disable()
    settings = _frame(source)
    if settings is None:
        return
    analysis = Analysis(AnalysisSettings.from_json(settings))
    while (batch := _frame(source)) is not None:
        try:
            answer = analysis.answer(batch)
        except Exception:
            failure = Answers()
            failure.failure(traceback.format_exc())
            answer = failure.take()
        answers.write(_LENGTH.pack(len(answer)) + answer)
        answers.flush()


def _frame(source: BinaryIO) -> bytes | None:
    """None when the input has ended, also in the middle of a frame: the TaskManager was killed."""
    head = source.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    frame = source.read(length)
    return frame if len(frame) == length else None


if __name__ == "__main__":
    main()

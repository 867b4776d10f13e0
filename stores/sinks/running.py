"""The loop of a sink: read portions, write them, commit."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping

from stores.sinks.group import Group
from stores.sinks.portions import Partition, Portion
from stores.sinks.targets import Target

_LOG = logging.getLogger(__name__)
_READ_SECONDS = 0.5
_LOG_SECONDS = 60.0


def carry(group: Group, target: Target, stop: threading.Event, ends: Mapping[Partition, int] | None) -> bool:
    """Write what comes until `stop` is set, or until all records before `ends` are written.

    Each portion is committed after it is written. Returns whether these ends were reached. Raises SinkError,
    StoreError and KafkaTopicError.
    """
    logged, due = 0, time.monotonic() + _LOG_SECONDS
    while not stop.is_set():
        for portion in group.read(target.most, _READ_SECONDS):
            _write(group, target, portion)
        if target.written > logged and time.monotonic() >= due:
            logged, due = target.written, time.monotonic() + _LOG_SECONDS
            _LOG.info("%d records are written to %s", logged, target.label)
        if ends is not None and group.reached(ends):
            return True
    return False


def _write(group: Group, target: Target, portion: Portion) -> None:
    # A reader that has lost the partition without noticing it notices it here, before it writes.
    if portion.records and target.planned and not group.plan(portion):
        return
    if target.write(portion):
        group.commit(portion, target.commit_seconds)

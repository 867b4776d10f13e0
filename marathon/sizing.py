"""The memory that the state of positions needs, in a TaskManager and in the Python processes beside it.

Both hold the panes of the longest window. With default windows and one tick a second, a position takes 46 KB
in Python; with ten ticks, 115 KB in whole cents, or 300 KB if no price occurs twice. The sizes allow 250.
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from marathon.durations import parse_duration

if TYPE_CHECKING:
    from marathon.settings import Settings

MIB = 1 << 20
_PANE, _POSITION = 320, 16 * 1024
"""Bytes of a pane, and of what a position takes beside its panes."""
_PROCESS = 64
"""MiB of a Python process without positions, with a reserve."""
_UNEVEN = 1.25
"""How much more than its share a slot may get: symbols are distributed by their hashes."""
_LEAST, _STEP = 256, 128
"""MiB. In steps, so that a new position seldom changes the app's definition, which would restart it."""


def python_mem(settings: Settings) -> int:
    """MiB of the Python process of each slot."""
    workers = settings.flink.taskmanager
    if workers.python_mem is not None:
        return workers.python_mem
    needed = _PROCESS + _UNEVEN * _state_bytes(settings) / _slots_used(settings) / MIB
    return max(_LEAST, ceil(needed / _STEP) * _STEP)


def heap_of_state(settings: Settings) -> int:
    """MiB of a TaskManager's heap for the state of its positions, in whole steps of 64.

    Flink fills the slots of one TaskManager before it takes another.
    """
    used = _slots_used(settings)
    share = min(settings.flink.taskmanager.slots, used) / used
    return int(_state_bytes(settings) * share / MIB) // 64 * 64


def _slots_used(settings: Settings) -> int:
    workers = settings.flink.taskmanager
    return min(settings.flink.parallelism, workers.instances * workers.slots)


def _state_bytes(settings: Settings) -> int:
    windows = settings.gatherer.windows
    panes = max(map(parse_duration, windows)) // min(windows.values())
    return len(settings.positions) * (_POSITION + panes * _PANE)

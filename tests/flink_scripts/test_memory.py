"""Dividing a process's memory."""

from __future__ import annotations

import re

import pytest

from flink_scripts.memory import Memory, jobmanager_memory, taskmanager_memory
from task_runtime.errors import SettingsError


def _megabytes(memory: Memory, *names: str) -> int:
    return sum(int(memory.options[name].removesuffix("m")) for name in names)


def test_taskmanager_parts_add_up() -> None:
    for process, slots, python in ((1400, 1, 256), (1536, 1, 64), (2304, 3, 256), (4096, 2, 768)):
        memory = taskmanager_memory(process, slots, python)
        part = "taskmanager.memory."
        heap = _megabytes(memory, part + "framework.heap.size", part + "task.heap.size")
        direct = _megabytes(
            memory, part + "framework.off-heap.size", part + "task.off-heap.size", part + "network.max"
        )
        rest = _megabytes(
            memory, part + "managed.size", part + "jvm-metaspace.size", part + "jvm-overhead.max"
        )
        assert (memory.heap, memory.direct) == (heap, direct)
        assert heap + direct + rest == process - python * slots


def test_jobmanager_parts_add_up() -> None:
    memory = jobmanager_memory(1600)
    # What the distribution's own start script computes for the default of 1600m.
    assert memory.options == {
        "jobmanager.memory.heap.size": "1024m",
        "jobmanager.memory.off-heap.size": "128m",
        "jobmanager.memory.jvm-metaspace.size": "256m",
        "jobmanager.memory.jvm-overhead.min": "192m",
        "jobmanager.memory.jvm-overhead.max": "192m",
    }
    assert memory.jvm_options() == [
        "-Xmx1024m",
        "-Xms1024m",
        "-XX:MaxDirectMemorySize=128m",
        "-XX:MaxMetaspaceSize=256m",
    ]


@pytest.mark.parametrize("divide", [jobmanager_memory, lambda mb: taskmanager_memory(mb, 1, 256)])
def test_too_little_says_how_much_is_needed(divide: object) -> None:
    assert callable(divide)
    with pytest.raises(SettingsError, match="FLINK_MEMORY_MB=300") as caught:
        divide(300)
    needed = re.search(r"at least (\d+)", str(caught.value))
    assert needed is not None
    divide(int(needed[1]))
    with pytest.raises(SettingsError):
        divide(int(needed[1]) - 20)

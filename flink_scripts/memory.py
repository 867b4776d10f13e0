"""How a Flink process divides its memory.

Flink's start scripts run a JVM (bash-java-utils) only to compute these few sums. The rules are those of
Flink's "Set up Flink's Process Memory" pages with their default values. The one exception is the managed
memory, of which our jobs use none: they keep their state on the heap. Each slot has a Python process beside
the JVM, whose memory counts towards the same limit. All figures are MB (2^20 bytes).
"""

from __future__ import annotations

from dataclasses import dataclass

from task_runtime.errors import SettingsError

_METASPACE = 256
_OVERHEAD_SHARE, _OVERHEAD_MIN, _OVERHEAD_MAX = 0.1, 192, 1024
_JM_OFF_HEAP = 128
_JM_HEAP_MIN = 128  # Flink's own minimum
_FRAMEWORK_HEAP = 128
_FRAMEWORK_OFF_HEAP = 128
_NETWORK_SHARE, _NETWORK_MIN = 0.1, 64
_MANAGED = 64  # what a window of Flink's SQL needs at least, for whoever submits one
_TASK_HEAP_MIN = 128  # below it the Kafka clients' fetch buffers alone can fill the heap


@dataclass(frozen=True)
class Memory:
    """JVM limits and the Flink options that state the same division."""

    heap: int
    direct: int
    metaspace: int
    options: dict[str, str]

    def jvm_options(self) -> list[str]:
        """The limits as JVM flags."""
        return [
            f"-Xmx{self.heap}m",
            f"-Xms{self.heap}m",
            f"-XX:MaxDirectMemorySize={self.direct}m",
            f"-XX:MaxMetaspaceSize={self.metaspace}m",
        ]


def _overhead(process: int) -> int:
    return int(min(max(process * _OVERHEAD_SHARE, _OVERHEAD_MIN), _OVERHEAD_MAX))


def jobmanager_memory(process: int) -> Memory:
    """Divide `process` MB for a JobManager. Raises SettingsError when it is too little."""
    overhead = _overhead(process)
    heap = process - overhead - _METASPACE - _JM_OFF_HEAP
    if heap < _JM_HEAP_MIN:
        raise _too_small("JobManager", process, process + _JM_HEAP_MIN - heap)
    options = {
        "jobmanager.memory.heap.size": f"{heap}m",
        "jobmanager.memory.off-heap.size": f"{_JM_OFF_HEAP}m",
        "jobmanager.memory.jvm-metaspace.size": f"{_METASPACE}m",
        "jobmanager.memory.jvm-overhead.min": f"{overhead}m",
        "jobmanager.memory.jvm-overhead.max": f"{overhead}m",
    }
    return Memory(heap, _JM_OFF_HEAP, _METASPACE, options)


def taskmanager_memory(process: int, slots: int, python: int) -> Memory:
    """Divide `process` MB for a TaskManager and, beside it, a Python process of `python` MB for each slot.

    Raises SettingsError when it is too little.
    """
    jvm = process - python * slots
    overhead = _overhead(jvm)
    flink = jvm - overhead - _METASPACE
    network = max(int(flink * _NETWORK_SHARE), _NETWORK_MIN)
    task_heap = flink - network - _MANAGED - _FRAMEWORK_HEAP - _FRAMEWORK_OFF_HEAP
    if task_heap < _TASK_HEAP_MIN:
        # Every MB more gives the task heap what the network's memory leaves of it.
        share = 1 - (_NETWORK_SHARE if network > _NETWORK_MIN else 0)
        raise _too_small("TaskManager", process, process + int((_TASK_HEAP_MIN - task_heap) / share) + 2)
    options = {
        "taskmanager.memory.framework.heap.size": f"{_FRAMEWORK_HEAP}m",
        "taskmanager.memory.framework.off-heap.size": f"{_FRAMEWORK_OFF_HEAP}m",
        "taskmanager.memory.task.heap.size": f"{task_heap}m",
        "taskmanager.memory.task.off-heap.size": "0m",
        "taskmanager.memory.managed.size": f"{_MANAGED}m",
        "taskmanager.memory.network.min": f"{network}m",
        "taskmanager.memory.network.max": f"{network}m",
        "taskmanager.memory.jvm-metaspace.size": f"{_METASPACE}m",
        "taskmanager.memory.jvm-overhead.min": f"{overhead}m",
        "taskmanager.memory.jvm-overhead.max": f"{overhead}m",
    }
    return Memory(_FRAMEWORK_HEAP + task_heap, _FRAMEWORK_OFF_HEAP + network, _METASPACE, options)


def _too_small(part: str, process: int, needed: int) -> SettingsError:
    return SettingsError(f"FLINK_MEMORY_MB={process} is too little for a {part}: it needs at least {needed}")

"""What `dcos package` and `dcos kafka` say in tests that need no broker: a catalogue with one package, Kafka.

It needs the standard library alone, so that a process of it starts soon.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

Json = dict[str, Any]
Answer = tuple[int, Any]
"""The exit code, and text or a JSON document."""


class MadeUpKafka:
    """state: what is installed (version and options), and the partitions and copies of each topic; JSON.

    broker: its address, if it tells one; the state may have several as `brokers`.
    """

    def __init__(self, state: Json | None = None, *, broker: str | None = None) -> None:
        self.state: Json = state or {"installed": [], "topics": {}}
        self._brokers = [broker] if broker else self.state.get("brokers")

    def answer(self, words: list[str], options: dict[str, str], *, ready: bool = True) -> Answer:
        """What a command says. ready: whether the brokers of an installed Kafka run."""
        installed, topics = self.state["installed"], self.state["topics"]
        match words:
            case ["package", "repo", "list"]:
                return 0, {"repositories": [{"name": "Universe", "uri": "x"}]}
            case ["package", "describe", _]:
                return 0, {"package": {"name": "kafka"}}
            case ["package", "list", *_]:
                return 0, [
                    {"name": "kafka", "version": each["version"], "apps": ["/kafka"]} for each in installed
                ]
            case ["package", "install", _] if installed:
                return 1, "Package is already installed"
            case ["package", "install", _]:
                given = json.loads(Path(options["options"]).read_text())
                installed.append({"version": options.get("package-version", "1"), "options": given})
                return 0, "Installing"
            case ["kafka", "connection"]:
                return 1, "usage: dcos kafka [--name=NAME] <command>"
            case ["kafka", *_] if not installed:
                return self._unreachable()
            case ["kafka", "plan", "status", _]:
                return 0, {"status": "COMPLETE" if ready else "IN_PROGRESS", "phases": []}
            case ["kafka", "endpoints", _] if self._brokers is not None:
                vip = "broker.kafka.l4lb.thisdcos.directory:9092"
                return 0, {"address": self._brokers, "vip": vip}
            case ["kafka", "topic", "list"]:
                return 0, sorted(topics)
            case ["kafka", "topic", "create", name] if name not in topics:
                topics[name] = [int(options["partitions"]), int(options["replication"])]
                return 0, {"message": "Created"}
            case ["kafka", "topic", "delete", name] if name in topics:
                del topics[name]
                return 0, {"message": "Deleted"}
            case ["kafka", "topic", "describe", name] if name in topics:
                partitions, copies = topics[name]
                return 0, {"partitions": [{str(n): {"isr": list(range(copies))}} for n in range(partitions)]}
            case ["kafka", "topic" | "endpoints", *_]:
                return self._unreachable()
        raise AssertionError(f"pipectl issues {words}, which is not made up here")

    @staticmethod
    def _unreachable() -> Answer:
        # The scheduler's answer to all that goes wrong, and to who asks when it isn't there.
        return 1, "Could not reach the service scheduler with name 'kafka'."

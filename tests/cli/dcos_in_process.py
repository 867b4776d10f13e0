"""A `dcos` that costs no process: a small DC/OS in memory, of which one call can fail as real clients do.

It makes "every fault at every call" affordable. That a real Marathon API and real clients answer so is
what test_faults.py, and the tests of local_dcos, hold.
"""

from __future__ import annotations

import base64
import json
import subprocess
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from cli.engine.dcos.runner import Dcos
from tests.cli.made_up_kafka import MadeUpKafka

Json = dict[str, Any]
Outcome = tuple[int, str, str]
"""Exit code, stdout, stderr."""
BEGAN, LATER = "2026-01-01T00:00:00.000Z", "2026-01-02T00:00:00.000Z"


class Killed(BaseException):
    """pipectl was killed: its later calls do not reach the cluster."""


@dataclass(frozen=True)
class Fault:
    """How a call fails: `said` with exit code 1, or a hang, or pipectl itself killed meanwhile.

    after: the command is carried out first, and its answer is lost. for_good: all later calls fail too.
    """

    said: str = ""
    code: int = 1
    hang: bool = False
    kill: bool = False
    after: bool = False
    for_good: bool = False


class World:
    """Marathon and a made-up Kafka. An app is healthy at the second look at it."""

    def __init__(self) -> None:
        self.apps: dict[str, Json] = {}
        self.looked: dict[str, int] = {}
        self.kafka = MadeUpKafka(broker="10.0.0.1:1025")
        self.calls: list[str] = []
        self.fault: Fault | None = None
        self.at = 0
        self.life = 0
        self._lock = threading.Lock()

    def fail(self, at: int, fault: Fault) -> None:
        """From now on, the call of this number fails; the count begins anew."""
        self.fault, self.at, self.calls = fault, at, []

    def mend(self) -> None:
        """Nothing fails, and pipectl is started anew."""
        self.fault, self.calls = None, []
        self.life += 1

    @property
    def topics(self) -> Json:
        """Partitions and copies of each topic."""
        return cast(Json, self.kafka.state["topics"])

    @property
    def installed(self) -> list[Json]:
        """Version and options of what is installed."""
        return cast(list[Json], self.kafka.state["installed"])

    def state(self) -> Json:
        """What is there: apps and whether they are healthy, topics, what is installed."""
        healthy = [app_id for app_id, looked in self.looked.items() if app_id in self.apps and looked > 1]
        state = {"apps": self.apps, "healthy": healthy, **self.kafka.state}
        copied: Json = json.loads(json.dumps(state, sort_keys=True))
        return {**copied, "healthy": sorted(copied["healthy"])}

    def become(self, state: Json) -> None:
        """Be as another was."""
        copied = json.loads(json.dumps(state))
        self.apps = copied["apps"]
        self.kafka.state = {name: copied[name] for name in ("installed", "topics")}
        self.looked = dict.fromkeys(copied["healthy"], 2)

    @property
    def met(self) -> bool:
        """Whether there was a call to fail."""
        return len(self.calls) >= self.at

    def dcos(self, *args: Any, **kwargs: Any) -> Dcos:
        """What `cli.engine.dcos.runner.Dcos` is to a session, for this world."""
        return _InProcess(*args, **kwargs, pause=0.0, world=self, life=self.life)

    def run(self, life: int, args: Sequence[str], stdin: str) -> Outcome:
        """One command. Raises Killed, or TimeoutExpired for a hang."""
        with self._lock:
            if life != self.life:
                raise Killed
            self.calls.append(" ".join(args))
            number, fault = len(self.calls), self.fault
            if fault is None or not (number == self.at or (fault.for_good and number > self.at)):
                return self._carried_out(args, stdin)
            if fault.after:
                self._carried_out(args, stdin)
            if fault.kill:
                self.life += 1
                raise Killed
            if fault.hang:
                raise subprocess.TimeoutExpired(list(args), 60)
            # `dcos kafka` writes its errors to stdout.
            return (
                fault.code,
                *((fault.said, "") if args[0] == "kafka" or not fault.code else ("", fault.said)),
            )

    def _carried_out(self, args: Sequence[str], stdin: str) -> Outcome:
        words = [word for word in args if not word.startswith("-")]
        options = dict(word[2:].partition("=")[::2] for word in args if word.startswith("--"))
        if words[0] in ("package", "kafka"):
            code, answer = self._kafka(words, options)
        else:
            length = 3 if words[0] == "marathon" and words[1] != "about" else 2
            found = getattr(self, "_".join(["do", *words[:length]]), None)
            assert found is not None, f"pipectl issues {args}, which this world does not know"
            code, answer = found(words[length:], options, stdin)
        text = answer if isinstance(answer, str) else json.dumps(answer)
        if code == 0:
            return 0, text, ""
        return code, *((text, "") if words[0] == "kafka" else ("", text))

    def do_marathon_about(self, words: list[str], options: Json, stdin: str) -> tuple[int, Any]:
        return 0, {"name": "marathon"}

    def do_cluster_list(self, words: list[str], options: Json, stdin: str) -> tuple[int, Any]:
        return 0, []

    def do_marathon_app_list(self, words: list[str], options: Json, stdin: str) -> tuple[int, Any]:
        for app_id in self.apps:
            self.looked[app_id] += 1
        return 0, [self._view(app_id) for app_id in self.apps]

    def _view(self, app_id: str) -> Json:
        app = self.apps[app_id]
        ready = self.looked[app_id] > 1
        running = app.get("instances", 1) if ready else 0
        return {
            "instances": 1,
            **app,
            "tasksRunning": running,
            "tasksHealthy": running,
            "tasksStaged": 0,
            "deployments": [] if ready else [{"id": "d"}],
            "versionInfo": {"lastConfigChangeAt": BEGAN},
        }

    def do_marathon_app_add(self, words: list[str], options: Json, stdin: str) -> tuple[int, Any]:
        app = json.loads(stdin)
        if app["id"] in self.apps:
            return 1, f"Application '{app['id']}' already exists"
        self.apps[app["id"]], self.looked[app["id"]] = app, 0
        return 0, "Created deployment d"

    def do_marathon_app_update(self, words: list[str], options: Json, stdin: str) -> tuple[int, Any]:
        (app_id,) = words
        if app_id not in self.apps:
            return 1, f"Error: App '{app_id}' does not exist"
        self.apps[app_id], self.looked[app_id] = {**self.apps[app_id], **json.loads(stdin)}, 0
        return 0, "Created deployment d"

    def do_marathon_app_remove(self, words: list[str], options: Json, stdin: str) -> tuple[int, Any]:
        (app_id,) = words
        if self.apps.pop(app_id, None) is None:
            return 1, f"Error: App '{app_id}' does not exist"
        return 0, ""

    def do_marathon_app_show(self, words: list[str], options: Json, stdin: str) -> tuple[int, Any]:
        (app_id,) = words
        if app_id not in self.apps:
            return 1, f"Error: App '{app_id}' does not exist"
        return 0, self._view(app_id)

    def do_marathon_task_list(self, words: list[str], options: Json, stdin: str) -> tuple[int, Any]:
        return 0, [
            {"appId": app_id, "id": f"{app_id}.{number}", "version": LATER, "startedAt": LATER}
            for app_id in self.apps
            for number in range(self._view(app_id)["tasksRunning"])
        ]

    def do_marathon_debug_list(self, words: list[str], options: Json, stdin: str) -> tuple[int, Any]:
        return 0, {"queue": []}

    def do_job_list(self, words: list[str], options: Json, stdin: str) -> tuple[int, Any]:
        return 0, []

    def do_config_show(self, words: list[str], options: Json, stdin: str) -> tuple[int, Any]:
        return 0, "https://dcos.example.com"

    def _kafka(self, words: list[str], options: Json) -> tuple[int, Any]:
        """A command of the catalogue or of Kafka. It is ready at the second look, as apps are."""
        before = len(self.installed)
        if words[:2] == ["kafka", "plan"]:
            self.looked["/kafka"] = self.looked.get("/kafka", 0) + 1
        outcome = self.kafka.answer(words, options, ready=self.looked.get("/kafka", 0) > 1)
        if len(self.installed) > before:
            label = base64.b64encode(json.dumps(self.installed[-1]["options"]).encode()).decode()
            self.apps["/kafka"] = {"id": "/kafka", "labels": {"DCOS_PACKAGE_OPTIONS": label}}
            self.looked["/kafka"] = 0
        return outcome


@dataclass(frozen=True)
class _InProcess(Dcos):
    world: World = field(default_factory=World, repr=False)
    life: int = 0

    def _execute(self, args: Sequence[str], stdin: str, limit: float) -> Outcome:
        return self.world.run(self.life, args, stdin)

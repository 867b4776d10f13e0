"""The life of a job on a FakeFlink: all parts are real but Flink, what the submitting process does, and time.

As a program it is a submitter in a process of its own, which can be killed:
`python -m tests.flink_scripts.life HOST:PORT FOLDER GATE`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from flink_scripts.chore import Chore
from flink_scripts.clock import Clock
from flink_scripts.files import LocalFiles
from flink_scripts.health import Health
from flink_scripts.loop import Loop
from flink_scripts.observer import Observer
from flink_scripts.reporter import Reporter
from flink_scripts.rest import Rest
from flink_scripts.settings import file_uri
from flink_scripts.state import StateFolder
from flink_scripts.stopper import Stopper
from flink_scripts.submitter import Submitter
from flink_scripts.waiter import Waiter
from tests.flink_scripts.fake_flink import TOKEN

NAME = "demo"
OURS = "ours"
"""The identity of the job that is wanted."""
# What the submitting process is in these tests: it says that it is there, waits until its gate, a folder, is
# open, and hands the job in.
HAND_IN = """
import pathlib, ssl, sys, time, urllib.request
url, body, gate = sys.argv[1:]
if gate:
    pathlib.Path(gate, "waiting").touch()
    end = time.monotonic() + 60
    while not pathlib.Path(gate, "open").exists() and time.monotonic() < end:
        time.sleep(0.01)
request = urllib.request.Request(url, body.encode(), method="POST")
urllib.request.urlopen(request, timeout=10, context=ssl._create_unverified_context()).close()
"""


class SteppingClock(Clock):
    """Time that passes only where it is waited for; each wait then runs the next step of the test."""

    def __init__(self) -> None:
        self.time = 0.0
        self.steps: deque[Callable[[], object]] = deque()

    def now(self) -> float:
        return self.time

    def wait(self, event: threading.Event, seconds: float) -> bool:
        self.sleep(seconds)
        if self.steps:
            self.steps.popleft()()
        return event.is_set()

    def sleep(self, seconds: float) -> None:
        self.time += seconds
        assert self.time < 10_000, "nothing ends this"


class Life:
    """One submitter process's life, in this thread. `program` is what the submitting process runs."""

    def __init__(
        self, address: tuple[str, int], folder: Path, *, gate: str = "", clock: Clock | None = None
    ) -> None:
        self._address = address
        self._gate = gate
        self.program = HAND_IN
        self.waits_for_it = not gate
        self.clock = clock or SteppingClock()
        self.stop = threading.Event()
        self.health = Health("starting")
        self.lines: list[str] = []
        self.submitting: list[subprocess.Popen[bytes]] = []
        self.snapshots: list[str | None] = []
        self.job_ids: list[str] = []
        self.before_launch: Callable[[], object] = lambda: None
        self.chores: list[Chore] = []
        self.has_progress = False
        self.state = self._state_of("shape", folder)
        self.folder = folder

    def run(self) -> int:
        rest = Rest("{}:{}".format(*self._address), TOKEN)
        stopper = Stopper(rest, self.clock, self.log)
        loop = Loop(
            name=NAME,
            identity=OURS,
            state=self.state,
            state_of=lambda shape: self._state_of(shape, self.folder),
            has_progress=lambda: self.has_progress,
            observer=Observer(rest, NAME),
            stopper=stopper,
            submitter=Submitter(
                "python -m demo",
                NAME,
                {"a": "1"},
                self._launch,
                rest,
                stopper,
                self.clock,
                self.stop,
                self.log,
            ),
            reporter=Reporter(1, self.state.problem, self.health, self.clock, self.log),
            waiter=Waiter(self.health, self.clock, self.stop, self.log),
            chores=self.chores,
            clock=self.clock,
            health=self.health,
            stop=self.stop,
            log=self.log,
        )
        return loop.run()

    def log(self, line: str) -> None:
        self.lines.append(line)

    def said(self, text: str) -> bool:
        return any(text in line for line in self.lines)

    def then(self, *steps: Callable[[], object]) -> None:
        """What happens during the next waits, one step each."""
        assert isinstance(self.clock, SteppingClock)
        self.clock.steps.extend(steps)

    def _state_of(self, shape: str, folder: Path) -> StateFolder:
        return StateFolder(file_uri(folder), NAME, shape, LocalFiles())

    def _launch(self, snapshot: str | None, job_id: str) -> subprocess.Popen[bytes]:
        self.snapshots.append(snapshot)
        self.job_ids.append(job_id)
        self.before_launch()
        body = json.dumps({"id": job_id, "name": NAME, "identity": OURS})
        url = f"https://{self._address[0]}:{self._address[1]}/submit"
        argv: Sequence[str] = [sys.executable, "-c", self.program, url, body, self._gate]
        process = subprocess.Popen(argv, start_new_session=True, stderr=subprocess.DEVNULL)
        self.submitting.append(process)
        if self.waits_for_it:  # the clock of a test does not wait for a real process
            process.wait(30)
        return process


def main(address: str, folder: str, gate: str) -> None:
    """Submit with the machine's own clock."""
    host, _, port = address.partition(":")
    Life((host, int(port)), Path(folder), gate=gate, clock=Clock()).run()


if __name__ == "__main__":
    main(*sys.argv[1:])

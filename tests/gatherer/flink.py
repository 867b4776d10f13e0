"""A real Flink, and a job on it, run by our own entry points."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from flink_scripts.tls import rest_context
from tests.no_answer import NO_ANSWER
from tests.ports import free_ports

PATIENCE = 180.0


def wait_until(condition: Callable[[], Any], what: str | Callable[[], str], seconds: float = PATIENCE) -> Any:
    """Wait for a condition, and return what it returned. what: for the failure, made when there is one."""
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            pytest.fail(f"not within {seconds:.0f} s: {what if isinstance(what, str) else what()}")
        time.sleep(0.05)


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill a process of a session of its own, and what it started: a TaskManager has Python workers."""
    with contextlib.suppress(ProcessLookupError):  # it may have ended by itself
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _let_archive(process: subprocess.Popen[bytes]) -> None:
    """Let a JVM that is to write its archive of classes end by itself; the next ones start faster."""
    with contextlib.suppress(psutil.Error):
        command = " ".join(psutil.Process(process.pid).cmdline())
        if "ArchiveClassesAtExit" in command:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(60)


class Flink:
    """One JobManager and TaskManagers on fixed ports, so that each can be killed and return."""

    def __init__(self, folder: Path, slots: int = 4) -> None:
        self.folder = folder
        rpc, rest, task_rpc, task_data = free_ports(4)
        self.environ = {
            **os.environ,
            "HOST": "127.0.0.1",
            # It lives for minutes: it must start fast, not compute fast.
            "FLINK_JVM_OPTIONS": "-XX:TieredStopAtLevel=1",
            "FLINK_JOBMANAGER_RPC": f"127.0.0.1:{rpc}",
            "FLINK_JOBMANAGER_REST": f"127.0.0.1:{rest}",
            "FLINK_STATE": f"file://{folder}/the state",
        }
        self.token = secrets.token_hex(32)
        self._roles = {
            "jobmanager": {"PORT_RPC": rpc, "PORT_REST": rest, "FLINK_MEMORY_MB": 1024},
            "taskmanager": {
                "PORT_RPC": task_rpc,
                "PORT_DATA": task_data,
                "FLINK_SLOTS": slots,
                "FLINK_MEMORY_MB": 1280 + 256 * slots,
            },
        }
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._argv: dict[str, tuple[list[str], dict[str, str]]] = {}
        self._lock, self._end = threading.Lock(), threading.Event()
        threading.Thread(target=self._supervise, daemon=True).start()

    def start(self, role: str, name: str = "", **environ: str) -> None:
        """Start a role; one more of it under a name of its own, on ports of its own."""
        values = {name: str(value) for name, value in self._roles[role].items()} | environ
        if name:
            values |= dict(zip(("PORT_RPC", "PORT_DATA"), map(str, free_ports(2)), strict=True))
        with self._lock:
            self._argv[name or role] = ["-m", "flink_scripts", role], values
            self._processes[name or role] = self.run(name or role, [role], values)

    def run(self, name: str, args: list[str], environ: dict[str, str]) -> subprocess.Popen[bytes]:
        return self._run_python(name, ["-m", "flink_scripts", *args], environ)

    def run_python(self, role: str, args: list[str], environ: dict[str, str]) -> None:
        """Start a role by other means than `start`."""
        self._processes[role] = self._run_python(role, args, environ)

    def _run_python(self, name: str, args: list[str], environ: dict[str, str]) -> subprocess.Popen[bytes]:
        sandbox = self.folder / name
        sandbox.mkdir(parents=True, exist_ok=True)
        with (sandbox / "stdout").open("ab") as output:
            return subprocess.Popen(
                [sys.executable, *args],
                env={**self.environ, "FLINK_TOKEN": self.token, **environ, "MESOS_SANDBOX": str(sandbox)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def pid(self, role: str) -> int:
        return self._processes[role].pid

    def kill(self, role: str) -> None:
        with self._lock:
            process = self._processes.pop(role)
        _kill_group(process)

    def freeze(self, role: str) -> None:
        """Stop a role and its workers where they are."""
        os.killpg(self._processes[role].pid, signal.SIGSTOP)

    def thaw(self, role: str) -> None:
        os.killpg(self._processes[role].pid, signal.SIGCONT)

    def _supervise(self) -> None:
        """Start again what ended by itself, as Marathon does."""
        while not self._end.wait(0.2):
            with self._lock:
                for name, (args, environ) in self._argv.items():
                    process = self._processes.get(name)
                    if process is not None and process.poll() is not None:
                        _kill_group(process)
                        self._processes[name] = self._run_python(name, args, environ)

    def stop(self) -> None:
        self._end.set()
        with self._lock:
            processes, self._processes = self._processes, {}
        for process in processes.values():
            _let_archive(process)
            _kill_group(process)

    def log(self, role: str) -> str:
        """All that a role has printed."""
        return (self.folder / role / "stdout").read_text(errors="replace")

    def rest(self, path: str) -> Any:
        """What the JobManager answers, None when it does not, or with an error."""
        url = f"https://{self.environ['FLINK_JOBMANAGER_REST']}{path}"
        headers = {"Authorization": f"Bearer {self.token}"}
        try:
            answer = httpx.get(
                url, headers=headers, verify=rest_context(self.token), timeout=5, trust_env=False
            )
        except httpx.TransportError:
            return None
        return answer.json() if answer.is_success else None


class App:
    """The gatherer app as Marathon runs it: the submit-and-watch process."""

    def __init__(self, flink: Flink, name: str, environ: dict[str, str]) -> None:
        self.flink, self.name = flink, name
        (port,) = free_ports(1)
        self.environ = {**environ, "JOB_NAME": name, "PORT0": str(port)}
        self._url = f"http://127.0.0.1:{port}/health"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, **environ: str) -> None:
        self.environ.update(environ)
        self.process = self.flink.run(self.name, ["job", "gatherer"], self.environ)

    def health(self) -> dict[str, Any]:
        try:
            with urllib.request.urlopen(self._url, timeout=5) as answer:
                return {**json.load(answer), "status": answer.status}
        except urllib.error.HTTPError as error:
            with error:
                return {**json.load(error), "status": error.code}
        except NO_ANSWER:
            return {"healthy": False, "status": None, "reason": "no answer"}

    def until_healthy(self) -> None:
        def healthy() -> bool:
            assert self.process is not None and self.process.poll() is None, self.output()
            return bool(self.health()["healthy"])

        wait_until(
            healthy, lambda: f"{self.name} healthy; it answers {self.health()} and says:\n{self.output()}"
        )

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def output(self) -> str:
        return (self.flink.folder / self.name / "stdout").read_text()

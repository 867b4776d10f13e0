"""A standalone cluster of real processes on loopback."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
from pathlib import Path

import psutil

from tests.ports import free_ports
from tests.strangers import listening

END_SECONDS = 30.0


class Standalone:
    """A master and a worker, each in a process group of its own. variables: those of a job on them.
    secret: theirs.
    """

    def __init__(self, folder: Path) -> None:
        rpc, master_web, worker_rpc, worker_web = map(str, free_ports(4))
        self.secret = secrets.token_hex()
        file = folder / "secret"
        file.write_text(self.secret)
        self.variables = {"SPARK_MASTER": f"spark://127.0.0.1:{rpc}", "SPARK_SECRET_FILE": str(file)}
        self._folder = folder
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._environs = {
            "master": {"PORT_RPC": rpc, "PORT_WEB": master_web},
            "worker": {
                "PORT_RPC": worker_rpc,
                "PORT_WEB": worker_web,
                "SPARK_CORES": "1",
                "SPARK_MEMORY_MB": "1024",
            },
        }

    def start(self, role: str) -> None:
        folder = self._folder / role
        folder.mkdir(exist_ok=True)
        environ = {**os.environ, "HOST": "127.0.0.1", **self.variables, **self._environs[role]}
        with (folder / "output").open("ab") as output:
            self._processes[role] = subprocess.Popen(
                [sys.executable, "-m", "spark_jobs", "standalone", role],
                cwd=folder,
                env=environ,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def listening(self, role: str) -> list[tuple[str, int]]:
        """The addresses on which a process listens."""
        return listening(psutil.Process(self._processes[role].pid))

    def kill(self, role: str) -> None:
        """End a process and its executors as a crash of their machine would."""
        process = self._processes.pop(role)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(END_SECONDS)

    def stop(self) -> None:
        """End all. Until now, they have listened on loopback only."""
        for role, process in self._processes.items():
            if process.poll() is None:
                for ip, port in self.listening(role):
                    assert ip.endswith("127.0.0.1"), port
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(END_SECONDS)

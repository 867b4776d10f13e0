"""Random kills and a reboot: nothing is missing, duplicated, wrong or lost. bench/chaos.py kills more."""

from __future__ import annotations

import os
import signal
from contextlib import suppress

import pytest

from local_dcos.home import Home
from tests.e2e.chaos import Chaos
from tests.e2e.cluster import Cluster

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]

# Slower than on an idle machine: a window counts as fresh although other tests take the CPU.
FRESH_SECONDS = 15.0


def test_five_kills_at_random_and_a_reboot_lose_nothing(pipectl, changeable_bundle):
    lines: list[str] = []
    chaos = Chaos(Cluster(Home(pipectl.home / "cluster")), seed=1, fresh=FRESH_SECONDS, say=lines.append)
    report = chaos.run(5, then=lambda: reboot(pipectl))
    assert report.exact, "\n".join([*lines, *report.lines()])
    assert report.recount is not None and len(report.recount.due) > 100
    # A kill may find its component still starting, but most do not.
    assert len({name for killed in report.killed for name in killed}) > 2, report.killed


def reboot(pipectl) -> None:
    """End every process at once, and deploy again."""
    for process in pipectl.processes():
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
    pipectl.run("deploy", "--yes")
    (job,) = pipectl.api("service/volatility-flink/jobs/overview")["jobs"]
    checkpoints = pipectl.api(f"service/volatility-flink/jobs/{job['jid']}/checkpoints")
    assert "/chk-" in checkpoints["latest"]["restored"]["external_path"]

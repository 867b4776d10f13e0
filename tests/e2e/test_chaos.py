"""Kills, at random and all at once: nothing is missing, doubled, wrong or lost. bench/chaos.py kills more."""

from __future__ import annotations

import os
import signal
from contextlib import suppress

import pytest

from local_dcos.home import Home
from tests.e2e.chaos import Chaos, Report, settle
from tests.e2e.cluster import Cluster
from tests.e2e.ledger import Ledger

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

# Slower than on an idle machine: a window counts as fresh although other tests take the CPU.
FRESH_SECONDS = 15.0


def cluster_of(pipectl) -> Cluster:
    return Cluster(Home(pipectl.home / "cluster"))


def test_five_kills_at_random_lose_nothing(pipectl, changeable_bundle):
    lines: list[str] = []
    report = Chaos(cluster_of(pipectl), seed=1, fresh=FRESH_SECONDS, say=lines.append).run(5)
    assert report.exact, "\n".join([*lines, *report.lines()])
    assert report.recount is not None and len(report.recount.due) > 100
    # A kill may find its component still starting, but most do not.
    assert len({name for killed in report.killed for name in killed}) > 2, report.killed


def test_after_a_reboot_a_deploy_goes_on_from_the_checkpoint(pipectl, changeable_bundle):
    cluster = cluster_of(pipectl)
    with Ledger(cluster) as ledger:
        ledger.read()
        for process in pipectl.processes():
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
        pipectl.run("deploy", "--yes")
        (job,) = pipectl.api("service/volatility-flink/jobs/overview")["jobs"]
        restored = pipectl.api(f"service/volatility-flink/jobs/{job['jid']}/checkpoints")["latest"][
            "restored"
        ]
        assert "/chk-" in restored["external_path"]
        report = settle(cluster, ledger, Report())
    assert report.exact, "\n".join(report.lines())

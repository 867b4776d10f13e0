"""The JobManager is behind a VIP, TaskManagers come and go while data flows, and every window is exact."""

from __future__ import annotations

from typing import Any

import pytest

from tests.gatherer.forwarder import VIP, forwarding
from tests.ports import free_ports

pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(600)]

SYMBOLS = ["AAPL", "AMZN", "GOOG"]
# Small things go to the TaskManagers by RPC; this makes the JobManager send all through its file server.
OFFLOAD = """
import sys
from flink_scripts import processes
options = processes.jobmanager_options
processes.jobmanager_options = lambda *given: {**options(*given), "blob.offload.minsize": "1"}
from flink_scripts.__main__ import main
sys.exit(main(["jobmanager"]))
"""


def _until_note(bundle: Any, note: str | None) -> None:
    def said() -> bool:
        health = bundle.app.health()
        return bool(health["healthy"]) and health.get("note") == note

    bundle.wait_until(said, f"healthy with the note {note}")


def test_taskmanagers_come_and_go_behind_a_vip(own_flink: Any, bundle_on: Any, feed_of: Any) -> None:
    """The job uses the slots that there are. The JobManager listens on other ports than the VIP has."""
    flink = own_flink(slots=1)
    rpc, rest, blob = free_ports(3)
    vip_rpc, vip_rest = free_ports(2, VIP)
    flink.environ |= {
        "FLINK_JOBMANAGER_RPC": f"{VIP}:{vip_rpc}",
        "FLINK_JOBMANAGER_REST": f"{VIP}:{vip_rest}",
    }
    bound = {"PORT_RPC": str(rpc), "PORT_REST": str(rest), "PORT_BLOB": str(blob), "FLINK_MEMORY_MB": "1024"}
    with forwarding({vip_rpc: rpc, vip_rest: rest, blob: blob}) as vip:
        flink.run_python("jobmanager", ["-c", OFFLOAD], bound)
        flink.start("taskmanager")
        bundle = bundle_on(flink)
        feed = feed_of(bundle, SYMBOLS)
        bundle.app.start(FLINK_PARALLELISM="3")
        _until_note(bundle, "on 1 of 3 slots")
        bundle.until_progress(9)

        flink.start("taskmanager", "second", FLINK_SLOTS="2")
        _until_note(bundle, None)
        bundle.until_progress(9)

        flink.kill("second")
        _until_note(bundle, "on 1 of 3 slots")
        bundle.until_progress(9)

        assert len(flink.rest("/jobs/overview")["jobs"]) == 1, "it is the same job all the time"
        assert bundle.verify(SYMBOLS, until=feed.close()) > 60
        assert vip.taken[vip_rpc] and vip.taken[vip_rest] and vip.taken[blob], vip.taken
        flink.stop()

"""`python -m data_generator.sources.system`: writes measurements of this machine, once a second."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from datetime import datetime

import click
import psutil

from data_generator.sources.exact import Target
from data_generator.sources.measurements import options, run
from kafka_topic.contracts import Measurement

SOURCE = "system"
SECONDS = 1.0
UNITS = {
    "cpu": "%",
    "load_1m": "1",
    "memory": "%",
    "swap": "%",
    "disk": "%",
    "disk_read": "bytes/s",
    "disk_written": "bytes/s",
    "network_received": "bytes/s",
    "network_sent": "bytes/s",
}
"""What is measured. cpu: all processors, since the previous sample. memory, swap, disk: the used share."""
_RATES = ("disk_read", "disk_written", "network_received", "network_sent")


class Machine:
    """This machine. Rates are since the previous sample."""

    def __init__(self) -> None:
        self._host = socket.gethostname()
        psutil.cpu_percent()  # starts the measurement
        self._before: tuple[datetime, Sequence[float]] | None = None

    def sample(self, number: int, moment: datetime) -> list[Measurement]:
        """One measurement for each of UNITS; the first sample has no rates."""
        found = {
            "cpu": psutil.cpu_percent(),
            "load_1m": psutil.getloadavg()[0],
            "memory": psutil.virtual_memory().percent,
            "swap": psutil.swap_memory().percent,
            "disk": psutil.disk_usage("/").percent,
            **self._rates(moment),
        }
        return [
            Measurement(moment, name, float(found[name]), unit, self._host)
            for name, unit in UNITS.items()
            if name in found
        ]

    def _rates(self, moment: datetime) -> dict[str, float]:
        disk, network = psutil.disk_io_counters(), psutil.net_io_counters()
        totals = (
            disk.read_bytes if disk else 0.0,
            disk.write_bytes if disk else 0.0,
            network.bytes_recv if network else 0.0,
            network.bytes_sent if network else 0.0,
        )
        before, self._before = self._before, (moment, totals)
        if before is None or (seconds := (moment - before[0]).total_seconds()) <= 0:
            return {}
        # A counter that was reset, for example by a removed device, must not give a negative rate.
        return {
            name: max(0.0, now - then) / seconds
            for name, now, then in zip(_RATES, totals, before[1], strict=True)
        }


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@options("monitoring")
def main(bootstrap_servers: str, topic: str, count: int | None, patience: float) -> None:
    """Write measurements of this machine once a second."""
    run(Machine().sample, SECONDS, count, Target(bootstrap_servers, topic, SOURCE, patience))


if __name__ == "__main__":
    main()

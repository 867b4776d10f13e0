"""`python -m data_generator.sources.replay FILE…`: writes historical prices from CSV and Parquet files."""

from __future__ import annotations

import hashlib
import logging
import sys
import threading
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import click

from data_generator.errors import DeliveryError
from data_generator.sources.exact import Record, Target, write_exactly
from data_generator.sources.history import Columns, Past, read_history
from data_generator.sources.ledger import Written
from kafka_topic.contracts import Price
from kafka_topic.errors import SecurityError
from task_runtime.errors import SettingsError
from task_runtime.process import log_to_stderr, stop_event

_LOG = logging.getLogger("data_generator")
_AT_ONCE = 0.0


class Replay:
    """Historical prices. The time between two of them is the original one, divided by the speed.

    speed: 0 means as fast as possible.
    """

    def __init__(self, past: Sequence[Past], speed: float, stop: threading.Event) -> None:
        self._past = past
        self._speed = speed
        self._stop = stop
        self._began: tuple[float, float] | None = None

    def make(self, start: int, stop: int, began: Written) -> list[Record]:
        """The records that are due; waits for the first one."""
        if self._speed != _AT_ONCE:
            if self._began is None:
                self._began = time.monotonic(), self._past[start].ts.timestamp()
            if self._stop.wait(max(0.0, self._due(start) - time.monotonic())):
                return []
            now = time.monotonic()
            stop = next((n for n in range(start + 1, stop) if self._due(n) > now), stop)
        return [
            Record(each.symbol, Price(each.ts, each.symbol, each.price).to_json())
            for each in self._past[start:stop]
        ]

    def _due(self, number: int) -> float:
        wall, then = self._began or (0.0, 0.0)
        return wall + (self._past[number].ts.timestamp() - then) / self._speed


def source_of(past: Sequence[Past]) -> str:
    """The name of the source: other prices are another source, so each history is written once."""
    digest = hashlib.sha256()
    for each in past:
        digest.update(f"{each.ts.isoformat()} {each.symbol} {each.price!r}\n".encode())
    return f"replay-{digest.hexdigest()[:12]}"


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.argument(
    "files", nargs=-1, type=click.Path(path_type=Path, dir_okay=False), envvar="FILES", required=True
)
@click.option("--bootstrap-servers", envvar="KAFKA_BOOTSTRAP_SERVERS", show_envvar=True, required=True)
@click.option("--topic", envvar="TOPIC", show_envvar=True, default="replay")
@click.option(
    "--speed", envvar="SPEED", show_envvar=True, type=click.FloatRange(min=0), default=0.0,
    help="1 is the original pace, 10 is ten times faster, 0 is as fast as possible.",
)  # fmt: skip
@click.option("--time-column", envvar="TIME_COLUMN", show_envvar=True, help="By default, found by its name.")
@click.option(
    "--price-column", envvar="PRICE_COLUMN", show_envvar=True, help="By default, found by its name."
)
@click.option(
    "--symbol-column", envvar="SYMBOL_COLUMN", show_envvar=True,
    help="By default, found by its name. Without such a column, the symbol is the name of the file.",
)  # fmt: skip
@click.option(
    "--time-zone", envvar="TIME_ZONE", show_envvar=True, default="UTC",
    help="Of times without an offset, such as America/New_York.",
)  # fmt: skip
@click.option(
    "--time-format", envvar="TIME_FORMAT", show_envvar=True,
    help="As in Python, such as %m/%d/%Y; by default ISO 8601, or a number since 1970.",
)  # fmt: skip
@click.option(
    "--since", envvar="SINCE", show_envvar=True, type=click.DateTime(),
    help="Leave out earlier prices.",
)  # fmt: skip
@click.option("--patience", default=60.0, help="Give up after this many seconds without a write.")
def main(
    files: tuple[Path, ...],
    bootstrap_servers: str,
    topic: str,
    speed: float,
    time_column: str | None,
    price_column: str | None,
    symbol_column: str | None,
    time_zone: str,
    time_format: str | None,
    since: datetime | None,
    patience: float,
) -> None:
    """Write the prices in FILES in the order of their time, each once, with their original event times."""
    log_to_stderr("data_generator")
    stop = stop_event()
    try:
        columns = Columns(time_column, price_column, symbol_column, time_zone, time_format, since)
        past, skipped = read_history(files, columns)
        target = Target(bootstrap_servers, topic, source_of(past), patience)
        wrote = write_exactly(len(past), Replay(past, speed, stop).make, target, stop)
    except (SettingsError, SecurityError, DeliveryError) as error:
        _LOG.error("%s", error)
        sys.exit(error.exit_code)
    left_out = f"; {skipped} lines without a price were skipped" if skipped else ""
    click.echo(f"{len(past)} prices are in {topic}; this run wrote {wrote}{left_out}")


if __name__ == "__main__":
    main()

"""`python -m data_generator.sources.census`: writes a small data set of the US Census Bureau, once.

census.csv beside this file holds five percentages of the 50 states and the District of Columbia in 2009. The
data are in the public domain; they come from the American Community Survey and the Statistical Abstract, as
collected in the data set `statecrime` of the package statsmodels. The regions are the Census Bureau's.
"""

from __future__ import annotations

import csv
import hashlib
import io
import logging
import sys
from pathlib import Path

import click

from data_generator.errors import DeliveryError
from data_generator.sources.exact import BLOCK, Record, Target, write_exactly
from data_generator.sources.ledger import Written
from kafka_topic.contracts import CensusValue
from kafka_topic.errors import SecurityError
from task_runtime.process import log_to_stderr, stop_event

_LOG = logging.getLogger("data_generator")
_FILE = Path(__file__).with_name("census.csv")
_UNIT = "%"


def values_of(data: bytes) -> list[CensusValue]:
    """The values in a file of the form of census.csv. A version is a digest of its bytes."""
    version = hashlib.sha256(data).hexdigest()[:12]
    rows = csv.DictReader(io.StringIO(data.decode()))
    return [
        CensusValue(version, row["state"], row["region"], name, float(value), _UNIT)
        for row in rows
        for name, value in row.items()
        if name not in ("state", "region")
    ]


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option("--bootstrap-servers", envvar="KAFKA_BOOTSTRAP_SERVERS", show_envvar=True, required=True)
@click.option("--topic", envvar="TOPIC", show_envvar=True, default="census")
@click.option(
    "--file", type=click.Path(path_type=Path, dir_okay=False, exists=True), default=_FILE, show_default=False,
    help="Another data set of the same form.",
)  # fmt: skip
@click.option("--patience", default=60.0, help="Give up after this many seconds without a write.")
def main(bootstrap_servers: str, topic: str, file: Path, patience: float) -> None:
    """Write the data set unless the topic already holds this version of it."""
    log_to_stderr("data_generator")
    values = values_of(file.read_bytes())
    # One transaction: readers see all of a version or nothing.
    if not 0 < len(values) <= BLOCK:
        raise click.UsageError(f"{file} holds {len(values)} values; 1 to {BLOCK} are possible")

    def make(start: int, stop: int, began: Written) -> list[Record]:
        return [Record(each.place, each.to_json()) for each in values[start:stop]]

    target = Target(bootstrap_servers, topic, f"census-{values[0].version}", patience)
    try:
        wrote = write_exactly(len(values), make, target, stop_event())
    except (SecurityError, DeliveryError) as error:
        _LOG.error("%s", error)
        sys.exit(error.exit_code)
    click.echo(f"{len(values)} values, version {values[0].version}, are in {topic}; this run wrote {wrote}")


if __name__ == "__main__":
    main()

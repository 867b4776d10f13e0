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
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import click

from data_generator.errors import DeliveryError
from data_generator.sources.exact import BLOCK, Record, Target, write_exactly
from data_generator.sources.ledger import SOURCE, Written
from kafka_topic.brokers import Brokers, read_between
from kafka_topic.connection import open_consumer
from kafka_topic.contracts import CensusValue
from kafka_topic.errors import KafkaTopicError, SecurityError
from task_runtime.errors import SettingsError
from task_runtime.process import log_to_stderr, stop_event

_LOG = logging.getLogger("data_generator")
_FILE = Path(__file__).with_name("census.csv")
_UNIT = "%"
_PREFIX = "census-"


def values_of(file: Path) -> list[CensusValue]:
    """The values in a file of the form of census.csv. Their version is a digest of its bytes.

    Raises SettingsError, which names the file and the line.
    """
    data = file.read_bytes()
    version = hashlib.sha256(data).hexdigest()[:12]
    values: list[CensusValue] = []
    line = 1
    try:
        rows = csv.DictReader(io.StringIO(data.decode()), restkey="", strict=True)
        for row in rows:
            line = rows.line_num
            state, region = row.pop("state"), row.pop("region")
            values += [
                CensusValue(version, state, region, name, float(value), _UNIT) for name, value in row.items()
            ]
    except KeyError as error:
        raise SettingsError(f"{file}: no column {error.args[0]}") from error
    except (ValueError, TypeError, csv.Error) as error:
        raise SettingsError(f"{file}:{line}: {error}") from error
    return values


def version_to_load(digest: str, loaded: Sequence[str]) -> str:
    """The version under which a file is loaded, given those in the topic, the newest last.

    The newest one if it is this file. A file that comes back after another one is a version of its own:
    "a1b2-2".
    """
    if loaded and loaded[-1].partition("-")[0] == digest:
        return loaded[-1]
    times = sum(each.partition("-")[0] == digest for each in loaded)
    return f"{digest}-{times + 1}" if times else digest


def _loaded(bootstrap_servers: str, topic: str, patience: float) -> list[str]:
    """The versions in a topic in the order in which they were loaded. Raises DeliveryError."""
    brokers = Brokers(bootstrap_servers, timeout=patience)
    newest: dict[str, int] = {}
    try:
        places = brokers.partitions([topic]).get(topic, [])
        begins, ends = brokers.earliest(places), brokers.committed_ends(places)
        with closing(open_consumer(bootstrap_servers, enable_partition_eof=True)) as consumer:
            for message in read_between(consumer, begins, ends, deadline=time.monotonic() + patience):
                source = dict(message.headers() or ()).get(SOURCE)
                if isinstance(source, bytes) and source.startswith(_PREFIX.encode()):
                    version = source.decode().removeprefix(_PREFIX)
                    newest[version] = max(newest.get(version, 0), message.timestamp()[1])
    except KafkaTopicError as error:
        raise DeliveryError(f"cannot read what is in {topic}: {error}; run it again") from None
    return sorted(newest, key=lambda version: newest[version])


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option("--bootstrap-servers", envvar="KAFKA_BOOTSTRAP_SERVERS", show_envvar=True, required=True)
@click.option("--topic", envvar="TOPIC", show_envvar=True, default="census")
@click.option(
    "--file", type=click.Path(path_type=Path, dir_okay=False, exists=True), default=_FILE, show_default=False,
    help="Another data set of the same form.",
)  # fmt: skip
@click.option("--patience", default=60.0, help="Give up after this many seconds without a write.")
def main(bootstrap_servers: str, topic: str, file: Path, patience: float) -> None:
    """Write the data set unless it is the one that the topic got last."""
    log_to_stderr("data_generator")
    try:
        values = values_of(file)
        # One transaction: readers see all of a version or nothing.
        if not 0 < len(values) <= BLOCK:
            raise SettingsError(f"{file} holds {len(values)} values; 1 to {BLOCK} are possible")

        version = version_to_load(values[0].version, _loaded(bootstrap_servers, topic, patience))
        values = [replace(value, version=version) for value in values]

        def make(start: int, stop: int, began: Written) -> list[Record]:
            return [Record(each.place, each.to_json()) for each in values[start:stop]]

        target = Target(bootstrap_servers, topic, f"{_PREFIX}{version}", patience)
        wrote = write_exactly(len(values), make, target, stop_event())
    except (SettingsError, SecurityError, DeliveryError) as error:
        _LOG.error("%s", error)
        sys.exit(error.exit_code)
    click.echo(f"{len(values)} values, version {version}, are in {topic}; this run wrote {wrote}")


if __name__ == "__main__":
    main()

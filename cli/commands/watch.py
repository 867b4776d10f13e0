"""`pipectl watch`: movingaverage records as they come."""

import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import click

from cli import options
from cli import output as out
from cli.deployed import deployed
from cli.errors import PipectlError, UsageProblem, WaitTimeout
from cli.session import session
from kafka_topic.contracts import MovingAverage


@click.command("watch")
@options.common_options
@click.option(
    "--position", "wanted", metavar="SYMBOL", multiple=True, help="Only this position; may be repeated."
)
@click.option("--count", type=click.IntRange(min=1), help="Stop after so many records.")
@click.option("--from-beginning", is_flag=True, help="Start with the oldest record that the topic still has.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    help="Give up after so many seconds without a record.",
)
def command(
    cluster: str | None,
    files: tuple[Path, ...],
    overrides: tuple[str, ...],
    output: str,
    verbose: bool,
    wanted: tuple[str, ...],
    count: int | None,
    from_beginning: bool,
    timeout: float | None,
) -> None:
    """Show movingaverage records as they come: a table that refreshes, or with `-o json` one record a line.

    Only committed records are shown, each once. Ctrl-C stops.

    \b
    Example:
      pipectl watch --position AAPL
      pipectl watch -o json --count 10
    """
    from kafka_topic.consumer import MovingAverageConsumer
    from kafka_topic.errors import KafkaTopicError

    run = session(cluster, files, overrides, verbose, reads_only=True)
    bundle = deployed(run)
    unknown = sorted(set(wanted) - set(bundle.positions))
    if unknown:
        raise UsageProblem(
            f"no position {', '.join(unknown)} in this bundle", hint=f"it has {', '.join(bundle.positions)}"
        )
    try:
        with MovingAverageConsumer(
            bundle.bootstrap_servers,
            prefix=bundle.prefix,
            positions=wanted or None,
            start="beginning" if from_beginning else "latest",
            timeout=timeout,
        ) as consumer:
            records = islice(consumer, count)
            if output == "json":
                for record in records:
                    click.echo(record.to_json())
            elif sys.stdout.isatty():
                _refresh(records)
            else:
                _lines(records)
    except KeyboardInterrupt:
        pass
    except TimeoutError as error:
        raise WaitTimeout(str(error), hint="`pipectl status` shows what holds it up") from None
    except KafkaTopicError as error:
        raise PipectlError(str(error), hint="`pipectl status` shows what holds it up") from None


def _refresh(records: Iterator[MovingAverage]) -> None:
    """The newest record of every position, in place."""
    from rich.live import Live

    newest: dict[str, MovingAverage] = {}
    with Live(auto_refresh=False) as live:
        for record in records:
            newest[record.symbol] = record
            rows = (out.record_row(newest[symbol]) for symbol in sorted(newest))
            live.update(out.table(out.RECORD_COLUMNS, rows), refresh=True)


def _lines(records: Iterator[MovingAverage]) -> None:
    """One line a record, for pipes."""
    click.echo("\t".join(out.RECORD_COLUMNS))
    for record in records:
        click.echo("\t".join(out.record_row(record)))

"""`pipectl watch`: statistics, signals or dead letters as they come."""

import sys
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import click

from cli import options
from cli import output as out
from cli.backend import connect, kafka_errors
from cli.errors import UsageProblem
from cli.live_config import LiveConfig, live_config
from cli.selection import check_positions
from cli.session import session
from cli.streams import STREAMS, Stream
from kafka_topic.names import Topics
from kafka_topic.windows import window_label, window_length

SHOWN_EVENTS = 20


@click.command("watch")
@options.common_options
@click.argument("what", metavar="[STREAM]", type=click.Choice(list(STREAMS)), default="movingaverage")
@click.option(
    "--position", "wanted", metavar="SYMBOL", multiple=True, help="Only this position; may be repeated."
)
@click.option("--window", metavar="LENGTH", help="Of movingaverage, only this window, such as 1m.")
@click.option("--count", type=click.IntRange(min=1), help="Stop after so many records.")
@click.option("--from-beginning", is_flag=True, help="Start with the oldest record that is kept.")
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
    what: str,
    wanted: tuple[str, ...],
    window: str | None,
    count: int | None,
    from_beginning: bool,
    timeout: float | None,
) -> None:
    """Show records as they come: a table that refreshes, or with `-o json` one record a line.

    STREAM is movingaverage (the default), signals or dead-letters. Only committed records are shown, each
    once. Where the brokers are out of reach they come through the live page, which keeps fewer. Ctrl-C stops.

    \b
    Example:
      pipectl watch --position AAPL --window 1m
      pipectl watch signals
      pipectl watch dead-letters --from-beginning -o json
    """
    if window is not None and what != "movingaverage":
        raise UsageProblem(f"{what} have no --window", hint="leave it out, or watch movingaverage")
    run = session(cluster, files, overrides, verbose, reads_only=True)
    bundle = live_config(run)
    check_positions(wanted, bundle.positions)
    label = None if window is None else _checked_window(window, bundle)
    stream, topics = STREAMS[what], Topics(bundle.prefix)
    try:
        with (
            kafka_errors(),
            connect(run, bundle).records(
                stream, positions=wanted, window=label, from_beginning=from_beginning, timeout=timeout
            ) as found,
        ):
            records = islice(found, count)
            if output == "json":
                for record in records:
                    click.echo(record.to_json())
            elif sys.stdout.isatty():
                _refresh(stream, records, topics)
            else:
                _lines(stream, records, topics)
    except KeyboardInterrupt:
        pass


def _checked_window(window: str, bundle: LiveConfig) -> str:
    try:
        label = window_label(window_length(window))
    except ValueError as error:
        raise UsageProblem(f"--window: {error}") from None
    if label not in bundle.windows:
        raise UsageProblem(
            f"no window {label} in this bundle",
            hint=f"it has {', '.join(bundle.windows)}; `pipectl deploy --set gatherer.windows.{label}=SLIDE` "
            "adds one",
        )
    return label


def _refresh(stream: Stream, records: Iterator[Any], topics: Topics) -> None:
    """In place: the newest record of each kind, or where each is an event of its own the newest events."""
    from rich.live import Live

    with Live(auto_refresh=False) as live:
        for rows in tables(stream, records, topics):
            live.update(out.table(stream.columns, rows, live.console.width), refresh=True)


def tables(stream: Stream, records: Iterator[Any], topics: Topics) -> Iterator[Iterable[Sequence[str]]]:
    """The rows of the table after each record."""
    if stream.place is None:
        events: deque[Sequence[str]] = deque(maxlen=SHOWN_EVENTS)
        for record in records:
            events.append(stream.row(record, topics))
            yield events
        return
    newest: dict[Any, Sequence[str]] = {}
    for record in records:
        newest[stream.place(record)] = stream.row(record, topics)
        yield [newest[place] for place in sorted(newest)]


def _lines(stream: Stream, records: Iterator[Any], topics: Topics) -> None:
    """One line a record, for pipes."""
    click.echo("\t".join(stream.columns))
    for record in records:
        click.echo("\t".join(stream.row(record, topics)))

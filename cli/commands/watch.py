"""`pipectl watch`: statistics, signals or dead letters as they arrive."""

import sys
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import click

from cli import output as out
from cli.backend import connect, kafka_errors
from cli.errors import UsageProblem
from cli.live_config import LiveConfig, live_config
from cli.selection import check_positions
from cli.session import Session
from cli.session_options import session_options
from cli.streams import STREAMS, Stream
from kafka_topic.names import Topics
from kafka_topic.windows import window_label, window_length

SHOWN_EVENTS = 20


@click.command("watch")
@session_options(reads_only=True)
@click.argument("what", metavar="[STREAM]", type=click.Choice(list(STREAMS)), default="movingaverage")
@click.option(
    "--position", "wanted", metavar="SYMBOL", multiple=True, help="Show only this position; may be repeated."
)
@click.option("--window", metavar="LENGTH", help="Show only this window of movingaverage, such as 1m.")
@click.option("--count", type=click.IntRange(min=1), help="Stop after this many records.")
@click.option("--from-beginning", is_flag=True, help="Start with the oldest record in the topic.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    help="Stop with an error after this many seconds without a record.",
)
def command(
    run: Session,
    output: str,
    what: str,
    wanted: tuple[str, ...],
    window: str | None,
    count: int | None,
    from_beginning: bool,
    timeout: float | None,
) -> None:
    """Show records as they arrive, in a table that refreshes or, with `-o json`, as one record per line.

    STREAM is movingaverage (the default), signals or dead-letters. Only committed records are shown. If the
    brokers are unreachable, the live page delivers the records; it keeps fewer old ones. Ctrl-C stops.

    \b
    Example:
      pipectl watch --position AAPL --window 1m
      pipectl watch signals
      pipectl watch dead-letters --from-beginning -o json
    """
    if window is not None and what != "movingaverage":
        raise UsageProblem(f"{what} have no windows", hint="remove --window, or watch movingaverage")
    config = live_config(run)
    check_positions(wanted, config.positions)
    label = None if window is None else _checked_window(window, config)
    stream, topics = STREAMS[what], Topics(config.prefix)
    try:
        with (
            kafka_errors(),
            connect(run, config).records(
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


def _checked_window(window: str, config: LiveConfig) -> str:
    try:
        label = window_label(window_length(window))
    except ValueError as error:
        raise UsageProblem(f"--window: {error}") from None
    if label not in config.windows:
        raise UsageProblem(
            f"no window {label} in this bundle",
            hint=f"the windows are {', '.join(config.windows)}; "
            f"`pipectl deploy --set gatherer.windows.{label}=SLIDE` adds one",
        )
    return label


def _refresh(stream: Stream, records: Iterator[Any], topics: Topics) -> None:
    """Refresh a table: the newest record of each key, or the newest events if records have no key."""
    from rich.live import Live

    with Live(auto_refresh=False) as live:
        for rows in tables(stream, records, topics):
            live.update(out.table(stream.columns, rows, live.console.width), refresh=True)


def tables(stream: Stream, records: Iterator[Any], topics: Topics) -> Iterator[Iterable[Sequence[str]]]:
    """The rows of the table after each record."""
    if stream.key is None:
        events: deque[Sequence[str]] = deque(maxlen=SHOWN_EVENTS)
        for record in records:
            events.append(stream.row(record, topics))
            yield events
        return
    newest: dict[Any, Sequence[str]] = {}
    for record in records:
        newest[stream.key(record)] = stream.row(record, topics)
        yield [newest[key] for key in sorted(newest)]


def _lines(stream: Stream, records: Iterator[Any], topics: Topics) -> None:
    """Print one line per record, for pipes."""
    click.echo("\t".join(stream.columns))
    for record in records:
        click.echo("\t".join(stream.row(record, topics)))

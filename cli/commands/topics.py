"""`pipectl topics`: lists Kafka's topics, and shows records."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import click

from cli import output as out
from cli.backend import kafka_errors
from cli.errors import UsageProblem
from cli.live_config import LiveConfig, live_config
from cli.session import Session
from cli.session_options import session_options
from kafka_topic.contracts import format_time
from kafka_topic.record_text import as_text

if TYPE_CHECKING:
    from kafka_topic.brokers import Brokers
    from kafka_topic.browsing import Page, Record, TopicInfo

ANSWER_SECONDS = 10.0
READ_SECONDS = 30.0
SAMPLE_SECONDS = 3.0
MOST_RECORDS = 10_000
_TIME_FORMS = ("%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d")


@click.group("topics", invoke_without_command=True)
@session_options(reads_only=True)
def command(run: Session, output: str) -> None:
    """List the topics with their partitions, offsets, sizes and settings; `topics show` prints records.

    This command queries the brokers directly, so they must be reachable. It only reads. Sizes are estimated
    from the last records of each topic, without compression.

    \b
    Example:
      pipectl topics
      pipectl topics show prices --last 10
    """
    from kafka_topic.browsing import topics
    from kafka_topic.topic_sizes import estimates

    with kafka_errors():
        brokers = _brokers(live_config(run))
        found = topics(brokers)
        sizes = estimates(brokers, found, seconds=SAMPLE_SECONDS)
    for topic in found:
        _tell_unreachable(topic)
    if output == "json":
        out.print_json([topic.document(sizes[topic.name]) for topic in found])
        return
    columns = ("topic", "partitions", "offsets", "size", "kept for", "cleanup")
    out.print_table(columns, [_topic_row(topic, sizes[topic.name]) for topic in found])


@command.command("show")
@session_options(reads_only=True)
@click.argument("name")
@click.option(
    "--last", "count", type=click.IntRange(1, MOST_RECORDS), default=10, show_default=True,
    help="Number of records: the last ones, or with --offset or --time the first ones from there.",
)  # fmt: skip
@click.option("--partition", type=click.IntRange(min=0), help="Show only this partition.")
@click.option("--offset", type=click.IntRange(min=0), help="Start at this offset; needs --partition.")
@click.option(
    "--time", "since", type=click.DateTime(_TIME_FORMS), metavar="TIME",
    help="Start at this Kafka record timestamp (UTC), such as '2026-11-22 01:02:03'.",
)  # fmt: skip
@click.option("--key", help="Show only this key; searches at most 100,000 records of each partition.")
@click.option("--bytes", "as_bytes", is_flag=True, help="Show all keys and values as base64.")
def show(
    run: Session,
    output: str,
    name: str,
    count: int,
    partition: int | None,
    offset: int | None,
    since: datetime | None,
    key: str | None,
    as_bytes: bool,
) -> None:
    """Print records of the topic NAME, the oldest first.

    Without --offset or --time, print the last records.

    \b
    Example:
      pipectl topics show prices --last 10
      pipectl topics show prices --time '2026-11-22 01:02:03' --key AAPL
      pipectl topics show prices --partition 0 --offset 4990 -o json
    """
    if offset is not None and (partition is None or since is not None):
        raise UsageProblem(
            "--offset needs --partition, and excludes --time", hint="give --offset and --partition, or --time"
        )
    bundle = live_config(run)
    wanted = None if key is None else key.encode()
    with kafka_errors():
        brokers = _brokers(bundle)
        topic = _found(brokers, bundle, name)
        _check_offset(topic, partition, offset)
        page = _page(brokers, topic, count, partition, offset, since, wanted)
    if output == "json":
        out.print_json([_record_document(one, as_bytes=as_bytes) for one in page.records])
    else:
        columns = ("partition", "offset", "time (UTC)", "key", "value")
        rows = [_record_row(one, as_bytes=as_bytes) for one in page.records]
        if rows:
            out.print_table(columns, rows)
    if page.bounded:
        click.secho(
            "there may be more: at most 100,000 records of a partition were searched", err=True, dim=True
        )
    elif not page.records:
        click.secho("no matching records", err=True, dim=True)


def _brokers(bundle: LiveConfig) -> Brokers:
    from kafka_topic.brokers import Brokers

    return Brokers(bundle.bootstrap_servers, timeout=ANSWER_SECONDS)


def _found(brokers: Brokers, bundle: LiveConfig, name: str) -> TopicInfo:
    """The topic with that name, with or without the bundle's prefix."""
    from kafka_topic.browsing import topics

    known = {topic.name: topic for topic in topics(brokers)}
    for each in (name, f"{bundle.prefix}{name}"):
        if each in known:
            return known[each]
    near = get_close_matches(name, known, n=1)
    guess = f"did you mean {near[0]}? " if near else ""
    raise UsageProblem(f"no topic {name}", hint=f"{guess}`pipectl topics` lists them")


def _tell_unreachable(topic: TopicInfo) -> None:
    for error in topic.errors.values():
        click.secho(f"warning: left out: {error}", fg="yellow", err=True)


def _check_offset(topic: TopicInfo, partition: int | None, offset: int | None) -> None:
    if partition is None:
        _tell_unreachable(topic)
        return
    if partition in topic.errors:
        raise topic.errors[partition]
    if partition not in topic.spans:
        numbers = ", ".join(map(str, topic.spans))
        raise UsageProblem(f"{topic.name} has no partition {partition}", hint=f"it has {numbers}")
    begin, end = topic.spans[partition]
    if offset is not None and not begin <= offset <= end:
        raise UsageProblem(
            f"partition {partition} of {topic.name} has no offset {offset}",
            hint=f"its log starts at {begin} and ends before {end}",
        )


def _page(
    brokers: Brokers,
    topic: TopicInfo,
    count: int,
    partition: int | None,
    offset: int | None,
    since: datetime | None,
    key: bytes | None,
) -> Page:
    from kafka_topic.browsing import matching, page_before, page_from

    numbers = list(topic.spans) if partition is None else [partition]
    if since is not None:
        since = since.replace(tzinfo=UTC)
        partitions = [
            each for each in brokers.partitions([topic.name])[topic.name] if each.partition in numbers
        ]
        epoch_ms = int(since.timestamp() * 1000)
        starts = {number: at for (_, number), at in brokers.since(partitions, epoch_ms).items()}
    elif offset is not None:
        starts = {numbers[0]: offset}
    else:
        ends = {number: topic.spans[number].end for number in numbers}
        return page_before(brokers, topic, ends, count, wanted=matching(key=key), seconds=READ_SECONDS)
    wanted = matching(key=key, since=since)
    return page_from(brokers, topic, starts, count, wanted=wanted, seconds=READ_SECONDS)


def _topic_row(topic: TopicInfo, size: int | None) -> tuple[str, ...]:
    from kafka_topic.config import CLEANUP, RETENTION

    settings = topic.settings
    kept = "for ever" if settings.get(CLEANUP) == "compact" else _length(settings.get(RETENTION))
    return (
        topic.name,
        str(len(topic.spans) + len(topic.errors)),
        str(topic.offsets),
        "-" if size is None else f"~{_bytes(size)}",
        kept,
        settings.get(CLEANUP, "-"),
    )


def _bytes(size: int) -> str:
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size} B"


def _length(milliseconds: str | None) -> str:
    if milliseconds is None:
        return "-"
    if milliseconds == "-1":
        return "for ever"
    from datetime import timedelta

    from marathon.durations import format_duration

    return format_duration(timedelta(milliseconds=int(milliseconds)))


def _record_document(record: Record, *, as_bytes: bool) -> dict[str, Any]:
    return {
        "partition": record.partition,
        "offset": record.offset,
        "time": format_time(record.time),
        "key": as_text(record.key, as_bytes=as_bytes),
        "value": _value(record.value, as_bytes=as_bytes),
        "headers": {name: as_text(value, as_bytes=as_bytes) for name, value in record.headers.items()},
    }


def _record_row(record: Record, *, as_bytes: bool) -> tuple[str, ...]:
    texts = (_shown(each, as_bytes=as_bytes) for each in (record.key, record.value))
    return (str(record.partition), str(record.offset), format_time(record.time), *texts)


def _shown(data: bytes | None, *, as_bytes: bool) -> str:
    text = as_text(data, as_bytes=as_bytes)
    if text is None:
        return "-"
    return out.one_line(text) if isinstance(text, str) else f"base64:{text['base64']}"


def _value(data: bytes | None, *, as_bytes: bool) -> Any:
    """Parsed JSON, or other text unchanged."""
    text = as_text(data, as_bytes=as_bytes)
    if not isinstance(text, str):
        return text
    try:
        value = json.loads(text)
        # Python reads more than JSON: NaN, and numbers that are infinite as a float.
        json.dumps(value, allow_nan=False)
    except (ValueError, RecursionError):
        return text
    return value

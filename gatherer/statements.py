"""The part of the job that runs for each tick, as SQL over two Java classes of ours (`java/`).

The format `price` reads a record in one pass and says what is wrong with it; the function `PANE` adds up
the ticks of one pane. A pane is one slide of the shortest window, so a tick costs the same however many
windows there are, and what comes after, in Python, handles one row for a pane instead of one for a tick.
"""

from __future__ import annotations

from gatherer.rows import PARTITIONS
from gatherer.settings import Settings

PLANNER_OPTIONS = {
    "table.local-time-zone": "UTC",
    "table.optimizer.agg-phase-strategy": "TWO_PHASE",
    # A record is not copied between the operators that handle it one after the other.
    "pipeline.object-reuse": "true",
}

PANE, LATE, BAD, LIMITS = "pane", "late", "bad", "limits"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _interval(milliseconds: int) -> str:
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return (
        f"INTERVAL '{days} {hours:02d}:{minutes:02d}:{rest // 1000:02d}.{rest % 1000:03d}' DAY TO SECOND(3)"
    )


def _with(options: dict[str, str]) -> str:
    return ",\n  ".join(f"{_literal(key)} = {_literal(value)}" for key, value in options.items())


def _source_options(settings: Settings) -> dict[str, str]:
    # A broker outage must fail the job before it makes partitions idle. A restarted job waits for each
    # partition anew; one that runs on would follow the partition that comes back first and drop the others'
    # backlog as late. Looking for new topics is what notices the outage: (1/5 + 1/2) of the idle timeout
    # after it began at most.
    discovery_ms = min(settings.discovery_ms, max(settings.idle_ms // 5, 1))
    give_up_ms = str(max(settings.idle_ms // 2, 1))
    return {
        "connector": "kafka",
        "properties.bootstrap.servers": settings.bootstrap_servers,
        "properties.group.id": settings.job_name,
        "properties.default.api.timeout.ms": give_up_ms,
        "properties.request.timeout.ms": give_up_ms,
        "properties.reconnect.backoff.max.ms": "200",
        "properties.isolation.level": "read_committed",
        "scan.startup.mode": "earliest-offset",
        "scan.topic-partition-discovery.interval": f"{discovery_ms} ms",
    }


def _ours(settings: Settings) -> str:
    return f"topic = {_literal(_topic_start(settings))} || symbol"


def _topic_start(settings: Settings) -> str:
    # Topics() checks what it is given, so a placeholder symbol gives the part before the symbol.
    return settings.topics.position("X").removesuffix("X")


def prices_table(settings: Settings) -> str:
    """The source: every record of every position topic, with `event_time` null for one that can't be used.

    A null event time moves no watermark (the watermark is made inside the source). The bound on the future
    holds against the time at which Kafka says the record was written, so that a replay decides as the first
    run did. The planner writes event_time out wherever it is used, so it has to be cheap.
    """
    options = _source_options(settings) | {
        "topic-pattern": settings.topics.position_pattern,
        "scan.watermark.idle-timeout": f"{settings.idle_ms} ms",
        "format": "price",
    }
    return f"""
CREATE TEMPORARY TABLE prices (
  `at` TIMESTAMP_LTZ(3),
  ms BIGINT,
  symbol STRING,
  units BIGINT,
  reason STRING,
  detail STRING,
  content BYTES,
  topic STRING METADATA VIRTUAL,
  `partition` INT METADATA VIRTUAL,
  `offset` BIGINT METADATA VIRTUAL,
  written TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL,
  event_time AS CASE
    WHEN {_ours(settings)} AND `at` <= written + {_interval(settings.future_ms)} THEN `at` END,
  WATERMARK FOR event_time AS event_time - {_interval(settings.watermark_ms)}
) WITH (
  {_with(options)}
)"""


def limits_table(settings: Settings) -> str:
    """The source of limits, which holds up no other: it has no event time, and is idle at once."""
    options = _source_options(settings) | {
        "topic": settings.topics.limits,
        "scan.watermark.idle-timeout": "1 ms",
        "key.format": "raw",
        "key.fields": "symbol",
        "value.format": "raw",
        "value.fields-include": "EXCEPT_KEY",
    }
    return f"""
CREATE TEMPORARY TABLE limits (
  symbol STRING,
  content BYTES,
  topic STRING METADATA VIRTUAL,
  `partition` INT METADATA VIRTUAL,
  `offset` BIGINT METADATA VIRTUAL,
  written TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL,
  event_time AS CAST(NULL AS TIMESTAMP_LTZ(3)),
  WATERMARK FOR event_time AS event_time
) WITH (
  {_with(options)}
)"""


def output_table(settings: Settings) -> str:
    """The sink: records ready to be written, key = symbol, each to the topic that it names."""
    topics = settings.topics
    options = {
        "connector": "kafka",
        "properties.bootstrap.servers": settings.bootstrap_servers,
        "topic": ";".join((topics.moving_average, topics.signals, topics.dead_letter)),
        "key.format": "raw",
        "key.fields": "symbol",
        "value.format": "raw",
        "value.fields-include": "EXCEPT_KEY",
        "sink.delivery-guarantee": settings.delivery,
        "properties.linger.ms": "5",
        "properties.compression.type": "lz4",
    }
    if settings.delivery == "exactly-once":
        options["sink.transactional-id-prefix"] = settings.job_name
        # The broker's own maximum is 15 minutes; a transaction has to outlive the longest outage of the job.
        options["properties.transaction.timeout.ms"] = str(14 * 60 * 1000)
    return f"""
CREATE TEMPORARY TABLE output (
  symbol STRING,
  content BYTES,
  topic STRING NOT NULL METADATA
) WITH (
  {_with(options)}
)"""


def analysis_input(settings: Settings) -> str:
    """All that the analysis is told, as rows of `rows.Input` that mean, by `kind`:

    pane: content is what PANE makes of a pane's ticks, ms one of its event times. late: one tick (ms, units)
    of a pane that is closed. bad: a record that is no tick; detail is "reason: more". limits: a record of
    `limits`. All but panes come with the record: its content, topic, number (the partition), place (the
    offset) and written_ms, when Kafka got it.
    """
    pane_ms = settings.pane_ms
    place = f"`offset` * {PARTITIONS} + `partition`"
    start = _literal(_topic_start(settings))
    # The first comparison, which nearly always fails, spares the second, which alone would do.
    closed = (
        "`at` <= CURRENT_WATERMARK(event_time)"
        f" AND TO_TIMESTAMP_LTZ((ms / {pane_ms} + 1) * {pane_ms} - 1, 3) <= CURRENT_WATERMARK(event_time)"
    )
    written = "CAST(written AS TIMESTAMP(3))"
    # Minutes, since an INTEGER of seconds ends in 2038.
    written_ms = (
        f"TIMESTAMPDIFF(MINUTE, TIMESTAMP '1970-01-01 00:00:00', {written}) * CAST(60000 AS BIGINT)"
        f" + EXTRACT(SECOND FROM {written}) * 1000 + EXTRACT(MILLISECOND FROM {written})"
    )
    unknown = "'unknown_symbol: the record says ' || symbol || ', the topic stands for another'"
    future = f"'future: ts is more than {settings.future_ms / 1000:g} s after the record was written'"
    return f"""
WITH ticks AS (
  SELECT symbol, ms, units, {place} AS place, event_time FROM prices
  WHERE event_time IS NOT NULL AND ({closed}) IS NOT TRUE
)
SELECT symbol, '{PANE}' AS kind, PANE(ms, place, units, {str(settings.histogram).upper()}) AS content,
  MIN(ms) AS ms, CAST(NULL AS BIGINT) AS units, CAST(NULL AS STRING) AS topic, CAST(NULL AS INT) AS number,
  CAST(NULL AS BIGINT) AS place, CAST(NULL AS BIGINT) AS written_ms, CAST(NULL AS STRING) AS detail
FROM TUMBLE(TABLE ticks, DESCRIPTOR(event_time), {_interval(pane_ms)})
GROUP BY symbol, window_start, window_end
UNION ALL
SELECT SUBSTRING(topic FROM CHAR_LENGTH({start}) + 1),
  CASE WHEN event_time IS NULL THEN '{BAD}' ELSE '{LATE}' END,
  content, ms, units, topic, `partition`, `offset`, {written_ms},
  CASE WHEN reason IS NOT NULL THEN reason || ': ' || detail
    WHEN {_ours(settings)} THEN {future} ELSE {unknown} END
FROM prices WHERE event_time IS NULL OR ({closed})
UNION ALL
SELECT symbol, '{LIMITS}', content, CAST(NULL AS BIGINT), CAST(NULL AS BIGINT), topic, `partition`, `offset`,
  {written_ms}, CAST(NULL AS STRING)
FROM limits"""  # noqa: S608 - every part is made of numbers and of checked names

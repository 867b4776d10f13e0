"""The job as SQL.

Exactness decides the form. A price is a decimal number, and a DOUBLE near 1e6 is already 6e-11 off it: with
ticks of .01 that alone can cost the standard deviation its ninth digit, and no algorithm brings it back. So
prices are whole numbers of 1e-8, added up exactly as DECIMALs; the only rounding is in the last step, where
nothing cancels any more.
"""

from __future__ import annotations

from gatherer.settings import Settings

# Decimal places of a price, and its largest value: 17 digits are the most that leave room, in the 38 digits
# of a DECIMAL, for the sum of a million squares of prices of 1e8, or for the latest price.
PRICE_SCALE = 8
PRICE_DIGITS = 17
_UNIT = 10**PRICE_SCALE

# The price of the latest tick is in the largest of (event time, offset, price) written as one number: a
# BIGINT of the milliseconds since FIRST_TIME and of the offset, then the 17 digits of the price.
# (LAST_VALUE can't be merged, so a sliding window refuses it.) The BIGINT has room for the offset's
# remainder only: two ticks of the same millisecond on both sides of a multiple of 5 million records of a
# partition may change places.
_OFFSETS = 5_000_000

FIRST_TIME, LAST_TIME = "2000-01-01 00:00:00", "2050-01-01 00:00:00"
TIME_FORMAT = "yyyy-MM-dd HH:mm:ss.SSS"

PLANNER_OPTIONS = {
    "table.local-time-zone": "UTC",
    "table.optimizer.agg-phase-strategy": "TWO_PHASE",
}


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


def prices_table(settings: Settings) -> str:
    """The source: every position topic, with `event_time` null for a record that can't be used.

    A null event time moves no watermark (the watermark is made inside the source) and is filtered before
    the window.
    """
    # A broker outage must fail the job before it makes partitions idle. A restarted job waits for each
    # partition anew; one that runs on would follow the partition that comes back first and drop the others'
    # backlog as late. Looking for new topics is what notices the outage: (1/5 + 1/2) of the idle timeout
    # after it began at most.
    discovery_ms = min(settings.discovery_ms, max(settings.idle_ms // 5, 1))
    give_up_ms = str(max(settings.idle_ms // 2, 1))
    options = {
        "connector": "kafka",
        "properties.bootstrap.servers": settings.bootstrap_servers,
        "properties.group.id": settings.job_name,
        "properties.default.api.timeout.ms": give_up_ms,
        "properties.request.timeout.ms": give_up_ms,
        "properties.reconnect.backoff.max.ms": "200",
        "properties.isolation.level": "read_committed",
        "topic-pattern": settings.topics.position_pattern,
        "scan.startup.mode": "earliest-offset",
        "scan.topic-partition-discovery.interval": f"{discovery_ms} ms",
        "scan.watermark.idle-timeout": f"{settings.idle_ms} ms",
        "format": "json",
        "json.ignore-parse-errors": "true",
        "json.timestamp-format.standard": "SQL",
    }
    # Topics() checks what it is given, so a placeholder symbol gives the part before the symbol.
    topic_start = settings.topics.position("X").removesuffix("X")
    return f"""
CREATE TEMPORARY TABLE prices (
  ts TIMESTAMP(3),
  symbol STRING,
  price DECIMAL({PRICE_DIGITS}, {PRICE_SCALE}),
  topic STRING METADATA VIRTUAL,
  record_offset BIGINT METADATA FROM 'offset' VIRTUAL,
  event_time AS CASE
    WHEN price > 0
      AND ts >= TIMESTAMP '{FIRST_TIME}' AND ts < TIMESTAMP '{LAST_TIME}'
      AND topic = {_literal(topic_start)} || symbol
    THEN ts END,
  WATERMARK FOR event_time AS event_time - {_interval(settings.watermark_ms)}
) WITH (
  {_with(options)}
)"""


def moving_average_table(settings: Settings) -> str:
    """The sink: one JSON record per symbol and window end, key = symbol."""
    options = {
        "connector": "kafka",
        "properties.bootstrap.servers": settings.bootstrap_servers,
        "topic": settings.topics.moving_average,
        "key.format": "raw",
        "key.fields": "symbol",
        "value.format": "json",
        "value.fields-include": "ALL",
        "sink.delivery-guarantee": settings.delivery,
        "properties.linger.ms": "5",
        "properties.compression.type": "lz4",
    }
    if settings.delivery == "exactly-once":
        options["sink.transactional-id-prefix"] = settings.job_name
        # The broker's own maximum is 15 minutes; a transaction has to outlive the longest outage of the job.
        options["properties.transaction.timeout.ms"] = str(14 * 60 * 1000)
    return f"""
CREATE TEMPORARY TABLE moving_average (
  symbol STRING,
  window_start STRING,
  window_end STRING,
  `count` BIGINT,
  `last` DOUBLE,
  `min` DOUBLE,
  `max` DOUBLE,
  mean DOUBLE,
  stddev DOUBLE,
  cv DOUBLE
) WITH (
  {_with(options)}
)"""


def statistics(settings: Settings, with_last: bool = True) -> str:
    """The windowed statistics of every symbol, in the columns of `moving_average`.

    With units u = 1e-8, n ticks, m the mean rounded to whole units and d = sum(p) - n m (at most n / 2
    units): M2 = sum((p - m)^2) - d^2 / n, where the sum of squares is exact: sum(p^2) - m (2 sum(p) - n m).
    stddev = sqrt(M2 / (n - 1)); a constant price gives d = 0 and M2 = 0 exactly.
    """
    units = f"CAST(price * {_UNIT} AS DECIMAL({PRICE_DIGITS}, 0))"
    modulus = f"CAST({10**PRICE_DIGITS} AS DECIMAL({PRICE_DIGITS + 1}, 0))"
    order = (
        f"((CAST(TIMESTAMPDIFF(SECOND, TIMESTAMP '{FIRST_TIME}', event_time) AS BIGINT) * 1000"
        f" + EXTRACT(MILLISECOND FROM event_time)) * {_OFFSETS} + MOD(record_offset, {_OFFSETS}))"
    )
    last = f"MAX({order} * {modulus} + units)" if with_last else "MAX(units)"
    slide, window = _interval(settings.slide_ms), _interval(settings.window_ms)
    m2 = "(sum_of_squares - middle * (2 * total - n * middle))"
    rest = "CAST(total - n * middle AS DOUBLE)"
    return f"""
WITH ticks AS (
  SELECT symbol, event_time, record_offset, {units} AS units FROM prices WHERE event_time IS NOT NULL
), sums AS (
  SELECT symbol, window_start, window_end,
    COUNT(*) AS n,
    MIN(units) AS low,
    MAX(units) AS high,
    {last} AS latest,
    SUM(units) AS total,
    SUM(units * units) AS sum_of_squares
  FROM HOP(TABLE ticks, DESCRIPTOR(event_time), {slide}, {window})
  GROUP BY symbol, window_start, window_end
), centred AS (
  SELECT *, CAST(ROUND(total / n) AS DECIMAL({PRICE_DIGITS}, 0)) AS middle FROM sums
), moments AS (
  SELECT *,
    (CAST(middle AS DOUBLE) + {rest} / n) / {_UNIT} AS mean,
    CASE WHEN n > 1 THEN SQRT((CAST({m2} AS DOUBLE) - {rest} * {rest} / n) / (n - 1)) / {_UNIT} END AS stddev
  FROM centred
)
SELECT symbol,
  DATE_FORMAT(window_start, '{TIME_FORMAT}'), DATE_FORMAT(window_end, '{TIME_FORMAT}'), n,
  CAST(MOD(latest, {modulus}) AS DOUBLE) / {_UNIT},
  CAST(low AS DOUBLE) / {_UNIT}, CAST(high AS DOUBLE) / {_UNIT},
  mean, stddev, 100 * stddev / mean
FROM moments"""  # noqa: S608 - every part is made of numbers

"""The questions by name, each with its SQL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from stores.tables import MOVING_AVERAGE, PRICES, SIGNALS, Flow

_AVERAGES, _SIGNALS = Flow("movingaverage", MOVING_AVERAGE), Flow("signals", SIGNALS)
_PRICES = Flow("prices", PRICES)


@dataclass(frozen=True)
class Query:
    """One question. flows: the tables that its SQL names."""

    flows: tuple[Flow, ...]
    sql: str


# The bars of a chart: the first, highest, lowest and last price of each minute (UTC). Where several have the
# same time, the offset decides.
_PRICES_BY_MINUTE = """
WITH timed AS (
  SELECT *, date_format(ts, "yyyy-MM-dd'T'HH:mm:00'Z'") AS minute, (ts, topic, partition, offset) AS place
  FROM prices
)
SELECT symbol, minute, count(*) AS prices, double(min_by(price, place)) AS open, double(max(price)) AS high,
  double(min(price)) AS low, double(max_by(price, place)) AS close
FROM timed
GROUP BY symbol, minute
ORDER BY symbol, minute
"""
# Which hours of the day (UTC) are wild: the coefficient of variation, in percent, of each position's windows.
_VOLATILITY_BY_HOUR = """
SELECT symbol, window, hour(window_end) AS hour, count(*) AS windows, avg(cv) AS mean_cv, max(cv) AS max_cv
FROM movingaverage
WHERE cv IS NOT NULL
GROUP BY symbol, window, hour(window_end)
ORDER BY symbol, window, hour
"""
# Of the forecasts that a limit is likely to be reached, those whose limit was reached within their horizon.
_LIMITS_REACHED = """
WITH forecasts AS (
  SELECT *, monotonically_increasing_id() AS id FROM signals WHERE kind = 'limit' AND event = 'likely'
), answered AS (
  SELECT first(f.symbol) AS symbol, first(f.side) AS side, first(f.probability) AS probability,
    min(unix_millis(r.time) - unix_millis(f.time)) / 1000 AS seconds
  FROM forecasts AS f LEFT JOIN signals AS r
    ON r.kind = 'limit' AND r.event = 'reached' AND r.symbol = f.symbol AND r.side = f.side
    AND r.time >= f.time AND unix_millis(r.time) <= unix_millis(f.time) + 1000 * f.horizon_seconds
  GROUP BY f.id
)
SELECT symbol, side, count(*) AS forecasts, count(seconds) AS reached, avg(probability) AS mean_probability,
  count(seconds) / count(*) AS share_reached, avg(seconds) AS mean_seconds
FROM answered
GROUP BY symbol, side
ORDER BY symbol, side
"""
# Whoever traded when a limit was reached: how far the price had moved in his favour a minute later, in
# percent. The later price is the last one in the first window of 10 s that ends a minute later or after that.
_SIGNALS_PAID_OFF = """
WITH trades AS (
  SELECT *, monotonically_increasing_id() AS id FROM signals WHERE kind = 'limit' AND event = 'reached'
), results AS (
  SELECT first(t.symbol) AS symbol, first(t.side) AS side, first(t.price) AS price,
    min_by(m.last, m.window_end) AS later
  FROM trades AS t JOIN movingaverage AS m
    ON m.symbol = t.symbol AND m.window = '10s' AND m.window_end >= t.time + INTERVAL 60 SECONDS
    AND m.window_end < t.time + INTERVAL 120 SECONDS
  GROUP BY t.id
), gains AS (
  SELECT symbol, (later - price) / price * 100 * CASE side WHEN 'buy' THEN 1 ELSE -1 END AS gain FROM results
)
SELECT symbol, count(*) AS signals, count_if(gain > 0) AS paid_off, avg(gain) AS mean_gain, max(gain) AS best,
  min(gain) AS worst
FROM gains
GROUP BY symbol
ORDER BY mean_gain DESC, symbol
"""
QUERIES: Mapping[str, Query] = {
    "prices-by-minute": Query((_PRICES,), _PRICES_BY_MINUTE),
    "volatility-by-hour": Query((_AVERAGES,), _VOLATILITY_BY_HOUR),
    "limits-reached": Query((_SIGNALS,), _LIMITS_REACHED),
    "signals-paid-off": Query((_SIGNALS, _AVERAGES), _SIGNALS_PAID_OFF),
}

"""What became of forecasts, and what limits would have brought.

`signals` and `ticks` are tables of `notebooks.data`, for any number of positions.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy
import pandas

_FORECAST = ["symbol", "side", "time", "price", "probability", "horizon_seconds"]


def forecasts(signals: pandas.DataFrame, until: datetime) -> pandas.DataFrame:
    """A row for each limit that was forecast as likely to be reached: what the forecast said, and what
    happened.

    until: the time up to which `signals` is complete. `reached`: whether a signal says that the limit was
    reached within the horizon; missing while the horizon has not passed. `after_seconds`: how long it took,
    missing otherwise.
    """
    of_limits = signals[signals["kind"] == "limit"].sort_values("time", kind="stable")
    made = of_limits.loc[of_limits["event"] == "likely", _FORECAST].reset_index(drop=True)
    hits = of_limits[of_limits["event"] == "reached"]
    outcomes = [_outcome(made_one, hits, until) for made_one in made.itertuples()]
    return made.assign(
        reached=pandas.array([reached for reached, _ in outcomes], dtype="boolean"),
        after_seconds=pandas.array([after for _, after in outcomes], dtype="Float64"),
    )


def _outcome(made: object, hits: pandas.DataFrame, until: datetime) -> tuple[bool | None, float | None]:
    symbol, side, time, horizon = (
        getattr(made, name) for name in ("symbol", "side", "time", "horizon_seconds")
    )
    last = time + timedelta(seconds=horizon)
    fitting = hits[
        (hits["symbol"] == symbol) & (hits["side"] == side) & (hits["time"] >= time) & (hits["time"] <= last)
    ]
    if not fitting.empty:
        return True, (fitting["time"].iloc[0] - time).total_seconds()
    return (False, None) if until >= last else (None, None)


def reliability(
    forecasts: pandas.DataFrame, edges: Sequence[float] = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
) -> pandas.DataFrame:
    """By ranges of the forecast probability: how many forecasts there are whose outcome is known, the mean
    probability, and the share of limits that were reached. Forecasts are good where the last two agree.
    """
    known = forecasts[forecasts["reached"].notna()]
    ranges = pandas.cut(known["probability"].astype(float), list(edges), include_lowest=True)
    grouped = known.assign(reached=known["reached"].astype(float)).groupby(ranges, observed=True)
    return grouped.agg(
        forecasts=("reached", "size"), probability=("probability", "mean"), reached=("reached", "mean")
    )


def brier(forecasts: pandas.DataFrame) -> float:
    """The mean squared difference of probabilities and outcomes: 0 is perfect, 0.25 is a coin. Without any
    known outcome, it is not a number.
    """
    known = forecasts[forecasts["reached"].notna()]
    return float(((known["probability"] - known["reached"].astype(float)) ** 2).mean())


def trades(ticks: pandas.DataFrame, *, buy: float, sell: float) -> pandas.DataFrame:
    """The trades in one position's ticks of someone who buys when the price falls to `buy`, and then sells
    when it rises to `sell`, over and over; each at the price of the tick that reaches the limit.

    Columns: bought_at, bought_for, sold_at, sold_for. The last two are missing for what is still held.
    """
    if not buy < sell:
        raise ValueError(f"buy {buy} must be below sell {sell}")
    times, prices = ticks["ts"].to_list(), ticks["price"].to_numpy(dtype=float)
    low, high = numpy.flatnonzero(prices <= buy), numpy.flatnonzero(prices >= sell)
    rows: list[tuple[object, ...]] = []
    at = 0
    while (first := numpy.searchsorted(low, at)) < len(low):
        bought = low[first]
        then = numpy.searchsorted(high, bought)
        if then == len(high):
            rows.append((times[bought], prices[bought], None, None))
            break
        sold = high[then]
        rows.append((times[bought], prices[bought], times[sold], prices[sold]))
        at = sold
    table = pandas.DataFrame(rows, columns=["bought_at", "bought_for", "sold_at", "sold_for"])
    return table.astype({"bought_for": float, "sold_for": float})


def grid(ticks: pandas.DataFrame, distances: Sequence[float]) -> pandas.DataFrame:
    """What limits at several distances from the median price would have brought, a row for each distance.

    distances: in percent. `trips`: how often one bought and sold. `gain`: of all trips together, in percent
    of the median price; what is still held counts at the last price.
    """
    middle, last = float(ticks["price"].median()), float(ticks["price"].iloc[-1])
    rows = []
    for distance in distances:
        share = distance / 100
        made = trades(ticks, buy=middle * (1 - share), sell=middle * (1 + share))
        gain = (made["sold_for"].fillna(last) - made["bought_for"]).sum()
        rows.append((distance, int(made["sold_for"].notna().sum()), 100 * gain / middle))
    return pandas.DataFrame(rows, columns=["distance", "trips", "gain"])

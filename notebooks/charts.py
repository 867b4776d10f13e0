"""The charts of the notebooks. Each takes tables of `notebooks.data` and returns a figure of matplotlib."""

from __future__ import annotations

from collections.abc import Mapping

import pandas
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure

# The colours of the live page; they differ in brightness, too.
_PRICE, _BAND, _LOW, _HIGH = "#2563a8", "#9bbfe0", "#1b7f5c", "#b3472d"


def bands(symbol: str, windows: pandas.DataFrame, signals: pandas.DataFrame) -> Figure:
    """The price of a position with its Bollinger bands and signals, and its volatility below.

    windows: of one length, with the statistic `bollinger` if there is to be a band.
    """
    windows = windows[windows["symbol"] == symbol]
    times = windows["window_end"]
    figure, (above, below) = pyplot.subplots(
        2, 1, figsize=(9, 5), sharex=True, height_ratios=(3, 1), layout="constrained"
    )
    _plain(above, below)
    above.plot(times, windows["last"], color=_PRICE, linewidth=1.2, label="last price")
    above.plot(times, windows["mean"], color=_PRICE, linewidth=0.8, linestyle=":", label="mean")
    if windows["bollinger_upper"].notna().any():
        lower, upper = (windows[f"bollinger_{side}"].astype(float) for side in ("lower", "upper"))
        above.fill_between(times, lower, upper, color=_BAND, alpha=0.5, linewidth=0, label="2 stddev")
    _mark(above, signals[(signals["symbol"] == symbol) & (signals["time"] >= times.min())])
    above.set_title(f"{symbol}: price and signals", loc="left")
    above.set_ylabel("price")
    above.legend(loc="best", fontsize=8, frameon=False)
    below.plot(times, windows["cv"].astype(float), color=_PRICE, linewidth=1)
    below.set_ylabel("cv in %")
    below.set_ylim(bottom=0)
    _time_axis(below)
    return figure


def volatility(windows: pandas.DataFrame) -> Figure:
    """The volatility of all positions over time, in percent."""
    figure, axes = pyplot.subplots(figsize=(9, 3.5), layout="constrained")
    _plain(axes)
    for symbol, of in windows.groupby("symbol"):
        axes.plot(of["window_end"], of["cv"].astype(float), linewidth=1, label=symbol)
    axes.set_title("volatility of each position", loc="left")
    axes.set_ylabel("cv in %")
    axes.set_ylim(bottom=0)
    axes.legend(loc="best", fontsize=8, frameon=False, ncols=5)
    _time_axis(axes)
    return figure


def reliability(by_range: pandas.DataFrame) -> Figure:
    """What `backtest.reliability` found: forecast probabilities against what happened."""
    figure, axes = pyplot.subplots(figsize=(4.5, 4.5), layout="constrained")
    _plain(axes)
    axes.plot([0, 1], [0, 1], color="grey", linewidth=0.8, linestyle=":", label="perfect")
    sizes = 20 + 10 * by_range["forecasts"].astype(float)
    axes.scatter(by_range["probability"], by_range["reached"], s=sizes, color=_PRICE, label="forecasts")
    axes.set(xlim=(0, 1.02), ylim=(-0.02, 1.02), xlabel="forecast probability", ylabel="share reached")
    axes.set_title("limits: forecast and reached", loc="left")
    axes.legend(loc="upper left", fontsize=8, frameon=False)
    return figure


def gains(grids: Mapping[str, pandas.DataFrame]) -> Figure:
    """What `backtest.grid` found for several positions: the gain over the distance of the limits."""
    figure, axes = pyplot.subplots(figsize=(9, 3.5), layout="constrained")
    _plain(axes)
    for symbol, found in grids.items():
        axes.plot(found["distance"], found["gain"], marker="o", markersize=3, linewidth=1, label=symbol)
    axes.axhline(0, color="grey", linewidth=0.8)
    axes.set(xlabel="distance of the limits from the median, in %", ylabel="gain in %")
    axes.set_title("what limits would have brought", loc="left")
    axes.legend(loc="best", fontsize=8, frameon=False, ncols=5)
    return figure


def _mark(axes: Axes, signals: pandas.DataFrame) -> None:
    marks = {"anomaly": ("x", "anomaly"), "limit": ("o", "limit reached")}
    for kind, (marker, label) in marks.items():
        of = signals[(signals["kind"] == kind) & ((kind != "limit") | (signals["event"] == "reached"))]
        if not of.empty:
            axes.scatter(of["time"], of["price"], marker=marker, s=28, color=_HIGH, label=label, zorder=3)
    regimes = signals[signals["kind"] == "regime"]
    for event, colour in (("high", _HIGH), ("low", _LOW)):
        for at in regimes.loc[regimes["event"] == event, "time"]:
            axes.axvline(at, color=colour, linewidth=0.8, alpha=0.6)


def _plain(*several: Axes) -> None:
    """Axes with a light grid and no frame.

    Not by rc_context(): the backend of notebooks starts with the first figure, and what it then sets would be
    undone, so that later figures would not show.
    """
    for axes in several:
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.25)


def _time_axis(axes: Axes) -> None:
    locator = AutoDateLocator()  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    axes.set_xlabel("UTC")

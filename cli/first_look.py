"""The initial limits that a first deploy sets, and the explanation that it prints."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cli.backend import kafka_errors
from cli.live_config import live_config

if TYPE_CHECKING:
    from cli.session import Session
    from marathon.settings import Settings


def set_initial_limits(run: Session) -> bool | None:
    """Set the initial limits; returns None if the settings have none.

    Returns False without a change if limits were ever set, even if they were cleared: then they are the
    user's. New topics would not show that, since an earlier deploy may have been stopped before this step.
    """
    from kafka_topic.limits import LimitsStore

    wanted = _initial_limits(run.settings)
    if not wanted:
        return None
    config = live_config(run)
    with kafka_errors():
        store = LimitsStore(config.bootstrap_servers, prefix=config.prefix)
        if store.ever_set():
            return False
        for symbol, limits in wanted.items():
            store.set([symbol], limits)
    return True


def _initial_limits(settings: Settings) -> dict[str, dict[str, float]]:
    """The initial limits by position and side, without symbols that are not positions."""
    return {
        symbol: given
        for symbol, limits in settings.initial_limits.items()
        if symbol in settings.positions and limits and (given := limits.given)
    }


def what_you_see(settings: Settings, option: str) -> Iterator[str]:
    """The lines that explain the first records. `option`: the cluster option for the commands in them."""
    generator, windows = settings.generator, settings.gatherer.windows
    yield "What you are looking at:"
    if generator.instances:
        story = (
            "calm and turbulent periods alternate, and prices sometimes jump"
            if generator.model == "regimes"
            else f"the model is {generator.model}"
        )
        yield f"  Prices are simulated, {generator.rate:g} per second and position: {story}."
    shortest = settings.gatherer.shortest
    yield f"  Each row covers the last {shortest} of a position. stddev, or cv in percent, is its volatility."
    if len(windows) > 1:
        yield f"  `pipectl watch{option}` shows all windows live: {', '.join(windows)}."
    named = [
        f"{symbol} {side} {price:g}"
        for symbol, limits in _initial_limits(settings).items()
        for side, price in limits.items()
    ]
    signals = f"`pipectl watch signals --from-beginning{option}`"
    yield f"  {signals} shows all signals so far: volatility that turns"
    yield "  high or low, anomalous ticks, and limits that the price is likely to reach or has reached."
    if named:
        yield f"  Limits: {', '.join(named)}; `pipectl limits set{option}` changes them."

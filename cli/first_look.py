"""What a first deploy adds once data flows: its initial limits, and a few words on what can be seen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cli.backend import kafka_errors
from cli.live_config import live_config

if TYPE_CHECKING:
    from cli.session import Session
    from marathon.settings import Settings


def set_initial_limits(run: Session) -> bool | None:
    """Set the limits that positions have until somebody sets others; None when the settings have none.

    False when limits were ever set: they are the user's, and so is that they were cleared. Whether topics are
    new says less: a deploy may have been stopped before it came to this.
    """
    from kafka_topic.limits import LimitsStore

    wanted = _initial_limits(run.settings)
    if not wanted:
        return None
    bundle = live_config(run)
    with kafka_errors():
        store = LimitsStore(bundle.bootstrap_servers, prefix=bundle.prefix)
        if store.ever_set():
            return False
        for symbol, limits in wanted.items():
            store.set([symbol], limits)
    return True


def _initial_limits(settings: Settings) -> dict[str, dict[str, float]]:
    """By position and side; those of symbols that are no position are left out."""
    return {
        symbol: given
        for symbol, limits in settings.initial_limits.items()
        if symbol in settings.positions and limits and (given := limits.given)
    }


def what_you_see(settings: Settings, option: str) -> Iterator[str]:
    """The lines that explain the first records. `option`: what each command needs to reach the cluster."""
    generator, windows = settings.generator, settings.gatherer.windows
    yield "What you are looking at:"
    if generator.instances:
        story = (
            ": calm and turbulent times take turns, and now and then a price jumps"
            if generator.model == "regimes"
            else f" by the model {generator.model}"
        )
        yield f"  Prices are made up, {generator.rate:g} a second for each position{story}."
    shortest = settings.gatherer.shortest
    yield f"  Each row is the last {shortest} of a position; its volatility is stddev, or cv in percent."
    if len(windows) > 1:
        yield f"  `pipectl watch{option}` shows all windows as they move: {', '.join(windows)}."
    named = [
        f"{symbol} {side} {price:g}"
        for symbol, limits in _initial_limits(settings).items()
        for side, price in limits.items()
    ]
    yield (
        f"  `pipectl watch signals --from-beginning{option}` shows what it is for: volatility that turns "
        "high or low,"
    )
    yield "  ticks far from their window, and limits that the price is likely to reach or has reached."
    if named:
        yield f"  Limits: {', '.join(named)}; `pipectl limits set{option}` sets others."

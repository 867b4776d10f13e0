"""What is worth acting on: a module for each kind of the catalogue (`kafka_topic.signal_kinds`).

A kind decides on numbers of one position and knows nothing of streams, state stores or time but what it is
given.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from gatherer.signals.base import Watcher
from kafka_topic.signal_kinds import SIGNAL_KINDS

WATCHERS: Mapping[str, type[Watcher]] = {
    name: import_module(f"{__name__}.{name}").WATCHER for name in SIGNAL_KINDS
}
"""By kind, in the order in which signals of one moment are written."""

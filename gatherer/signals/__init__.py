"""Signals: a module for each kind of the catalogue (`kafka_topic.signal_kinds`).

A kind decides by the numbers of one position that it is given. It knows no streams, state stores or clocks.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from gatherer.signals.base import Watcher
from kafka_topic.signal_kinds import SIGNAL_KINDS

WATCHERS: Mapping[str, type[Watcher]] = {
    name: import_module(f"{__name__}.{name}").WATCHER for name in SIGNAL_KINDS
}
"""By kind, in the order in which the signals of one moment are written."""

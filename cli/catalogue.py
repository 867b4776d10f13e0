"""Loads settings with the statistics and signals that `kafka_topic` lists."""

from collections.abc import Callable, Iterable
from pathlib import Path

import marathon
from kafka_topic.signal_kinds import SIGNAL_KINDS
from kafka_topic.statistics import STATISTICS

CATALOGUE = marathon.Catalogue(tuple(STATISTICS), tuple(SIGNAL_KINDS.values()))


def load_settings(
    cluster: str,
    *,
    files: Iterable[Path] = (),
    overrides: Iterable[str] = (),
    warn: Callable[[marathon.Problem], object] = lambda problem: None,
    area: str | None = None,
) -> marathon.Settings:
    """The merged and checked settings of a cluster, see `marathon.load_settings`."""
    return marathon.load_settings(
        cluster, catalogue=CATALOGUE, files=files, overrides=overrides, warn=warn, area=area
    )

"""The pages /health and /counters."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Protocol

from data_generator.counters import Counters
from task_runtime.health_log import logged
from task_runtime.pages import Page

_LOG = logging.getLogger(__name__)

UNHEALTHY_SECONDS = 30.0
"""Longer than a broker's restart: the queue absorbs a short outage, so the generator needs no restart."""


class Generator(Protocol):
    """What the pages show, and how to run it."""

    counters: Counters

    def run(self) -> None: ...

    def unhealthy(self, after_seconds: float) -> str | None: ...


def pages_of(generator: Generator, unhealthy_seconds: float = UNHEALTHY_SECONDS) -> Mapping[str, Page]:
    """The pages of a generator, by path. It is unhealthy after so many seconds without a delivery."""

    def health() -> tuple[int, dict[str, Any]]:
        reason = generator.unhealthy(unhealthy_seconds)
        return 503 if reason else 200, {"healthy": reason is None, "reason": reason}

    return {"/health": logged(health, _LOG.info), "/counters": lambda: (200, generator.counters.as_dict())}

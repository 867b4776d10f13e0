"""The job's settings, from the environment of the Marathon app."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Self

from gatherer.errors import SettingsError
from kafka_topic.names import Topics

DELIVERIES = ("exactly-once", "at-least-once")


@dataclass(frozen=True)
class Settings:
    """Everything that defines the job. Durations are whole milliseconds."""

    bootstrap_servers: str
    topics: Topics
    job_name: str
    window_ms: int
    slide_ms: int
    watermark_ms: int
    idle_ms: int
    discovery_ms: int
    delivery: str

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Read and check the environment. Raises SettingsError that names the variable."""
        settings = cls(
            bootstrap_servers=_required(environ, "KAFKA_BOOTSTRAP_SERVERS"),
            topics=Topics(environ.get("TOPIC_PREFIX", "")),
            job_name=_required(environ, "JOB_NAME"),
            window_ms=_milliseconds(environ, "GATHERER_WINDOW_SECONDS", "10"),
            slide_ms=_milliseconds(environ, "GATHERER_SLIDE_SECONDS", "1"),
            watermark_ms=_milliseconds(environ, "GATHERER_WATERMARK_SECONDS", "0.5", minimum=0),
            idle_ms=_milliseconds(environ, "GATHERER_IDLE_SECONDS", "10"),
            discovery_ms=_milliseconds(environ, "GATHERER_DISCOVERY_SECONDS", "5"),
            delivery=environ.get("GATHERER_DELIVERY") or DELIVERIES[0],
        )
        if settings.delivery not in DELIVERIES:
            raise SettingsError(
                f"GATHERER_DELIVERY={settings.delivery} must be one of {', '.join(DELIVERIES)}"
            )
        if settings.window_ms % settings.slide_ms:
            raise SettingsError(
                f"GATHERER_WINDOW_SECONDS must be a whole multiple of GATHERER_SLIDE_SECONDS, "
                f"not {settings.window_ms / 1000:g} and {settings.slide_ms / 1000:g}"
            )
        return settings


def _required(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(name)
    if not value:
        raise SettingsError(f"{name} is not set; the app definition's env has to give it")
    return value


def _milliseconds(environ: Mapping[str, str], name: str, default: str, minimum: int = 1) -> int:
    raw = environ.get(name) or default
    try:
        value = Decimal(raw) * 1000
    except InvalidOperation:
        raise SettingsError(f"{name}={raw} must be a number of seconds") from None
    if not value.is_finite() or value != int(value) or value < minimum:
        raise SettingsError(
            f"{name}={raw} must be at least {minimum / 1000:g} seconds, in whole milliseconds"
        )
    return int(value)

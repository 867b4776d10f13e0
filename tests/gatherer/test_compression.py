"""Producers choose how their batches are compressed: the job reads every way that Kafka has."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

START = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
CODECS = ("gzip", "lz4", "snappy", "zstd")


def test_every_codec_is_read(bundle: Any) -> None:
    from confluent_kafka import Producer

    for codec in CODECS:
        bundle.create(f"position.{codec.upper()}")
        settings = {"bootstrap.servers": bundle.bootstrap_servers, "linger.ms": 50}
        bundle.producer = Producer({**settings, "compression.type": codec})
        for second in range(90):
            for tenth in range(5):
                moment = START + timedelta(seconds=second, milliseconds=100 * tenth)
                bundle.tick(codec.upper(), moment, f"{100 + second * tenth % 7}.00")
        bundle.flush()
    bundle.app.start()
    bundle.app.until_healthy()
    assert bundle.verify([codec.upper() for codec in CODECS], START + timedelta(seconds=60)) >= 4 * 60

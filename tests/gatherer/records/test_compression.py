"""Producers choose how their batches are compressed: the job reads every way that Kafka has."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

pytestmark = pytest.mark.slow

CODECS = ("gzip", "lz4", "snappy", "zstd")


def test_every_codec_is_read(running: Any, start: datetime) -> None:
    from confluent_kafka import Producer

    for codec in CODECS:
        running.create(f"position.{codec.upper()}")
        settings = {"bootstrap.servers": running.bootstrap_servers, "linger.ms": 50}
        producer = Producer({**settings, "compression.type": codec, "enable.idempotence": True})
        for second in range(90):
            for tenth in range(5):
                moment = start + timedelta(seconds=second, milliseconds=100 * tenth)
                running.tick(codec.upper(), moment, f"{100 + second * tenth % 7}.00", producer=producer)
        assert producer.flush(30) == 0
    assert running.compare([codec.upper() for codec in CODECS], start + timedelta(seconds=60)) >= 4 * 60

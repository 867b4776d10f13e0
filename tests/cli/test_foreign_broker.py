"""A local cluster without Kafka, and a broker of somebody else at its address."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from cli import backend
from cli.engine.memory import MemoryEngine
from cli.engine.protocol import Manifest
from cli.errors import NoBackend
from cli.live_config import live_config
from cli.session import Session


def test_the_broker_of_somebody_else_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIPECTL_HOME", str(tmp_path))
    monkeypatch.setattr(backend, "_broker_trouble", lambda config: None)
    engine = MemoryEngine()
    monkeypatch.setattr("cli.session.connect", lambda *_, **__: engine)
    monkeypatch.setattr("cli.local.address", lambda: ("http://127.0.0.1:1", "token"))
    run = Session("local", (), (), verbose=False)
    config = live_config(run)
    with pytest.raises(NoBackend, match="cluster local has no Kafka") as refused:
        backend.connect(run, config)
    assert refused.value.hint == "`pipectl deploy` installs it"

    named = replace(run, overrides=("kafka.bootstrap_servers='127.0.0.1:9'",))
    assert backend.connect(named, live_config(named)).via == "brokers"
    engine.create(Manifest("/kafka", {}, 1, {}, {}))
    assert backend.connect(run, config).via == "brokers"

"""How long topics keep their records is set from inside the cluster, by the app that submits the job."""

from __future__ import annotations

from typing import Any

import pytest

from kafka_topic.brokers import Brokers

pytestmark = pytest.mark.slow


def test_topics_are_set_before_the_job_runs_and_new_ones_while_it_does(bundle: Any) -> None:
    brokers = Brokers(bundle.bootstrap_servers, timeout=10)

    def kept(topic: str) -> str:
        name = bundle.prefix + topic
        return brokers.configs([name])[name]["retention.ms"]

    bundle.create("position.OLD")
    brokers.set_configs({f"{bundle.prefix}position.OLD": {"retention.ms": "-1"}})
    bundle.create("position.AAPL")
    bundle.app.start(TOPIC_RETENTION_MS="prices=1000000000,movingaverage=2000000000")
    bundle.app.until_healthy()
    assert (kept("position.AAPL"), kept("movingaverage")) == ("1000000000", "2000000000")
    assert kept("position.OLD") == "-1", "never shortened without leave"
    assert "left retention.ms of " in bundle.app.output()

    bundle.create("position.NEW")
    bundle.wait_until(lambda: kept("position.NEW") == "1000000000", "the new topic is set")
    assert bundle.app.output().count("left retention.ms of ") == 1
    assert bundle.app.stop() == 0

    # It is done before the submission, which is not waited for.
    bundle.app.start(TOPIC_ALLOW_RETENTION_DECREASE="true")
    bundle.wait_until(lambda: kept("position.OLD") == "1000000000", "the old topic is set")

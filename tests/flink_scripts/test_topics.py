"""What Kafka tells of a job."""

from __future__ import annotations

import pytest

from flink_scripts.errors import NotReadyError
from flink_scripts.topics import has_progress
from tests import group_offsets
from tests.ports import free_ports


@pytest.mark.slow
def test_a_job_has_progress_when_its_group_has_committed(kafka) -> None:
    servers = kafka.bootstrap_servers
    kafka.create("progress", partitions=2)
    group_offsets.commit(servers, "progress.other", "progress", 0, 7)
    assert not has_progress(servers, "progress.job")
    group_offsets.commit(servers, "progress.job", "progress", 1, 7)
    assert has_progress(servers, "progress.job")


def test_without_an_answer_it_is_not_known(monkeypatch) -> None:
    monkeypatch.setattr("flink_scripts.topics._CALL_SECONDS", 0.5)
    with pytest.raises(NotReadyError, match="no Kafka broker answered"):
        has_progress(f"127.0.0.1:{free_ports(1)[0]}", "progress.job")

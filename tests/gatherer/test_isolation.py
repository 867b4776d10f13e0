"""Whatever is wrong with one position, the others go on as if nothing were."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Broker
from tests.gatherer.exact import epoch_ms, key_of
from tests.gatherer.isolation import CODECS, HEALTHY, healthy
from tests.gatherer.model import check_letters, check_windows

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

# Far less than any stop of the job takes, far more than a busy machine.
LATEST = timedelta(seconds=20)


@pytest.fixture
def brokers(tmp_path: Path) -> Iterator[tuple[Broker, Broker]]:
    """A cluster of two, of which the first runs."""
    with ExitStack() as stack:
        made: list[Broker] = []
        for number in range(2):
            folder = tmp_path / f"broker{number}"
            folder.mkdir()
            made.append(Broker(folder, joins=made[0] if made else None))
            stack.callback(made[-1].stop)
        made[0].start()
        yield made[0], made[1]


def test_healthy_positions_continue_whatever_is_wrong_with_others(
    flink: Any, brokers: tuple[Broker, Broker]
) -> None:
    with healthy(flink, *brokers) as troubles:
        bundle = troubles.bundle
        job, since = bundle.app.health()["job_id"], datetime.now(UTC)
        for trouble in troubles.each:
            trouble()
        troubles.until_named()
        troubles.mended()
        troubles.until_named()
        read = {*(codec.upper() for codec in CODECS), "AGAIN", "LOST", "CORRUPT", "DENIED", "LEADERLESS"}
        for symbol in (*HEALTHY, *read):
            troubles.until_written(symbol, datetime.now(UTC))
        troubles.market.close()

        owed = troubles.owed()
        due = set().union(*(outcome.due() for outcome in owed.values()))
        bundle.wait_until(lambda: {key_of(each) for each in bundle.so_far()} >= due, "all windows")
        assert bundle.app.health()["job_id"] == job
        assert flink.rest(f"/jobs/{job}/exceptions")["exceptionHistory"]["entries"] == []
        assert bundle.app.stop() == 0
        check_windows(bundle.averages(), owed.values(), due)
        check_letters((json.loads(each.value()) for each in bundle.records("dead_letter")), owed.values())
        assert troubles.topic("GONE") not in brokers[0].topics()
        assert set(owed["AHEAD"].letters.values()) == {"future"} and not owed["AHEAD"].windows
        late = [
            (key, message.timestamp()[1] - epoch_ms(key[2]))
            for message in bundle.records("movingaverage")
            if (key := key_of(json.loads(message.value())))[0] in HEALTHY and since < key[2]
        ]
        assert len(late) > 4 * 20
        assert [each for each in late if timedelta(milliseconds=each[1]) > LATEST] == []

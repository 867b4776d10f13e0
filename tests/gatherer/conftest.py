"""A real Flink run by our own entry points, topics on the real broker, and an exact recomputation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.folders import shared_in
from tests.gatherer.bundle import Bundle, Feed
from tests.gatherer.flink import Flink
from tests.gatherer.slow_broker import SlowBroker

FLINK = pytest.StashKey[Flink]()


@pytest.fixture
def flink(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Flink:
    """A Flink for all tests of this folder and those below."""

    @contextmanager
    def running() -> Iterator[Flink]:
        flink = Flink(tmp_path_factory.mktemp("flink"))
        try:
            for role in ("jobmanager", "taskmanager"):
                flink.start(role)
            yield flink
        finally:
            flink.stop()

    return shared_in(Path(__file__).parent, request, FLINK, running)


@pytest.fixture
def slow_broker(kafka: Any) -> Iterator[SlowBroker]:
    """The broker as one finds it at `kafka.by_proxy`."""
    with SlowBroker(kafka.proxied, kafka.by_proxy) as slow:
        yield slow


@pytest.fixture
def own_flink(tmp_path: Path) -> Iterator[Callable[..., Flink]]:
    """Makes a Flink for one test alone, not yet started."""
    made: list[Flink] = []

    def make(**settings: Any) -> Flink:
        made.append(Flink(tmp_path / f"flink{len(made)}", **settings))
        return made[-1]

    yield make
    for flink in made:
        flink.stop()


@pytest.fixture
def bundle_on(kafka: Any, request: pytest.FixtureRequest) -> Iterator[Callable[[Flink], Bundle]]:
    """Makes the test's bundle on a Flink."""
    made: list[Bundle] = []

    def make(flink: Flink) -> Bundle:
        name = request.node.name.removeprefix("test_").translate(str.maketrans("_[", "--", "]"))
        made.append(Bundle(flink, kafka.bootstrap_servers, name))
        return made[-1]

    yield make
    for bundle in made:
        if bundle.app.process is not None and bundle.app.process.poll() is None:
            bundle.app.stop()


@pytest.fixture
def bundle(flink: Flink, bundle_on: Callable[[Flink], Bundle]) -> Bundle:
    return bundle_on(flink)


@pytest.fixture
def feed_of() -> type[Feed]:
    return Feed


@pytest.fixture
def feed(bundle: Bundle) -> Feed:
    return Feed(bundle, ["AAPL", "AMZN", "GOOG"])

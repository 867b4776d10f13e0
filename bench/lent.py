"""What a test lends to a benchmark that it runs in its own process; the benchmark starts the rest itself.

So a smoke run is short, and cannot measure anything.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import wraps
from typing import Any, ParamSpec

broker: Any = None
flink: Any = None
bundle: Any = None
cassandra: Any = None
spark: Any = None

Arguments = ParamSpec("Arguments")


@contextmanager
def ended_by_sigterm() -> Iterator[None]:
    """Within the block, SIGTERM ends this program as Ctrl-C does: the program ends what it has started."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def or_started(
    part: str,
) -> Callable[[Callable[Arguments, Iterator[Any]]], Callable[Arguments, AbstractContextManager[Any]]]:
    """Makes a generator a context manager. It yields what is lent by this name, if anything is.

    SIGTERM ends what it starts, too.
    """

    def decorated(
        start: Callable[Arguments, Iterator[Any]],
    ) -> Callable[Arguments, AbstractContextManager[Any]]:
        @contextmanager
        @wraps(start)
        def lent_or_started(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Iterator[Any]:
            if (lent := globals()[part]) is not None:
                yield lent
            else:
                with ended_by_sigterm():
                    yield from start(*args, **kwargs)

        return lent_or_started

    return decorated

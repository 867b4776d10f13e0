"""What the tests of a folder share, such as a bundle that runs: it ends after the last of them.

A fixture for the session would end with the session, and take CPU from all other tests until then.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import pytest

T = TypeVar("T")
_FAILED = pytest.StashKey[dict[pytest.StashKey[Any], tuple[BaseException, TracebackType | None]]]()


def shared_in(
    folder: Path,
    request: pytest.FixtureRequest,
    key: pytest.StashKey[T],
    make: Callable[[], AbstractContextManager[T]],
) -> T:
    """What the first test below `folder` that asked for `key` made. request: of a test's own fixture."""
    node = next(each for each in request.node.iter_parents() if each.path == folder)
    failed = node.stash.setdefault(_FAILED, {})
    if key in failed:
        error, trace = failed[key]
        raise error.with_traceback(trace)
    if key not in node.stash:
        made = make()
        try:
            node.stash[key] = made.__enter__()
        except BaseException as error:
            # The next test would wait as long, and fail as well.
            failed[key] = error, error.__traceback__
            raise

        def end() -> None:
            del node.stash[key]
            made.__exit__(None, None, None)

        node.addfinalizer(end)
    return node.stash[key]

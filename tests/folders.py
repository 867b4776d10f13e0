"""What the tests of a folder share, such as a bundle that runs: it ends after the last of them.

A fixture for the session would end with the session, and take CPU from all other tests until then.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TypeVar

import pytest

T = TypeVar("T")


def shared_in(
    folder: Path,
    request: pytest.FixtureRequest,
    key: pytest.StashKey[T],
    make: Callable[[], AbstractContextManager[T]],
) -> T:
    """What the first test below `folder` that asked for `key` made. request: of a test's own fixture."""
    node = next(each for each in request.node.iter_parents() if each.path == folder)
    if key not in node.stash:
        made = make()
        node.stash[key] = made.__enter__()

        def end() -> None:
            del node.stash[key]
            made.__exit__(None, None, None)

        node.addfinalizer(end)
    return node.stash[key]

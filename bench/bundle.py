"""The bundle that a benchmark runs on."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import broker  # noqa: F401 - first: it lets the next ones be found
import lent

from tests.e2e.conftest import Pipectl


@lent.or_started("bundle")
def bundle(*arguments: str, timeout: float = 600) -> Iterator[Pipectl]:
    """A bundle in a folder of its own, deployed with these arguments. The end of the block purges it."""
    with tempfile.TemporaryDirectory(prefix="bundle-") as folder:
        user = Pipectl(Path(folder) / "home")
        try:
            user.run("deploy", "--yes", *arguments, timeout=timeout)
            yield user
        finally:
            user.purge()

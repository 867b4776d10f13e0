"""Patience with a store that is away: it is asked again, and meanwhile `problem` says what is wrong."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from stores.errors import AwayError

T = TypeVar("T")
PATIENCE_SECONDS = 60.0
"""How long a write is repeated while a store is away."""
SILENT_SECONDS = 20.0
"""A store that has not answered for so long counts as away: it may hang, and its drivers wait for longer."""
PAUSE_SECONDS = 0.5


@dataclass(eq=False)
class _Attempts:
    """Of one call. failed: how the last attempt failed. since: when the present one began."""

    failed: str | None = None
    since: float = field(default_factory=time.monotonic)


class Patience:
    """Repeats what fails with an AwayError, for `seconds`. Threads may share it.

    where: what messages call the store.
    """

    def __init__(self, where: str, seconds: float = PATIENCE_SECONDS) -> None:
        self._where = where
        self._seconds = seconds
        self._asked: list[_Attempts] = []

    @property
    def problem(self) -> str | None:
        """Why something is repeated now, or that an answer does not come; None if all is well."""
        asked = list(self._asked)
        silent = time.monotonic() - min((each.since for each in asked), default=time.monotonic())
        failed = next((each.failed for each in asked if each.failed), None)
        if failed is None and silent >= SILENT_SECONDS:
            return f"{self._where} has not finished a request for {silent:.0f} s"
        return failed

    def repeat(self, ask: Callable[[], T], seconds: float | None = None) -> T:
        """What `ask` returns in the end. seconds: how long it is repeated, if not as long as all else.

        Raises AwayError after that time, and any other error of `ask` at once.
        """
        deadline = time.monotonic() + (self._seconds if seconds is None else seconds)
        attempts = _Attempts()
        self._asked.append(attempts)
        try:
            while True:
                attempts.since = time.monotonic()
                try:
                    return ask()
                except AwayError as error:
                    if time.monotonic() >= deadline:
                        raise
                    attempts.failed = str(error)
                time.sleep(PAUSE_SECONDS)
        finally:
            self._asked.remove(attempts)

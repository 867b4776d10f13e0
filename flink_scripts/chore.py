"""Work that the submitter does beside watching its job."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from flink_scripts.clock import Clock
from flink_scripts.errors import NotReadyError


class Chore:
    """Something to do before the job is submitted, and repeatedly after that.

    name: for messages, such as "the topics' settings". work: returns lines for the log. It raises
    TimeoutError when what it needs does not answer, and is then tried again.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[], Sequence[str]],
        *,
        every_seconds: float,
        clock: Clock | None = None,
    ) -> None:
        self.name = name
        self._work = work
        self._every = every_seconds
        self._clock = clock or Clock()
        self._next = float("-inf")

    @property
    def due(self) -> bool:
        """Whether it is time to do it."""
        return self._clock.now() >= self._next

    def run(self) -> Sequence[str]:
        """Do it. Returns lines for the log. Raises NotReadyError when what it needs does not answer."""
        self._next = self._clock.now() + self._every
        try:
            return self._work()
        except TimeoutError as error:
            raise NotReadyError(str(error)) from error

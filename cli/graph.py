"""Runs steps in dependency order, independent steps in parallel."""

import threading
from collections.abc import Callable, Iterator, Mapping, Set
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from graphlib import TopologicalSorter
from typing import TypeVar

from cli.errors import Interrupted

T = TypeVar("T")


def in_order(depends_on: Mapping[str, Set[str]], *, reverse: bool = False) -> TopologicalSorter[str]:
    """A prepared sorter over `depends_on` (name to dependencies); `reverse` is for teardown."""
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for name, before in depends_on.items():
        sorter.add(name)
        for other in before & depends_on.keys():
            sorter.add(other, name) if reverse else sorter.add(name, other)
    sorter.prepare()
    return sorter


def run(
    depends_on: Mapping[str, Set[str]],
    work: Callable[[str], None],
    stop: threading.Event,
    *,
    reverse: bool = False,
) -> None:
    """Call `work(name)` for every name, each as soon as its dependencies are done.

    The first error sets `stop`, which ends the waits of the other workers, and is raised after they end.
    """
    sorter = in_order(depends_on, reverse=reverse)
    first_error: BaseException | None = None
    with workers(max(len(depends_on), 1), stop) as pool:
        running: dict[Future[None], str] = {}
        while sorter.is_active() and first_error is None:
            running |= {pool.submit(work, name): name for name in sorter.get_ready()}
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                name = running.pop(future)
                error = future.exception()
                if error is None:
                    sorter.done(name)
                elif first_error is None or isinstance(first_error, Interrupted):
                    first_error = error
        if first_error is not None:
            raise first_error


def in_background(work: Callable[[], T]) -> Future[T]:
    """The result of work that nobody waits for when the command ends early, since it cannot be stopped."""
    result: Future[T] = Future()

    def run() -> None:
        try:
            result.set_result(work())
        except BaseException as error:
            result.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return result


@contextmanager
def workers(number: int, stop: threading.Event) -> Iterator[ThreadPoolExecutor]:
    """Threads that work side by side. An error in the block, or Ctrl-C, sets `stop` and waits for them."""
    with ThreadPoolExecutor(max_workers=number, thread_name_prefix="step") as pool:
        try:
            yield pool
        except BaseException:
            stop.set()
            raise

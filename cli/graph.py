"""Runs steps in the order that their needs allow, independent ones side by side."""

import threading
from collections.abc import Callable, Mapping, Set
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from graphlib import TopologicalSorter

from cli.errors import Interrupted


def in_order(needs: Mapping[str, Set[str]], *, reverse: bool = False) -> TopologicalSorter[str]:
    """A prepared sorter over `needs` (name -> names that come first); `reverse` is for taking things down."""
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for name, before in needs.items():
        sorter.add(name)
        for other in before & needs.keys():
            sorter.add(other, name) if reverse else sorter.add(name, other)
    sorter.prepare()
    return sorter


def run(
    needs: Mapping[str, Set[str]],
    work: Callable[[str], None],
    stop: threading.Event,
    *,
    reverse: bool = False,
) -> None:
    """Call `work(name)` for every name, each as soon as what it needs is done.

    The first error sets `stop` (which the other workers watch in their waits), lets them end, and is raised.
    """
    sorter = in_order(needs, reverse=reverse)
    first_error: BaseException | None = None
    with ThreadPoolExecutor(max_workers=max(len(needs), 1), thread_name_prefix="step") as pool:
        running: dict[Future[None], str] = {}
        finished = False
        try:
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
            finished = first_error is None
        finally:
            if not finished:
                stop.set()
    if first_error is not None:
        raise first_error

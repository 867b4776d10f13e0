import threading

import pytest

from cli import graph
from cli.errors import Interrupted, StepFailed

DIAMOND = {"a": frozenset(), "b": frozenset({"a"}), "c": frozenset({"a"}), "d": frozenset({"b", "c"})}


def order_of(depends_on, **kwargs):
    seen, lock = [], threading.Lock()

    def work(name):
        with lock:
            seen.append(name)

    graph.run(depends_on, work, threading.Event(), **kwargs)
    return seen


def test_every_step_runs_once_after_what_it_needs():
    seen = order_of(DIAMOND)
    assert sorted(seen) == ["a", "b", "c", "d"]
    assert seen[0] == "a"
    assert seen[-1] == "d"


def test_teardown_is_the_reverse():
    seen = order_of(DIAMOND, reverse=True)
    assert seen[0] == "d"
    assert seen[-1] == "a"


def test_steps_that_do_not_depend_on_each_other_run_side_by_side():
    both_there = threading.Barrier(2, timeout=10)

    def work(name):
        if name in "bc":
            both_there.wait()  # breaks, and fails the test, if one had to end before the other began

    graph.run(DIAMOND, work, threading.Event())


def test_an_error_stops_the_others_and_what_needs_it_never_begins():
    began, stop = [], threading.Event()

    def work(name):
        began.append(name)
        if name == "b":
            raise StepFailed("b is broken")
        if name == "c" and stop.wait(30):
            raise Interrupted("stopped")

    with pytest.raises(StepFailed, match="b is broken"):
        graph.run(DIAMOND, work, stop)
    assert "d" not in began


def test_dependencies_outside_the_selection_are_ignored():
    assert order_of({"d": frozenset({"b", "c"})}) == ["d"]


def test_an_interrupt_ends_commands_and_waits_for_no_work_in_the_background():
    stop, never, ended = threading.Event(), threading.Event(), []

    def command():
        ended.append(stop.wait(30))

    with pytest.raises(KeyboardInterrupt), graph.workers(2, stop) as pool:
        graph.in_background(lambda: never.wait(60))
        pool.submit(command)
        raise KeyboardInterrupt
    assert ended == [True]


def test_the_result_and_the_error_of_work_in_the_background_are_kept():
    assert graph.in_background(lambda: 7).result(30) == 7

    def fail():
        raise StepFailed("b is broken")

    with pytest.raises(StepFailed, match="b is broken"):
        graph.in_background(fail).result(30)

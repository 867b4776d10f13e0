"""What a task logs about its health."""

from __future__ import annotations

from task_runtime.health_log import logged


def test_each_change_of_the_reason_is_logged_once() -> None:
    reasons = [None, None, "nothing for 31 s", "nothing for 32 s", "a topic is missing", None]
    lines: list[str] = []
    answers = iter(reasons)

    def page() -> tuple[int, dict[str, str | None]]:
        reason = next(answers)
        return (503 if reason else 200), {"reason": reason}

    health = logged(page, lines.append)
    assert [health() for _ in reasons] == [(503 if each else 200, {"reason": each}) for each in reasons]
    assert lines == [
        "healthy",
        "not healthy: nothing for 31 s",
        "not healthy: a topic is missing",
        "healthy",
    ]

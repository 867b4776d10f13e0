"""Logs why a task is not healthy. `pipectl status` shows these lines (cli/health_reason.py)."""

from __future__ import annotations

import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from task_runtime.pages import Page

_NUMBERS = re.compile(r"\d+")


def logged(page: Page, log: Callable[[str], None]) -> Page:
    """The page, which logs a change of its `reason` when it is asked: `not healthy: <reason>`, or `healthy`.

    A reason that differs only in its numbers, such as the length of a silence, is logged once.
    """
    known: str | None = None

    def answer() -> tuple[int, dict[str, Any]]:
        nonlocal known
        status, body = page()
        line = "healthy" if status == HTTPStatus.OK else f"not healthy: {body.get('reason')}"
        if (kind := _NUMBERS.sub("", line)) != known:
            known = kind
            log(line)
        return status, body

    return answer

"""Serves /health, and logs why a task is not healthy: `pipectl status` shows that (cli/health_reason.py)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

from task_runtime.environment import Environment
from task_runtime.pages import Page, serve_pages

_NUMBERS = re.compile(r"\d+")


@contextmanager
def serve_health(page: Page, log: Callable[[str], None], environ: Mapping[str, str]) -> Iterator[None]:
    """Serve the page, logged, as /health at PORT0, if that is set, while the block runs.

    Raises SettingsError if a variable is invalid or the port is taken.
    """
    if "PORT0" not in environ:
        yield
        return
    env = Environment(environ)
    with serve_pages({"/health": logged(page, log)}, env.host, env.integer("PORT0")):
        yield


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

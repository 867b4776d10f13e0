"""The pages of a task over HTTP."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import pytest

from task_runtime.errors import SettingsError
from task_runtime.pages import serve_pages


def get(port: int, path: str, method: str = "GET", **headers: str) -> tuple[int, Any]:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_pages_are_made_anew_for_each_request() -> None:
    status = 200
    with serve_pages({"/health": lambda: (status, {"n": status})}, "127.0.0.1", 0) as port:
        assert get(port, "/health") == (200, {"n": 200})
        status = 503
        assert get(port, "/health?from=marathon") == (503, {"n": 503})
        assert get(port, "/nothing") == (404, {"message": "no page /nothing; there is /health"})
    with pytest.raises(urllib.error.URLError):
        get(port, "/health")


def test_a_taken_port_is_named() -> None:
    with serve_pages({}, "127.0.0.1", 0) as port:
        named = rf"can't listen on 127\.0\.0\.1:{port}: .*choose another port"
        with pytest.raises(SettingsError, match=named), serve_pages({}, "127.0.0.1", port):
            pass


def test_foreign_names_and_changes_are_refused() -> None:
    with serve_pages({"/health": lambda: (200, {})}, "127.0.0.1", 0) as port:
        assert get(port, "/health", Host="localhost")[0] == 200
        assert get(port, "/health", Host=f"evil.example:{port}") == (
            403,
            {"message": "evil.example is not the name of this server"},
        )
        assert get(port, "/health", "POST")[0] == 405
        assert get(port, "/health", Origin=f"http://127.0.0.1:{port}")[0] == 200
        for method in ("GET", "OPTIONS", "POST"):
            for origin in ("http://evil.example", f"http://evil.example:{port}", "http://[", "null", ""):
                refused = get(port, "/health", method, Origin=origin)
                assert refused == (403, {"message": "requests from other origins are not allowed"}), method

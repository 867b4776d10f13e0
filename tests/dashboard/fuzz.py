"""Generated requests to a real page, and what must hold for every answer."""

from __future__ import annotations

import http.client
import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from hypothesis import strategies as st

from tests import fuzzing
from tests.dashboard.marathon_page import MarathonPage

ANSWER_SECONDS = 20.0
FOREIGN_HOST, FOREIGN_ORIGIN, STRANGER, HONEST = "foreign host", "foreign origin", "stranger", "honest"

odd_text = st.one_of(
    st.sampled_from(
        [
            "",
            "..",
            "../../etc/passwd",
            "AAPL",
            "MSFT",
            "10s",
            "\x00",
            "é",
            "%",
            "a" * 300,
            "-1",
            "1e400",
            "http://[",
        ]
    ),
    st.text(max_size=12),
)
odd: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | odd_text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(odd_text, inner, max_size=3),
    max_leaves=6,
)
ADDRESSES = (
    *("/", "/app.js", "/health", "/api/openapi.json", "/api/status", "/api/positions"),
    *("/api/movingaverage", "/api/signals", "/api/limits", "/api/flows", "/api/topics", "/socket.io/"),
    *("/api/summary", "/api/clusters"),
)
NAMES = ("position", "window", "since", "all", "topic", "transport", "EIO", "sid", "n")


def escaped(text: str) -> str:
    return quote(text.encode("utf-8", "surrogatepass"), safe="./")


paths = st.one_of(
    st.sampled_from(ADDRESSES),
    st.tuples(st.sampled_from(ADDRESSES), odd_text).map(lambda both: f"{both[0]}/{escaped(both[1])}"),
    odd_text.map(lambda text: f"/{escaped(text)}"),
    st.sampled_from(
        ["/..%2f..%2fetc/passwd", "/static/../settings.py", "//evil.example/", "/api/%ff", "/%00"]
    ),
)
queries = st.lists(st.tuples(st.sampled_from(NAMES), odd_text), max_size=3).map(
    lambda pairs: "".join(
        f"{'&' if n else '?'}{name}={escaped(value)}" for n, (name, value) in enumerate(pairs)
    )
)
limits = st.fixed_dictionaries(
    {"symbols": st.lists(st.sampled_from(["AAPL", "MSFT"]), min_size=1, max_size=2) | odd},
    optional=dict.fromkeys(("buy", "sell", "high", "low", "probability", "x"), st.floats(0, 1e6) | odd),
)
bodies = st.one_of(
    st.just(b""),
    limits.map(lambda document: json.dumps(document).encode()),
    odd.map(lambda document: json.dumps(document).encode()),
    st.sampled_from([b"{", b"[" * 100_000, b"\xff", b"9" * 5000, b'{"symbols": ["AAPL"], "buy": NaN}']),
    st.binary(max_size=40),
)
rounds = st.tuples(
    st.sampled_from([HONEST] * 6 + [FOREIGN_HOST, FOREIGN_ORIGIN, STRANGER]),
    st.sampled_from(["GET"] * 4 + ["POST"] * 4 + ["DELETE", "HEAD", "PUT", "OPTIONS", "PATCH"]),
    st.tuples(paths, queries).map("".join),
    bodies,
    st.sampled_from(["application/json"] * 4 + ["text/plain", "", "multipart/form-data"]),
    st.binary(max_size=20).map(lambda value: value.translate(None, b"\r\n\0").strip()),
)


@dataclass
class Fuzz:
    """Sends requests to a page. statuses: how often each came. canaries: the seconds until the page showed a
    new price. restarts: the same, from a kill -9 of the page.
    """

    page: MarathonPage
    statuses: Counter[int] = field(default_factory=Counter)
    canaries: list[float] = field(default_factory=list)
    restarts: list[float] = field(default_factory=list)

    def canary(self) -> None:
        """Look whether the page still does its work."""
        self.canaries.append(_seconds(self.page.shows_a_new_price))

    def restart(self) -> None:
        """Kill the page, and look whether the next one does its work."""

        def again() -> None:
            self.page.kill()
            self.page.shows_a_new_price()

        self.restarts.append(_seconds(again))

    def send(self, sender: str, method: str, path: str, body: bytes, kind: str, odd_header: bytes) -> None:
        """Send one request. Raises AssertionError if the answer breaks a rule that holds for all."""
        status, headers, content = self._ask(sender, method, path, body, kind, odd_header)
        self.statuses[status] += 1
        shown = f"{sender} {method} {path} {body[:300]!r} -> {status} {content[:300]!r}"
        # 503 says that Kafka is away.
        assert status < 500 or status == 503, shown
        is_stranger = sender == STRANGER and path.partition("?")[0] != "/health"
        if sender in (FOREIGN_HOST, FOREIGN_ORIGIN) or is_stranger:
            assert status in (400, 403), shown
        if headers.get("Content-Type", "").startswith("application/json") and content:
            json.loads(content.decode(), parse_constant=self._no_constant)
        assert self.page.secret not in content.decode("utf-8", "replace"), shown
        assert b"root:x:0" not in content, shown
        assert headers.get("Access-Control-Allow-Origin") is None, shown

    @staticmethod
    def _no_constant(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    def _ask(
        self, sender: str, method: str, path: str, body: bytes, kind: str, odd_header: bytes
    ) -> tuple[int, Any, bytes]:
        port, secret = self.page.port, self.page.secret
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_SECONDS)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            host = b"evil.example" + odd_header if sender == FOREIGN_HOST else b"127.0.0.1"
            connection.putheader("Host", host + f":{port}".encode())
            connection.putheader("X-Requested-By", "a test")
            connection.putheader("X-Proxy-Secret", odd_header if sender == STRANGER else secret)
            if sender == FOREIGN_ORIGIN:
                connection.putheader("Origin", b"http://evil.example" + odd_header)
            elif sender == HONEST:
                connection.putheader("X-Odd", odd_header)
            if kind:
                connection.putheader("Content-Type", kind)
            connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()


def _seconds(do: Callable[[], object]) -> float:
    begun = time.monotonic()
    do()
    return time.monotonic() - begun


def attack(page: MarathonPage, requests: int, number: int, *, per_canary: int, per_kill: int) -> Fuzz:
    """Send generated requests, and look now and then whether the page still works, also after a kill -9.

    number: the seed. Raises AssertionError at the first answer that is not what it must be.
    """
    fuzz = Fuzz(page)

    def holds(one: tuple[str, str, str, bytes, str, bytes]) -> None:
        fuzz.send(*one)
        sent = fuzz.statuses.total()
        if sent % per_canary == 0:
            fuzz.canary()
        if sent % per_kill == 0:
            fuzz.restart()

    fuzzing.run(holds, rounds, count=requests, with_seed=number)
    return fuzz

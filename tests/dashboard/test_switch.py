"""The switch between clusters in a real browser: a real page, and a stand-in for that of another cluster."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.dashboard.conftest import App
from tests.dashboard.looking import SCREENSHOTS, looking

pytestmark = pytest.mark.slow
PATH = "/service/volatility-dashboard/"
SUMMARY = {
    "version": "0.9.1",
    "healthy": True,
    "unhealthy": [],
    "freshest_age_seconds": 2.25,
    "positions": ["MSFT"],
}


class Other(ThreadingHTTPServer):
    """The page of the cluster `prod`: it knows the origin `trusted`, and its viewer has a login there."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.trusted = ""
        self.summary = dict(SUMMARY)
        self.go_on = threading.Event()
        self.go_on.set()
        self.page = f"http://127.0.0.1:{self.server_port}{PATH}"


class Answers(BaseHTTPRequestHandler):
    server: Other

    def do_GET(self) -> None:
        self.server.go_on.wait()
        origin = self.headers.get("Origin")
        mine = self.path == f"{PATH}api/summary" and "session-of-prod=1" in self.headers.get("Cookie", "")
        self.send_response(200 if mine or self.path == PATH else 401)
        if mine and origin == self.server.trusted:
            self.send_header("Access-Control-Allow-Origin", origin)
            self.send_header("Access-Control-Allow-Credentials", "true")
        self.end_headers()
        text = json.dumps(self.server.summary) if mine else "<title>prod</title>"
        with suppress(BrokenPipeError):  # nobody waits any more
            self.wfile.write(text.encode())

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def other() -> Iterator[Other]:
    with Other() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.go_on.set()
            server.shutdown()
            thread.join()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., App]]:
    """Starts a page whose Kafka is away."""
    started: list[App] = []

    def make(**environment: str) -> App:
        away = {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1", "POSITIONS": "AAPL,MSFT", "JOB_NAME": "job"}
        started.append(App({**away, **environment}, tmp_path / "dashboard.log"))
        started[-1].start()
        return started[-1]

    yield make
    for app in started:
        app.kill()


def says(page, state):
    page.wait_for_selector(f"#cluster-list li:nth-child(2) .state[data-state={state}]", state="attached")


@pytest.mark.parametrize(
    ("scheme", "width"),
    [
        ("light", 1200),
        ("dark", 380),
        pytest.param("light", 380, marks=pytest.mark.long),
        pytest.param("dark", 1200, marks=pytest.mark.long),
    ],
)
def test_the_switch_shows_other_clusters_and_leads_to_the_same_position(start, browser, other, scheme, width):
    app = start(CLUSTER_NAME="dev", CLUSTER_PAGES=json.dumps({"prod": other.page}))
    other.trusted = app.url
    host = other.page.split("/")[2]
    # Requests that get no answer, and those that the page may not read, are complaints of the browser.
    options = {"may_lose_connection": True, "refused": (401,), "others": (host,)}
    size = {"viewport": {"width": width, "height": 760}, "color_scheme": scheme}
    with looking(browser, "about:blank", **options, **size) as page:
        page.context.add_cookies([{"name": "session-of-prod", "value": "1", "url": other.page}])
        page.goto(f"{app.url}/#/position/MSFT")
        says(page, "healthy")
        page.keyboard.press("c")
        assert page.evaluate("document.activeElement.textContent").startswith("prodhealthy")
        told = page.text_content("#cluster-list li:nth-child(2) .readout")
        assert told == "Freshest window 2.3 s ago. pipectl 0.9.1."
        assert page.text_content("#cluster-list li:nth-child(1) strong") == "dev"
        box = page.locator("#cluster-list").bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= width
        page.screenshot(path=SCREENSHOTS / f"clusters-{scheme}-{width}.png")

        other.summary |= {"healthy": False, "unhealthy": ["gatherer"]}
        says(page, "unhealthy")
        assert page.text_content(".trouble") == "prod: unhealthy"
        other.go_on.clear()
        says(page, "unreachable")
        page.screenshot(path=SCREENSHOTS / f"clusters-trouble-{scheme}-{width}.png")
        other.go_on.set()
        says(page, "unhealthy")

        page.keyboard.press("Escape")
        assert not page.is_visible("#cluster-list")
        assert page.evaluate("location.hash") == "#/position/MSFT"
        page.keyboard.press("Enter")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        page.wait_for_url(f"{other.page}#/position/MSFT")


def test_without_a_login_there_the_switch_still_leads_there(start, browser, other):
    app = start(CLUSTER_PAGES=json.dumps({"prod": other.page}))
    other.trusted, host = app.url, other.page.split("/")[2]
    with looking(browser, app.url, refused=(401,), may_lose_connection=True, others=(host,)) as page:
        says(page, "unknown")
        page.click("#clusters button")
        assert "pipectl open --cluster prod" in page.text_content("#cluster-list")
        page.click("#cluster-list li:nth-child(2) a")
        page.wait_for_url(f"{other.page}#/")

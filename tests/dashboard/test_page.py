"""The page in a real browser: headless Chromium, on a real broker."""

import re
import shutil
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

SCREENSHOTS = Path(__file__).parents[2] / "build" / "screenshots"
WAIT_MS = 40_000


@contextmanager
def looking(browser, address, *, may_lose_connection=False, **options):
    """A page at `address`; in the end its console must hold no error, and all it asked for is of its host."""
    context = browser.new_context(**{"viewport": {"width": 1200, "height": 760}, **options})
    page = context.new_page()
    page.set_default_timeout(WAIT_MS)
    complaints, hosts = [], set()
    page.on("console", lambda one: complaints.append(one.text) if one.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: hosts.add(re.sub(r"^\w+://([^/]+).*", r"\1", request.url)))
    page.goto(address)
    try:
        yield page
    finally:
        page.screenshot(path=SCREENSHOTS / f"{time.time_ns()}.png")
        context.close()
    lost = ("ERR_CONNECTION_REFUSED", "WebSocket", "ERR_EMPTY_RESPONSE", "ERR_CONNECTION_RESET")
    assert not [
        text for text in complaints if not (may_lose_connection and any(part in text for part in lost))
    ]
    assert len(hosts - {"about:blank"}) == 1


@pytest.fixture(autouse=True, scope="module")
def screenshots():
    shutil.rmtree(SCREENSHOTS, ignore_errors=True)
    SCREENSHOTS.mkdir(parents=True)


def card(page, symbol, state):
    return page.wait_for_selector(f'.card[data-symbol="{symbol}"][data-state="{state}"]')


PICTURE = "symbol => document.querySelector(`[data-symbol='${symbol}'] canvas`).toDataURL()"
MOVED = (
    "([symbol, before]) => document.querySelector(`[data-symbol='${symbol}'] canvas`).toDataURL() !== before"
)


def assert_moves(page, symbol):
    before = page.evaluate(PICTURE, symbol)
    page.wait_for_function(MOVED, arg=[symbol, before])


def test_charts_move_for_two_viewers_until_a_position_falls_silent(feeder, app, browser):
    with (
        feeder.flowing() as alive,
        looking(browser, app.url) as one,
        looking(browser, app.url, color_scheme="dark") as two,
    ):
        for page in (one, two):
            card(page, "AAPL", "fresh")
            card(page, "MSFT", "fresh")
            assert page.text_content("#connection") == "live"
            assert_moves(page, "AAPL")
            assert_moves(page, "MSFT")
        alive.remove("MSFT")
        for page in (one, two):
            card(page, "MSFT", "stale")
            card(page, "AAPL", "fresh")
            page.wait_for_function(
                "() => document.querySelector('#summary').textContent === '1 fresh, 1 stale'"
            )
            assert_moves(page, "AAPL")
        alive.add("MSFT")
        card(one, "MSFT", "fresh")


def test_it_goes_on_after_the_app_was_killed(feeder, app, browser):
    with feeder.flowing(), looking(browser, app.url, may_lose_connection=True) as page:
        card(page, "AAPL", "fresh")
        app.kill()
        page.wait_for_selector("#connection[data-state=lost]")
        app.start()
        page.wait_for_selector("#connection[data-state=live]")
        card(page, "AAPL", "fresh")
        assert_moves(page, "AAPL")


NO_WEBSOCKET = """
window.WebSocket = class {
  constructor() { setTimeout(() => this.onerror(new Event("error"))); }
  close() {}
};
"""


def test_polling_does_where_no_websocket_passes(feeder, app, browser):
    with feeder.flowing(), looking(browser, "about:blank") as page:
        page.add_init_script(NO_WEBSOCKET)
        page.goto(app.url)
        card(page, "AAPL", "fresh")
        assert_moves(page, "AAPL")


def test_all_of_it_by_keyboard(feeder, app, browser):
    with feeder.flowing(), looking(browser, app.url) as page:
        card(page, "AAPL", "fresh")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Enter")
        page.wait_for_function("() => location.hash === '#/position/MSFT'")
        page.wait_for_function("() => document.querySelectorAll('tbody tr').length > 5")
        page.hover(".chart-price")
        page.wait_for_function("() => /mean 10/.test(document.querySelector('.readout').textContent)")
        page.keyboard.press("ArrowLeft")
        page.wait_for_function("() => location.hash === '#/position/AAPL'")
        page.keyboard.press("2")
        page.wait_for_selector(".flow li")
        names = page.eval_on_selector_all(".flow h2", "all => all.map(one => one.textContent)")
        assert names[:4] == ["data-generator", "kafka", "gatherer", "dashboard"]
        page.keyboard.press("Escape")
        card(page, "MSFT", "fresh")
        page.keyboard.press("/")
        page.keyboard.type("aap")
        page.wait_for_function("() => document.querySelectorAll('.card').length === 1")


@pytest.mark.parametrize("view", ["#/", "#/position/AAPL", "#/pipeline"])
def test_a_phone_need_not_scroll_sideways(feeder, app, browser, view):
    phone = {"viewport": {"width": 360, "height": 720}, "has_touch": True, "is_mobile": True}
    feeder.price("AAPL", 100)
    feeder.window("AAPL")
    feeder.flush()
    with looking(browser, f"{app.url}/{view}", **phone) as page:
        page.wait_for_selector("main canvas, main .flow li")
        assert page.evaluate("() => document.documentElement.scrollWidth") <= 360

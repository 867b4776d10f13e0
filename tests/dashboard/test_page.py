"""The page in a real browser: headless Chromium, on a real broker."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.dashboard.looking import SCREENSHOTS, looking

pytestmark = pytest.mark.slow


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


def test_a_problem_of_a_position_is_shown_in_words(feeder, app, browser):
    with feeder.flowing(), looking(browser, app.url) as page:
        card(page, "AAPL", "fresh")
        feeder.commit("AAPL", problem="corrupt", detail="CRC of batch 17")
        card(page, "AAPL", "unreadable")
        card(page, "MSFT", "fresh")
        topic = f"{feeder.prefix}position.AAPL"
        said = f"partition 0 of {topic} holds records that can't be decoded: CRC of batch 17"
        assert page.text_content(".card[data-symbol=AAPL] .problem") == said
        assert page.text_content("#summary") == "1 fresh, 1 unreadable"
        page.click(".card[data-symbol=AAPL]")
        page.wait_for_function(
            "said => document.querySelector('#view > .problem')?.textContent.startsWith(said)",
            arg=f"{said}. Next: restore them",
        )
        page.keyboard.press("2")
        page.wait_for_function(
            "said => document.querySelector('#view .problem')?.textContent.startsWith(said)",
            arg=f"AAPL: {said}",
        )
        page.keyboard.press("1")
        feeder.commit("AAPL")
        card(page, "AAPL", "fresh")
        assert not page.is_visible(".card[data-symbol=AAPL] .problem")


def test_the_page_reconnects_after_the_app_was_killed(feeder, app, browser):
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


def test_the_page_polls_where_websockets_are_blocked(feeder, app, browser):
    with feeder.flowing(), looking(browser, "about:blank") as page:
        page.add_init_script(NO_WEBSOCKET)
        page.goto(app.url)
        card(page, "AAPL", "fresh")
        assert_moves(page, "AAPL")


def test_every_view_is_reached_by_keyboard(feeder, app, browser):
    with feeder.flowing(), looking(browser, app.url) as page:
        card(page, "AAPL", "fresh")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Enter")
        page.wait_for_function("() => location.hash === '#/position/MSFT'")
        page.wait_for_function("() => document.querySelectorAll('#windows tbody tr').length > 5")
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


def shot(page, name):
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)


def test_signals_are_marked_and_listed_on_the_overview_and_on_the_position(feeder, app, browser):
    with feeder.flowing(), looking(browser, app.url) as page:
        card(page, "AAPL", "fresh")
        plain = page.evaluate(COLOURS, [".card[data-symbol=AAPL] canvas", "--anomaly"])
        feeder.signal("AAPL", "limit", "likely", side="sell")
        feeder.signal("AAPL", "regime", "high", value=1.4, threshold=1.0)
        feeder.signal("AAPL", "gap", "silent", value=5.5, threshold=5.0)
        feeder.signal("AAPL", "anomaly", "above", price=103.0, value=103.0, threshold=102.0)
        feeder.flush()
        text = "sel => document.querySelector(sel).textContent"
        page.wait_for_function(
            f"sel => ({text})(sel) === '◆ anomaly above'", arg=".card[data-symbol=AAPL] .signal"
        )
        assert page.evaluate(text, ".card[data-symbol=AAPL] .regime") == "high volatility"
        assert page.evaluate(text, ".card[data-symbol=MSFT] .signal") == ""
        page.wait_for_function(
            f"([sel, name, before]) => ({COLOURS})([sel, name]) > before + 10",
            arg=[".card[data-symbol=AAPL] canvas", "--anomaly", plain],
        )
        shot(page, "overview-with-signals")
        page.click(".card[data-symbol=AAPL]")
        page.wait_for_function(
            "() => document.querySelectorAll('#signals tbody tr[data-signal]').length === 4"
        )
        told = page.eval_on_selector_all("#signals td:nth-child(2)", "all => all.map(one => one.textContent)")
        assert told == ["◆ anomaly above", "■ gap silent", "● H regime high", "▼ sell likely"]
        for name in ("--anomaly", "--regime", "--sell"):
            page.wait_for_function(
                f"([sel, name]) => ({COLOURS})([sel, name]) > 10", arg=[".chart-price", name]
            )
        # A heading stands over its column: as the cells below it are aligned.
        assert page.evaluate(ALIGNED, "#signals th") == page.evaluate(ALIGNED, "#signals tr:first-child td")
        shot(page, "position-with-signals")


ALIGNED = "sel => [...document.querySelectorAll(sel)].map(one => getComputedStyle(one).textAlign)"
COLOURS = """
([selector, name]) => {
  const canvas = document.querySelector(selector);
  const wanted = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const [red, green, blue] = [1, 3, 5].map(at => parseInt(wanted.slice(at, at + 2), 16));
  // A copy: reading a canvas again and again changes how it is drawn.
  const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d");
  copy.drawImage(canvas, 0, 0);
  const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
  let found = 0;
  for (let at = 0; at < data.length; at += 4) {
    const far = Math.abs(data[at] - red) + Math.abs(data[at + 1] - green) + Math.abs(data[at + 2] - blue);
    if (far < 6) found += 1;
  }
  return found;
}
"""


def test_limits_are_set_drawn_and_cleared_through_the_form_and_errors_stand_at_their_field(
    feeder, app, browser
):
    with feeder.flowing(), looking(browser, f"{app.url}/#/position/AAPL", refused=[400]) as page:
        page.wait_for_selector("#windows tbody tr")
        assert page.get_attribute("#limits [name=probability]", "placeholder") == "0.5"
        none = page.evaluate(COLOURS, [".chart-price", "--buy"])
        page.keyboard.press("l")
        page.keyboard.type("105")
        page.fill("#limits [name=sell]", "104")
        page.keyboard.press("Enter")
        page.wait_for_function("() => /below sell/.test(document.querySelector('#about-buy').textContent)")
        assert page.get_attribute("#limits [name=buy]", "aria-invalid") == "true"
        assert app.get("/api/limits")[1] == {"limits": []}
        page.fill("#limits [name=buy]", "cheap")
        page.keyboard.press("Enter")
        assert page.text_content("#about-buy") == "cheap is not a number"
        page.fill("#limits [name=buy]", "99")
        page.keyboard.press("Enter")
        page.wait_for_function("() => document.querySelector('#limits output').textContent === 'Set.'")
        assert page.get_attribute("#limits [name=buy]", "aria-invalid") is None
        (limits,) = app.get("/api/limits")[1]["limits"]
        assert (limits["buy"], limits["sell"], limits["probability"]) == (99, 104, None)
        page.wait_for_function(f"before => ({COLOURS})(['.chart-price', '--buy']) > before + 50", arg=none)
        shot(page, "position-with-limits")
        # Set elsewhere, shown here.
        assert app.ask("POST", "/api/limits", {"symbols": ["AAPL"], "sell": 108})[0] == 200
        page.wait_for_function("() => document.querySelector('#limits [name=sell]').value === '108'")
        page.click("text=Clear all")
        page.wait_for_function("() => document.querySelector('#limits [name=buy]').value === ''")
        assert app.get("/api/limits")[1] == {"limits": []}


def test_the_table_of_windows_has_a_column_for_each_statistic_that_is_written(feeder, make_app, browser):
    app = make_app(feeder.prefix, GATHERER_STATISTICS="bollinger,realized_vol,median,skewness")
    end = datetime.now(UTC)
    for second in range(3):
        feeder.window("AAPL", 100 + second, end - timedelta(seconds=3 - second))
    feeder.flush()
    with looking(browser, f"{app.url}/#/position/AAPL") as page:
        page.wait_for_function("() => document.querySelectorAll('#windows tbody tr').length === 3")
        headings = page.eval_on_selector_all("#windows th", "all => all.map(one => one.textContent)")
        assert headings[-5:] == ["min", "max", "median", "realized vol", "skewness"]
        newest = page.eval_on_selector_all(
            "#windows tbody tr:first-child td", "all => all.map(one => one.textContent)"
        )
        assert newest[-5:] == ["101.00", "103.00", "102.0000", "–", "–"]


def test_each_window_can_be_chosen(feeder, app, browser):
    end = datetime.now(UTC)
    for second in range(30):
        feeder.window("AAPL", 100, end - timedelta(seconds=30 - second))
        feeder.window("AAPL", 200, end - timedelta(seconds=30 - second), "1m")
    feeder.flush()
    with looking(browser, f"{app.url}/#/position/AAPL") as page:
        mean = "() => document.querySelector('#windows tbody td:nth-child(4)')?.textContent"
        page.wait_for_function(f"() => ({mean})() === '100.0000'")
        page.click("button:text-is('1m')")
        page.wait_for_function(f"() => ({mean})() === '200.0000'")
        page.keyboard.press("w")
        page.keyboard.press("w")
        page.wait_for_function(f"() => ({mean})() === '100.0000'")
        assert page.get_attribute("button:text-is('10s')", "aria-pressed") == "true"


def test_dead_letters_are_shown_by_reason(feeder, app, browser):
    for number, reason in enumerate(["late", "late", "bad_price"]):
        feeder.letter(reason, number)
    feeder.flush()
    with looking(browser, f"{app.url}/#/pipeline") as page:
        # "so far": they are being counted.
        counted = (
            "document.querySelector('#dead-letters')?.textContent.includes('3 records could not be used.')"
        )
        page.wait_for_function(f"() => {counted}")
        shown = page.eval_on_selector_all("#dead-letters .bars div", "all => all.map(one => one.textContent)")
        assert shown == ["bad price1", "late2"]
        shot(page, "pipeline-with-dead-letters")


def test_every_view_fits_the_width_of_a_phone(feeder, app, browser):
    phone = {"viewport": {"width": 360, "height": 720}, "has_touch": True, "is_mobile": True}
    feeder.price("AAPL", 100)
    feeder.window("AAPL")
    feeder.signal("AAPL", "limit", "likely", reason="the price is likely to reach the limit " * 3)
    feeder.letter("unknown_symbol", 1)
    feeder.flush()
    with looking(browser, app.url, **phone) as page:
        for view, content in (("", "canvas"), ("position/AAPL", "#windows"), ("pipeline", ".flow li")):
            page.goto(f"{app.url}/#/{view}")
            page.wait_for_selector(f"main {content}")
            assert page.evaluate("() => document.documentElement.scrollWidth") <= 360

"""The pages of flows and topics in a real browser: headless Chromium, on a real broker and a real store."""

import re

import pytest

from kafka_topic.connection import open_producer
from tests.dashboard import flows
from tests.dashboard.conftest import dashboards, new_feeder
from tests.dashboard.looking import SCREENSHOTS, looking

pytestmark = pytest.mark.slow
LIVE = "socket.io/monitoring"
WINDOW = r"to \d\d:\d\d:\d\d: mean 5\d, standard deviation (2\.5|–), min 40, max 60, 10 values"
GROUP = r"(North|<b>South</b>|West): mean \d0 people, standard deviation 3, min 1, max 99, 10 values"
READ = {
    LIVE: r"\d\d:\d\d:\d\d: 5\d %",
    "socket.io/random-numbers": r"[\d.]+ to [\d.]+ %: \d+ of 50 values",
    "spark/disk/census-data": GROUP,
    "spark/cassandra/census-data": GROUP,
    "spark-streaming/disk/random-numbers": WINDOW,
    "spark-streaming/disk/monitoring": WINDOW,
    "spark-streaming/cassandra/random-numbers": WINDOW,
    "spark-streaming/cassandra/monitoring": WINDOW,
}
"""What a chart of each page tells of one of its marks."""
LOOKS = {
    "light": ({"width": 1200, "height": 760}, "rgb(246, 247, 249)"),
    "dark": ({"width": 360, "height": 720}, "rgb(15, 19, 23)"),
}
"""For each scheme, the size of the window, as of a desktop and of a phone, and the colour of the ground."""


def fill(address):
    """Store what the jobs and the streams of all flows leave in a store."""
    for flow in ("monitoring-statistics", "random-numbers-statistics"):
        flows.store_windows(address, flow, 60)
    flows.store_groups(address, "census")


@pytest.fixture(scope="module")
def feeder(kafka):
    """Topics with values for both live flows."""
    found = new_feeder(kafka)
    for topic, count, names in (("monitoring", 30, flows.NAMES), ("random-numbers", 50, ("normal",))):
        kafka.create(found.prefix + topic)
        flows.measure(found.servers, found.prefix + topic, count, names=names)
    return found


@pytest.fixture(scope="module")
def flow_app(kafka, feeder, tmp_path_factory):
    """A page with data of all flows. A folder stands in for Cassandra."""
    folder = tmp_path_factory.mktemp("flows")
    stores = {"disk": f"disk:{folder / 'disk'}", "cassandra": f"disk:{folder / 'cassandra'}"}
    for address in stores.values():
        fill(address)
    with dashboards(kafka, folder) as make:
        yield make(feeder.prefix, **flows.environment(stores, "dashboard", "spark", "cassandra"))


@pytest.fixture(scope="module")
def opened(browser):
    """One window for all tests that only read."""
    with looking(browser, "about:blank") as page:
        yield page


@pytest.mark.parametrize("name", READ)
def test_every_page_has_its_chart_which_keyboard_and_pointer_read(flow_app, opened, name):
    opened.goto(f"{flow_app.url}/{name}")
    for scheme, (size, ground) in LOOKS.items():
        opened.set_viewport_size(size)
        opened.emulate_media(color_scheme=scheme)
        opened.wait_for_selector("figure svg[aria-label]")
        opened.focus("figure")
        opened.keyboard.press("ArrowLeft")
        last = opened.text_content("figure .readout")
        opened.hover("figure svg", position={"x": 60, "y": 20}, force=True)
        first = opened.text_content("figure .readout")
        assert re.fullmatch(READ[name], last) and re.fullmatch(READ[name], first) and first != last
        assert opened.locator("figure circle.chosen").count() == 1
        assert opened.evaluate("getComputedStyle(document.body).backgroundColor") == ground
        assert opened.evaluate("document.documentElement.scrollWidth") <= size["width"]
        opened.screenshot(path=SCREENSHOTS / f"flow-{name.replace('/', '-')}-{scheme}.png")


def test_a_live_flow_is_drawn_as_values_come_over_socket_io(feeder, flow_app, browser):
    topic = f"{feeder.prefix}monitoring"
    path = "() => document.querySelector('figure .line')?.getAttribute('d')"
    with looking(browser, f"{flow_app.url}/#/flows") as page:
        page.wait_for_selector(".flows li")
        page.click(f"a:text-is('/{LIVE}')")
        page.wait_for_function(path)
        before = page.evaluate(path)
        flows.measure(feeder.servers, topic, 3)
        page.wait_for_function(f"before => ({path})() !== before", arg=before)
        assert len(page.query_selector_all("figure svg")) == len(flows.NAMES)
        page.wait_for_selector(".state[data-state=live]")
        assert page.text_content("#age").endswith("over Socket.IO")
        page.keyboard.press("Escape")
        page.wait_for_selector(".flows li")
        assert page.url == f"{flow_app.url}/#/flows"


def test_numbers_are_a_histogram(flow_app, browser):
    with looking(browser, f"{flow_app.url}/socket.io/random-numbers") as page:
        page.wait_for_selector("figure svg[aria-label]")
        heights = page.eval_on_selector_all("rect.bar", "all => all.map(one => +one.getAttribute('height'))")
        assert sum(height > 0 for height in heights) == 7
        assert "50 values" in page.text_content("figcaption")


@pytest.mark.parametrize("store", ["disk", "cassandra"])
def test_stored_flows_have_charts_with_source_store_and_age(flow_app, browser, store):
    with looking(browser, f"{flow_app.url}/spark-streaming/{store}/monitoring") as page:
        page.wait_for_selector("figure .band[d]")
        words = page.text_content("#view")
        for part in (
            "source: system",
            f"store: {store}",
            "120 rows in its store",
            "newest",
            f"read from the store {store}",
        ):
            assert part in words, part
        page.goto(f"{flow_app.url}/spark/{store}/census-data")
        page.wait_for_selector("figure rect.bar")
        assert len(page.query_selector_all("rect.bar")) == 3
        assert not page.query_selector_all("#newest td b")


def test_a_flow_whose_part_is_off_says_how_to_switch_it_on(feeder, make_app, browser):
    app = make_app(feeder.prefix, **flows.environment({}, "dashboard", "spark"))
    with looking(browser, f"{app.url}/spark/cassandra/census-data") as page:
        page.wait_for_selector(".state[data-state=off]")
        assert "pipectl deploy --with cassandra" in page.text_content(".problem")


def test_records_are_browsed_and_hostile_ones_are_harmless(kafka, feeder, flow_app, browser):
    topic = f"{feeder.prefix}hostile"
    kafka.create(topic)
    producer = open_producer(kafka.bootstrap_servers, enable_idempotence=True)
    for number in range(50):
        producer.produce(topic, f"<img src=x onerror=alert({number})>", "</td><script>alert(1)</script>")
    assert producer.flush(20) == 0
    with looking(browser, f"{flow_app.url}/#/topics", refused=(400,)) as page:
        page.on("dialog", lambda dialog: pytest.fail(f"a record ran as a program: {dialog.message}"))
        page.click(f"#topics >> text={topic}")
        last = "() => document.querySelector('#records tbody tr:last-child td:nth-child(2)')?.textContent"
        page.wait_for_function(f"() => ({last})() === '49'")
        page.keyboard.press("ArrowLeft")
        page.wait_for_function(f"() => ({last})() === '29'")
        page.keyboard.press("ArrowRight")
        page.wait_for_function(f"() => ({last})() === '49'")
        assert not page.query_selector_all("#records img, #records script")
        assert "<img src=x onerror=alert(49)>" in page.text_content("#records tbody tr:last-child")
        page.fill("[name=text]", "alert(7)")
        page.keyboard.press("Enter")
        page.wait_for_function("() => document.querySelectorAll('#records tbody tr').length === 1")
        page.fill("[name=text]", "")
        page.fill("[name=offset]", "zero")
        page.keyboard.press("Enter")
        page.wait_for_function("() => /whole number/.test(document.querySelector('.problem').textContent)")
        page.screenshot(path=SCREENSHOTS / "topic.png", full_page=True)


def test_every_view_fits_the_width_of_a_phone(flow_app, browser):
    phone = {"viewport": {"width": 360, "height": 720}, "has_touch": True, "is_mobile": True}
    views = {
        "#/flows": ".flows li",
        LIVE: "figure svg[aria-label]",
        "spark-streaming/disk/monitoring": "figure svg[aria-label]",
        "#/topics": "#topics td",
    }
    with looking(browser, flow_app.url, **phone) as page:
        for view, content in views.items():
            page.goto(f"{flow_app.url}/{view}")
            page.wait_for_selector(content)
            assert page.evaluate("() => document.documentElement.scrollWidth") <= 360, view

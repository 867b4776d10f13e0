"""The pages of flows and topics in a real browser: headless Chromium, on a real broker and a real store."""

import pytest

from kafka_topic.connection import open_producer
from tests.dashboard import flows
from tests.dashboard.looking import SCREENSHOTS, looking

pytestmark = pytest.mark.slow
LIVE = "socket.io/monitoring"


@pytest.fixture
def flow_app(kafka, feeder, make_app, store):
    for topic in ("monitoring", "random-numbers"):
        kafka.create(feeder.prefix + topic)
    flows.store_windows(store, "monitoring-statistics", 60)
    flows.store_groups(store, "census")
    return make_app(feeder.prefix, **flows.environment(store, "dashboard", "spark"))


def test_a_live_flow_is_drawn_as_values_come_over_socket_io(feeder, flow_app, browser):
    topic = f"{feeder.prefix}monitoring"
    flows.measure(feeder.servers, topic, 30)
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
        page.focus("figure")
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("ArrowLeft")
        assert " %" in page.text_content("figure .readout")
        page.keyboard.press("Escape")
        page.wait_for_selector(".flows li")
        assert page.url == f"{flow_app.url}/#/flows"


def test_numbers_are_a_histogram(feeder, flow_app, browser):
    flows.measure(feeder.servers, f"{feeder.prefix}random-numbers", 50, names=("normal",))
    with looking(browser, f"{flow_app.url}/socket.io/random-numbers") as page:
        page.wait_for_selector("figure svg[aria-label]")
        heights = page.eval_on_selector_all("rect.bar", "all => all.map(one => +one.getAttribute('height'))")
        assert sum(height > 0 for height in heights) == 7
        assert "50 values" in page.text_content("figcaption")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_stored_flows_have_charts_with_source_store_and_age(flow_app, browser, scheme):
    with looking(browser, f"{flow_app.url}/spark-streaming/disk/monitoring", color_scheme=scheme) as page:
        page.wait_for_selector("figure .band[d]")
        words = page.text_content("#view")
        for part in (
            "source: system",
            "store: disk",
            "120 rows in its store",
            "newest",
            "read from the store disk",
        ):
            assert part in words, part
        page.screenshot(path=SCREENSHOTS / f"flow-windows-{scheme}.png", full_page=True)
        page.goto(f"{flow_app.url}/spark/disk/census-data")
        page.wait_for_selector("figure rect.bar")
        assert len(page.query_selector_all("rect.bar")) == 3
        assert not page.query_selector_all("#newest td b")
        page.screenshot(path=SCREENSHOTS / f"flow-groups-{scheme}.png", full_page=True)


def test_a_flow_whose_part_is_off_says_how_to_switch_it_on(flow_app, browser):
    with looking(browser, f"{flow_app.url}/spark/cassandra/census-data") as page:
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


def test_every_view_fits_the_width_of_a_phone(feeder, flow_app, browser):
    phone = {"viewport": {"width": 360, "height": 720}, "has_touch": True, "is_mobile": True}
    flows.measure(feeder.servers, f"{feeder.prefix}monitoring", 5)
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

import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { answer, settled } from "./page.js";
import { select } from "d3";
import { FlowView } from "../src/flow.js";
import { FlowsView, duration } from "../src/flows.js";

const FLOW = {
  name: "spark-streaming/disk/monitoring", about: "Shows the load.", source: "system", topic: "monitoring", processing: "spark-streaming",
  store: "disk", display: "bands", parts: ["spark"], state: "live", text: "", records: 1200, rows: 34, newest: "2026-11-28 08:40:00.000", age_seconds: 12.3,
};
const WINDOW = { name: "cpu", window: "10s", window_end: "2026-11-28 08:40:00.000", count: 10, mean: 50, stddev: 2, min: 44, max: 58 };

let view;
beforeEach(() => mock.timers.enable({ apis: ["setTimeout"] }));
afterEach(() => {
  view.close();
  mock.timers.reset();
  mock.restoreAll();
});

const all = (selector) => [...document.querySelectorAll(`#view ${selector}`)];
const texts = (selector) => all(selector).map((one) => one.textContent);

async function opened(make, document_) {
  const asked = mock.method(globalThis, "fetch", async () => answer(document_));
  const root = select(document.querySelector("#view"));
  root.selectAll("*").remove();
  view = make(root);
  await settled();
  await settled();
  return asked.mock.calls.map((call) => call.arguments[0]);
}

test("shows each flow with its stages, its purpose and its state", async () => {
  const off = { ...FLOW, name: "spark/cassandra/census-data", state: "off", topic: null, text: "Needs the part cassandra.", records: null, rows: null, newest: null, age_seconds: null };
  const asked = await opened((root) => new FlowsView(root), { flows: [FLOW, off] });
  assert.deepEqual(asked, ["http://cluster.test/service/volatility-dashboard/api/flows"]);
  assert.deepEqual(texts("h2 a"), ["/spark-streaming/disk/monitoring", "/spark/cassandra/census-data"]);
  assert.equal(all("h2 a")[0].getAttribute("href"), "http://cluster.test/service/volatility-dashboard/spark-streaming/disk/monitoring");
  assert.equal(texts(".stages")[0], "system → monitoring → spark-streaming → disk → bands");
  assert.match(texts(".readout")[0], /1,200 offsets in its topic, 34 rows in its store, newest 12 s ago/);
  assert.deepEqual(texts(".problem"), ["", "Needs the part cassandra."]);
  assert.deepEqual(all(".state").map((one) => one.dataset.state), ["live", "off"]);
  assert.equal(texts("p")[0], "2 flows: 1 live, 1 off.");
});

test("says so when there is no answer", async () => {
  await opened((root) => new FlowsView(root), undefined);
  assert.match(texts("p")[0], /^No answer: /);
});

test("a flow with a store has a chart of each name, its legend, and its newest windows in a table", async () => {
  const windows = [WINDOW, { ...WINDOW, window_end: "2026-11-28 08:40:10.000", mean: 51, stddev: null }, { ...WINDOW, name: "memory" }];
  const asked = await opened((root) => new FlowView(root, FLOW.name), { flow: FLOW, values: [], windows, groups: [] });
  assert.match(asked[0], /api\/flows\/data\?flow=spark-streaming%2Fdisk%2Fmonitoring$/);
  view.draw(true);
  assert.deepEqual(texts("figcaption b"), ["cpu", "memory"]);
  assert.equal(texts("figcaption span")[0], "mean 51");
  assert.match(all("svg .line")[0].getAttribute("d"), /^M.*L/);
  assert.match(all("svg")[0].getAttribute("aria-label"), /^cpu: mean 51$/);
  assert.deepEqual(texts("#newest tbody tr:first-child td"), ["cpu", "2026-11-28 08:40:10.000", "10s", "10", "51", "–", "44", "58"]);
  assert.match(texts("#age")[0], /read from the store disk$/);
});

const press = (key, chart = 0) => {
  const event = Object.assign(new window.Event("keydown", { cancelable: true }), { key });
  all("figure")[chart].dispatchEvent(event);
  return event.defaultPrevented;
};
const pointAt = (place) => all("svg")[0].dispatchEvent(Object.assign(new window.Event("pointermove"), place));
const readout = () => texts("figure .readout")[0];
const chosen = () => ["cx", "cy"].map((name) => Number(all("circle.chosen")[0].getAttribute(name)));

test("arrows read the windows of a chart from either end, and stop at its ends", async () => {
  const windows = [WINDOW, { ...WINDOW, window_end: "2026-11-28 08:40:10.000", mean: 51, stddev: null }];
  await opened((root) => new FlowView(root, FLOW.name), { flow: FLOW, values: [], windows, groups: [] });
  assert.equal(press("ArrowLeft"), false, "nothing is drawn yet");
  view.draw(true);
  assert.equal(press("ArrowLeft"), true);
  assert.match(readout(), /^to \d\d:40:10: mean 51, standard deviation –, min 44, max 58, 10 values$/);
  press("ArrowRight");
  assert.match(readout(), /40:10: /);
  press("ArrowLeft");
  press("ArrowLeft");
  assert.match(readout(), /^to \d\d:40:00: mean 50, standard deviation 2, /);
  assert.equal(press("ArrowUp"), false, "the page scrolls");
  all("svg")[0].dispatchEvent(new window.Event("pointerleave"));
  assert.deepEqual([readout(), all("circle.chosen").length], ["", 0]);
  press("ArrowRight");
  assert.match(readout(), /40:00: /);
});

test("bars of a histogram are read: their range, and how many values are in it", async () => {
  const flow = { ...FLOW, name: "socket.io/random-numbers", store: null, display: "histogram", state: "off" };
  await opened((root) => new FlowView(root, flow.name), { flow, values: [], windows: [], groups: [] });
  const points = [0, 0, 0, 4, 10].map((value, second) => [1000 * second, value]);
  view.takeValues({ first: true, series: [{ name: "normal", unit: "1", host: "a", points }] });
  view.draw(true);
  assert.equal(texts("figcaption span")[0], "5 values, mean 2.8, standard deviation 4.382");
  const read = new Map();
  for (const bar of all("rect.bar")) {
    press("ArrowRight");
    const [, range, count] = /^(\S+ to \S+): (\d) of 5 values$/.exec(readout());
    read.set(range, Number(count));
    const [x, y, width] = ["x", "y", "width"].map((name) => Number(bar.getAttribute(name)));
    assert.ok(Math.abs(chosen()[0] - x - width / 2) < 1 && chosen()[1] === y, "the mark is on its bar");
  }
  assert.equal(read.size, all("rect.bar").length);
  assert.deepEqual([...read.values()].filter(Boolean), [3, 1, 1]);
  pointAt({ clientX: -50, clientY: 0 });
  assert.equal(readout().split(":")[0], [...read.keys()][0]);
});

test("bars of groups are read downwards, by arrows and by the pointer", async () => {
  const flow = { ...FLOW, name: "spark/disk/census-data", processing: "spark", display: "bars", state: "past" };
  const group = { ts: "2026-11-28 08:40:00.000", name: "income", group: "North", unit: "USD", count: 3000, mean: 5, stddev: 1, min: 4, max: 6 };
  const groups = [group, { ...group, group: "South", mean: -2, stddev: null }];
  await opened((root) => new FlowView(root, flow.name), { flow, values: [], windows: [], groups });
  view.draw(true);
  for (const key of ["ArrowDown", "ArrowLeft"]) {
    press(key);
    assert.equal(readout(), "North: mean 5 USD, standard deviation 1, min 4, max 6, 3,000 values");
  }
  const [, first] = chosen();
  press("ArrowDown");
  assert.match(readout(), /^South: mean −2 USD, standard deviation –, /);
  assert.ok(chosen()[1] > first, "its mark is lower");
  pointAt({ clientX: 0, clientY: 0 });
  assert.match(readout(), /^North: /);
  pointAt({ clientX: 0, clientY: 999 });
  assert.match(readout(), /^South: /);
});

test("groups are bars, one for each, whatever a group is called", async () => {
  const flow = { ...FLOW, name: "spark/disk/census-data", processing: "spark", display: "bars", state: "past" };
  const group = { ts: "2026-11-28 08:40:00.000", name: "income", group: "<b>x</b>", unit: "USD", count: 3, mean: 5, stddev: 1, min: 4, max: 6 };
  await opened((root) => new FlowView(root, flow.name), { flow, values: [], windows: [], groups: [group, { ...group, group: "y", mean: -2, stddev: null }] });
  view.draw(true);
  assert.equal(all("svg rect.bar").length, 2);
  assert.equal(all("svg line.deviation").length, 2);
  assert.equal(all("b").length, 1);
  assert.equal(texts("#newest tbody td")[1], "<b>x</b>");
});

test("ages are in the unit that suits them", () => {
  assert.deepEqual([0.04, 12.34, 119, 120, 7200, 172_800].map(duration), ["0.0 s", "12 s", "119 s", "2 min", "2 h", "2 days"]);
});

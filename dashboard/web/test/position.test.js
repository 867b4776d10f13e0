import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { HELLO, answer, canvas, frame, settled } from "./page.js";
import { select } from "d3";
import { PositionView } from "../src/position.js";
import { Store } from "../src/store.js";

const END = Date.UTC(2026, 10, 28, 8, 40);
const record = (seconds, more = {}) => ({
  window_end: `2026-11-28 08:40:${String(seconds).padStart(2, "0")}.000`, mean: 230.125, stddev: 0.5, cv: 0.2, last: 1234.5, min: 229, max: 231,
  count: 500, median: 230, ...more,
});

let store, view, asked;
beforeEach(async () => {
  store = new Store();
  store.reset(HELLO);
  asked = [];
  mock.method(globalThis, "fetch", async (address) => {
    asked.push(address);
    if (address.startsWith("api/signals")) return answer({ signals: [] });
    return answer({ records: address.endsWith("window=10s") ? [record(1), record(2, { stddev: null, cv: null })] : [] });
  });
  const root = select(document.querySelector("#view"));
  root.selectAll("*").remove();
  view = new PositionView(root, store, "AAPL");
  view.chart = canvas(600, 200);
  view.lower = canvas(600, 120);
  await settled();
});
afterEach(() => {
  view.close();
  mock.restoreAll();
});

const cells = (table) => [...document.querySelectorAll(`#${table} tbody tr`)].map((row) => [...row.children].map((cell) => cell.textContent));
const headings = (table) => [...document.querySelectorAll(`#${table} th`)].map((one) => one.textContent);
const local = (ms) => new Date(ms).toTimeString().slice(0, 8);

test("it fetches the history of every window, and the signals", () => {
  assert.deepEqual(asked.sort(), [
    "api/movingaverage?position=AAPL&window=10s", "api/movingaverage?position=AAPL&window=1m", "api/signals?position=AAPL",
  ]);
});

test("its table has the newest window first, a column for each statistic, and a dash for what is not known", () => {
  store.take(frame({ states: "ff" }));
  view.draw(true);
  assert.deepEqual(headings("windows"), ["window end", "count", "last", "mean", "stddev", "cv %", "min", "max", "median"]);
  assert.deepEqual(cells("windows"), [
    [local(END + 2000), "500", "1,234.50", "230.1250", "–", "–", "229.00", "231.00", "230.0000"],
    [local(END + 1000), "500", "1,234.50", "230.1250", "0.5000", "0.2000", "229.00", "231.00", "230.0000"],
  ]);
});

test("a frame adds a row; of many windows the newest 20 are shown", () => {
  const windows = Array.from({ length: 30 }, (_, n) => [END + 10_000 + n * 1000, 1, 1, 1, 1, 1, 1, n, 1]);
  view.update(store.take(frame({ windows: { AAPL: { "10s": windows } } })));
  view.draw(true);
  const rows = cells("windows");
  assert.equal(rows.length, 20);
  assert.deepEqual([rows[0][1], rows[19][1]], ["29", "10"]);
});

test("it draws when it is due and its own position has changed, not else", () => {
  view.draw(true);
  const drawn = () => view.chart.drawing.of("clearRect").length;
  view.draw(true);
  view.update(store.take(frame({ states: "ff", prices: { MSFT: [[1, 1]] } })));
  const before = drawn();
  view.dirty = false;
  view.update(store.take(frame({ prices: { MSFT: [[2, 1]] } })));
  view.draw(true);
  assert.equal(drawn(), before);
  view.update(store.take(frame({ prices: { AAPL: [[END, 230]] } })));
  view.draw(false);
  assert.equal(drawn(), before);
  view.draw(true);
  assert.equal(drawn(), before + 1);
});

test("signals stand under their headings, with what is known of them", () => {
  assert.deepEqual(headings("signals"), ["time", "signal", "window", "price", "probability", "lead", "reason"]);
  view.draw(true);
  assert.deepEqual(cells("signals"), [["none yet"]]);
  const likely = [END, "limit", "likely", "sell", null, 0.7, 0.5, 230.5, 0.714, 42.4, "it walks up"];
  view.update(store.take(frame({ signals: { AAPL: [likely] } })));
  view.draw(true);
  assert.deepEqual(cells("signals"), [[local(END), "▼ sell likely", "–", "230.50", "71 %", "42 s", "it walks up"]]);
});

test("under the pointer it reads the nearest window", () => {
  view.draw(true);
  view.pointer = END + 1400;
  view.dirty = true;
  view.draw(true);
  assert.equal(view.readout.textContent, `10s to ${local(END + 1000)}: mean 230.1250, stddev 0.5000, cv 0.2000 %, 500 ticks`);
});

test("shows what is wrong with the topic and the next step, until it is fixed", () => {
  view.update(store.take(frame({ problems: { AAPL: { text: "it is gone", next: "create it" } } })));
  view.draw(true);
  assert.equal(view.problem.text(), "it is gone. Next: create it");
  view.update(store.take(frame({ problems: { AAPL: null } })));
  view.draw(true);
  assert.equal(view.problem.text(), "");
});

test("arrows go round the positions", () => {
  view.key({ key: "ArrowLeft" });
  assert.equal(location.hash, "#/position/MSFT");
  view.symbol = "MSFT";
  view.key({ key: "ArrowRight" });
  assert.equal(location.hash, "#/position/AAPL");
  assert.equal(view.key({ key: "x" }), false);
});

import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { answer, settled } from "./page.js";
import { select } from "d3";
import { PipelineView } from "../src/pipeline.js";

const component = (name, more = {}) => ({ name, state: "healthy", detail: `of ${name}`, ...more });
const row = (symbol, more = {}) => ({
  symbol, state: "fresh", regime: null, price: 1.5, last_window_end: "2026-11-28 08:40:00.000", age_seconds: 1, lag: 0, problem: null, ...more,
});
const STATUS = {
  healthy: true,
  components: ["dashboard", "topics", "gatherer", "data-generator", "kafka"].map((name) => component(name)),
  positions: [row("AAPL"), row("MSFT")],
  dead_letters: { by_reason: {}, total: 0, complete: true },
};

let view;
beforeEach(() => {
  mock.timers.enable({ apis: ["setTimeout"] });
});
afterEach(() => {
  view.close();
  mock.timers.reset();
  mock.restoreAll();
});

async function shown(status) {
  mock.method(globalThis, "fetch", async () => answer(status));
  const root = select(document.querySelector("#view"));
  root.selectAll("*").remove();
  view = new PipelineView(root);
  await settled();
}

const all = (selector) => [...document.querySelectorAll(`#view ${selector}`)];
const texts = (selector) => all(selector).map((one) => one.textContent);

test("components stand in the order that data flows, the others after them", async () => {
  await shown(STATUS);
  assert.deepEqual(texts(".flow h2"), ["data-generator", "kafka", "gatherer", "dashboard", "topics"]);
  assert.deepEqual(all(".flow li").map((one) => one.classList.contains("to")), [true, true, true, false, false]);
  assert.equal(texts("p")[0], "All components and positions are healthy.");
});

test("a component has the numbers that it tells, in words, and no others", async () => {
  const numbers = { lag: 1234567, checkpoint_bytes: 20_480, uptime_seconds: 7_260, checkpoints_failed: 0, rate: null };
  await shown({ ...STATUS, healthy: false, components: [component("gatherer", { state: "unhealthy", ...numbers })] });
  assert.equal(texts("p")[0], "Not all components and positions are healthy.");
  assert.deepEqual(texts(".flow dt"), ["lag (ticks)", "checkpoint size", "failed checkpoints", "uptime"]);
  assert.deepEqual(texts(".flow dd"), [(1234567).toLocaleString(), "20 kB", "0", "2 h"]);
  assert.equal(all(".flow .state")[0].dataset.state, "unhealthy");
});

test("seconds become minutes from two of them on, and hours", async () => {
  const up = [119, 120, 7199, 7200].map((seconds) => component(`up ${seconds}`, { uptime_seconds: seconds }));
  await shown({ ...STATUS, components: up });
  assert.deepEqual(texts(".flow dd"), ["119 s", "2 min", "119 min", "2 h"]);
});

test("each position is a row; what is not known is a dash", async () => {
  await shown({ ...STATUS, positions: [row("AAPL", { state: "silent", price: null, last_window_end: null, age_seconds: null })] });
  assert.deepEqual(texts("tbody td"), ["AAPL", "silent", "–", "–", "–", "–", "0"]);
  assert.equal(all("tbody tr")[0].dataset.state, "silent");
  assert.equal(texts("thead th").length, texts("tbody td").length);
});

test("shows one problem of many positions once, with the next step", async () => {
  const gone = { text: "prices does not exist", next: "ask its owner" };
  const denied = { text: "position.C is denied", next: "allow it" };
  await shown({ ...STATUS, positions: [row("A", { problem: gone }), row("C", { problem: denied }), row("B", { problem: { ...gone } }), row("D")] });
  assert.deepEqual(texts(".problem"), ["A, B: prices does not exist. Next: ask its owner", "C: position.C is denied. Next: allow it"]);
});

test("dead letters are bars, each as long as its share of the most frequent reason", async () => {
  await shown({ ...STATUS, dead_letters: { by_reason: { bad_price: 3, not_json: 12 }, total: 15, complete: false } });
  assert.match(texts("#dead-letters .empty")[0], /^15 records could not be used so far\.$/);
  assert.deepEqual(texts("#dead-letters dt"), ["bad price", "not json"]);
  assert.deepEqual(all("#dead-letters meter").map((one) => [one.value, one.max].map(Number)), [[3, 12], [12, 12]]);
});

test("it asks again every two seconds, tells when there is no answer, and goes on when there is one", async () => {
  await shown(STATUS);
  mock.restoreAll();
  const refused = mock.method(globalThis, "fetch", async () => answer({}, 503));
  mock.timers.tick(1999);
  assert.equal(refused.mock.callCount(), 0);
  mock.timers.tick(1);
  await settled();
  assert.deepEqual([refused.mock.callCount(), texts("p")[0]], [1, "The server did not answer: status 503"]);
  mock.restoreAll();
  mock.method(globalThis, "fetch", async () => answer(STATUS));
  mock.timers.tick(2000);
  await settled();
  assert.equal(texts("p")[0], "All components and positions are healthy.");
});

test("once it is closed it asks no more, and an answer under way changes nothing", async () => {
  await shown(STATUS);
  mock.restoreAll();
  let give;
  const slow = mock.method(globalThis, "fetch", () => new Promise((resolve) => (give = resolve)));
  mock.timers.tick(2000);
  view.close();
  give(answer({ ...STATUS, healthy: false }));
  await settled();
  mock.timers.tick(60_000);
  assert.deepEqual([slow.mock.callCount(), texts("p")[0]], [1, "All components and positions are healthy."]);
});

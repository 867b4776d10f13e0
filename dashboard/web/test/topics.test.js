import assert from "node:assert/strict";
import { afterEach, mock, test } from "node:test";
import { answer, settled } from "./page.js";
import { select } from "d3";
import { TopicsView, shown } from "../src/topics.js";

const TOPIC = {
  topic: "prices", partitions: [{ partition: 0, begin: 0, end: 60 }, { partition: 1, begin: 5, end: 45 }], unreachable: [2], offsets: 100, size: 1800,
  settings: { "cleanup.policy": "delete", "retention.ms": "604800000", "max.message.bytes": "1048588" },
};
const RECORD = { partition: 0, offset: 7, time: "2026-11-28 08:40:00.000", key: "AAPL", value: '{"price": 1.5}', headers: {}, size: 18, cut: false };
const PAGE = { topic: TOPIC, records: [RECORD], before: "0:7,1:5", after: null, bounded: false };

let view;
afterEach(() => {
  view.close();
  mock.restoreAll();
});

const all = (selector) => [...document.querySelectorAll(`#view ${selector}`)];
const texts = (selector) => all(selector).map((one) => one.textContent);

async function opened(name, document_, status = 200) {
  const asked = mock.method(globalThis, "fetch", async () => answer(document_, status));
  const root = select(document.querySelector("#view"));
  root.selectAll("*").remove();
  view = new TopicsView(root, name);
  await settled();
  await settled();
  return () => new URL(asked.mock.calls.at(-1).arguments[0]);
}

test("topics are listed with partitions, offsets, sizes and settings", async () => {
  const asked = await opened(undefined, { topics: [TOPIC, { ...TOPIC, topic: "limits", size: null, settings: { "cleanup.policy": "compact" } }] });
  assert.equal(asked().pathname, "/service/volatility-dashboard/api/topics");
  assert.deepEqual(texts("tbody tr:first-child td"), ["prices", "3", "100", "~1.8 kB", "7 days", "delete", "1.0 MB"]);
  assert.deepEqual(texts("tbody tr:last-child td").slice(3, 5), ["–", "ever"]);
  assert.equal(all("a")[0].getAttribute("href"), "#/topics/prices");
});

test("a topic is browsed page by page; the pages name their neighbours", async () => {
  const asked = await opened("prices", PAGE);
  assert.deepEqual([asked().searchParams.get("topic"), asked().searchParams.get("count")], ["prices", "20"]);
  assert.deepEqual(texts("#records td"), ["0", "7", "2026-11-28 08:40:00.000", "18", "AAPL", '{"price": 1.5}']);
  assert.match(texts(".readout")[0], /^3 partitions, 100 offsets, ~1\.8 kB estimated/);
  assert.ok(all("#newer")[0].hasAttribute("disabled") && !all("#older")[0].hasAttribute("disabled"));
  all("[name=key]")[0].value = "AAPL";
  all("[name=offset]")[0].value = "3";
  assert.ok(view.key({ key: "ArrowLeft" }));
  await settled();
  assert.equal(asked().searchParams.get("before"), "0:7,1:5");
  assert.equal(asked().searchParams.get("key"), "AAPL");
  assert.equal(asked().searchParams.get("offset"), null, "a page's neighbour is at its own place");
});

test("bytes are asked for on demand, at the same place", async () => {
  const asked = await opened("prices", PAGE);
  all("#bytes")[0].click();
  await settled();
  assert.equal(asked().searchParams.get("bytes"), "true");
});

test("hostile records are plain text: no element, no hidden character", async () => {
  const hostile = { ...RECORD, key: "<img src=x onerror=alert(1)>", value: "a\u202eb\u0000\n<script>alert(1)</script>", headers: { "<i>": { base64: "/wA=" } } };
  await opened("prices", { ...PAGE, records: [hostile] });
  assert.equal(all("#records img, #records script, #records i").length, 0);
  const [key, value] = texts("#records .content");
  assert.equal(key, "<img src=x onerror=alert(1)>");
  assert.equal(value, "a\\u202eb\\u0000\\u000a<script>alert(1)</script> [<i>: base64:/wA=]");
  assert.equal(shown(null), "–");
});

test("shows what the server refuses", async () => {
  await opened("gone", { message: "there is no topic 'gone'" }, 404);
  assert.equal(texts(".problem")[0], "there is no topic 'gone'");
});

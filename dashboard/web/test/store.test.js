import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { Store, from } from "../src/store.js";
import { HELLO, frame } from "./page.js";

let store;
beforeEach(() => {
  store = new Store();
  store.reset(HELLO);
});

const at = (symbol) => store.positions.get(symbol);

describe("frames", () => {
  test("change the positions that they name, and no other", () => {
    store.take(frame());
    const changed = store.take(frame({ prices: { MSFT: [[1000, 421.5]] }, windows: { MSFT: { "1m": [[1000, 421]] } } }));
    assert.deepEqual([...changed], [at("MSFT")]);
    assert.deepEqual(at("MSFT").prices, [[1000, 421.5]]);
    assert.deepEqual(at("MSFT").byLabel, { "10s": [], "1m": [[1000, 421]] });
    assert.deepEqual(at("AAPL").prices, []);
  });

  test("tell the state of each position in the order of the positions", () => {
    assert.equal(at("AAPL").state, "silent");
    assert.deepEqual([...store.take(frame({ states: "us" }))], [at("AAPL"), at("MSFT")]);
    assert.deepEqual([at("AAPL").state, at("MSFT").state], ["unreadable", "stale"]);
    assert.deepEqual([...store.take(frame({ states: "uf" }))], [at("MSFT")], "only what changes");
  });

  test("that come twice, or late, add nothing; a second tick of a millisecond replaces the first", () => {
    store.take(frame({ prices: { AAPL: [[1000, 1], [2000, 2]] } }));
    store.take(frame({ prices: { AAPL: [[1500, 9], [2000, 3], [2500, 4]] } }));
    assert.deepEqual(at("AAPL").prices, [[1000, 1], [2000, 3], [2500, 4]]);
  });

  test("carry limits, their removal, and what is wrong with a topic", () => {
    store.take(frame({ limits: { AAPL: { buy: 1, sell: null } }, problems: { MSFT: { text: "gone", next: "wait" } } }));
    assert.equal(at("AAPL").limits.buy, 1);
    assert.equal(at("MSFT").problem.text, "gone");
    store.take(frame({ limits: { AAPL: null }, problems: { MSFT: null } }));
    assert.equal(at("AAPL").limits, null);
    assert.equal(at("MSFT").problem, null);
  });

  test("set our clock by the server's", () => {
    store.take(frame({ now: Date.now() + 3_600_000 }));
    assert.ok(Math.abs(store.now() - Date.now() - 3_600_000) < 1000);
  });

  test("of hours leave the newest points, an hour of one a second at least", () => {
    for (let second = 0; second < 9000; second += 1) store.take(frame({ prices: { AAPL: [[second * 1000, second]] } }));
    const { prices } = at("AAPL");
    assert.ok(prices.length >= 3600 && prices.length <= 4320, String(prices.length));
    assert.equal(prices.at(-1)[1], 8999);
    assert.equal(prices.at(-1)[1] - prices[0][1], prices.length - 1, "without a hole");
  });
});

describe("signals", () => {
  const row = (time, kind, event) => [time, kind, event, null, "10s", 2.5, 2, 230, null, null, "because"];

  test("come as rows, once each, and the newest regime counts", () => {
    store.take(frame({ signals: { AAPL: [row(1, "regime", "high"), row(2, "anomaly", "anomaly")] } }));
    store.take(frame({ signals: { AAPL: [row(2, "anomaly", "anomaly"), row(3, "regime", "low")] } }));
    assert.deepEqual(at("AAPL").signals.map((one) => [one.time, one.kind, one.reason]), [
      [1, "regime", "because"], [2, "anomaly", "because"], [3, "regime", "because"],
    ]);
    assert.equal(at("AAPL").regime, "low");
  });

  test("beyond 400 push the oldest out; the regime stays known", () => {
    store.take(frame({ signals: { AAPL: [row(0, "regime", "high")] } }));
    store.take(frame({ signals: { AAPL: Array.from({ length: 450 }, (_, n) => row(n + 1, "anomaly", "anomaly")) } }));
    assert.equal(at("AAPL").signals.length, 400);
    assert.equal(at("AAPL").signals.at(-1).time, 450);
    assert.equal(at("AAPL").regime, "high");
  });
});

test("a new connection begins anew: nothing of another server's is left", () => {
  store.take(frame({ prices: { AAPL: [[1, 1]] } }));
  store.reset({ ...HELLO, positions: ["TSLA"] });
  assert.deepEqual([...store.positions.keys()], ["TSLA"]);
  assert.deepEqual(at("TSLA").prices, []);
});

test("the whole history takes the place of the thinned one; what is newer stays", () => {
  store.take(frame({ windows: { AAPL: { "10s": [[1000, 1], [3000, 3], [5000, 5]] } } }));
  store.fill("AAPL", "10s", [[1000, 1], [2000, 2], [3000, 3], [4000, 4]]);
  assert.deepEqual(at("AAPL").windows.map(([end]) => end), [1000, 2000, 3000, 4000, 5000]);
  store.fill("AAPL", "10s", []);
  store.fill("GONE", "10s", [[1, 1]]);
  assert.equal(at("AAPL").windows.length, 5);
});

test("a part begins one point before its time, so that lines reach the edge", () => {
  const points = [[10], [20], [30]];
  assert.deepEqual(from(points, 25), [[20], [30]]);
  assert.deepEqual(from(points, 20), [[10], [20], [30]]);
  assert.deepEqual(from(points, 5), points);
  assert.deepEqual(from(points, 99), [[30]]);
  assert.deepEqual(from([], 1), []);
});

import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { canvas } from "./page.js";
import { drawCard, drawPriceChart, drawVolatilityChart, money, prepare, range, small } from "../src/charts.js";

const MINUTE = 60_000;
const NOW = Date.UTC(2026, 10, 28, 8, 40);
// A window: end, mean, stddev, cv, last, min, max, count.
const window_ = (end, mean, sd, cv) => [end, mean, sd, cv, mean, mean, mean, 500];

let position;
beforeEach(() => {
  const windows = [window_(NOW - 20_000, 100, 1, 1), window_(NOW, 102, null, null)];
  position = {
    prices: [[NOW - 20_000, 99], [NOW, 103]],
    byLabel: { "10s": windows, "1m": [window_(NOW - 30_000, 101, 2, 2), window_(NOW, 101, 2, 4)] },
    windows,
    signals: [],
    limits: null,
  };
});

const texts = (drawn) => drawn.drawing.of("fillText").map(([text]) => text);

test("prices have two decimals and thousands, statistics four", () => {
  assert.equal(money(1234567.891), "1,234,567.89");
  assert.equal(small(0.00123), "0.0012");
});

describe("the range of a chart", () => {
  test("holds prices and bands of two standard deviations, and a margin", () => {
    const [low, high] = range([[0, 99], [1, 103]], [window_(1, 100, 2, 2)]);
    assert.ok(low < 96 && low > 95, String(low));
    assert.ok(high > 104 && high < 105, String(high));
  });

  test("of one price alone is not empty, nor of nothing, nor of a window of one tick", () => {
    assert.deepEqual(range([[0, 100]], []).map((one) => one.toFixed(1)), ["99.9", "100.1"]);
    assert.deepEqual(range([], []), [0, 1]);
    assert.deepEqual(range([[0, 0]], []), [-1, 1]);
    const [low, high] = range([], [window_(1, 100, null, null)]);
    assert.ok(low < 100 && 100 < high);
  });
});

test("a canvas has as many pixels as the screen shows for its size, and is cleared", () => {
  const drawn = canvas(300, 100);
  window.devicePixelRatio = 2;
  try {
    const { width, height } = prepare(drawn);
    assert.deepEqual([drawn.width, drawn.height, width, height], [600, 200, 300, 100]);
    assert.deepEqual(drawn.drawing.of("setTransform"), [[2, 0, 0, 2, 0, 0]]);
    assert.deepEqual(drawn.drawing.of("clearRect"), [[0, 0, 300, 100]]);
  } finally {
    delete window.devicePixelRatio;
  }
});

describe("the price chart", () => {
  const draw = (pointer = null) => {
    const drawn = canvas(672, 230);
    drawn.scale = drawPriceChart(drawn, position, "10s", NOW - MINUTE, NOW, pointer);
    return drawn;
  };

  test("spans the time that is shown, and reads a time back from a coordinate", () => {
    const { scale } = draw();
    assert.deepEqual(scale.range(), [8, 672 - 64]);
    assert.equal(scale.invert(8).getTime(), NOW - MINUTE);
    assert.equal(scale.invert(608).getTime(), NOW);
  });

  test("draws the last price above the first, for it is higher", () => {
    const { drawing, scale } = draw();
    const lines = drawing.calls.filter(([name, x]) => ["moveTo", "lineTo"].includes(name) && [scale(NOW - 20_000), scale(NOW)].includes(x));
    const [first, last] = lines.slice(-2).map(([, , y]) => y);
    assert.ok(last < first, `${last} < ${first}`);
  });

  test("names the other windows at the end of their lines, never the chosen one", () => {
    assert.ok(texts(draw()).includes("1m"));
    assert.ok(!texts(draw()).includes("10s"));
  });

  test("draws a limit that is near at its price", () => {
    position.limits = { buy: 98, sell: null };
    const drawn = draw();
    assert.ok(texts(drawn).includes("buy ≤ 98.00"));
    assert.deepEqual(texts(drawn).filter((text) => text.startsWith("sell")), []);
    assert.deepEqual(drawn.drawing.of("setLineDash").filter(([dash]) => String(dash) === "10,4").length, 1);
  });

  test("tells a far limit at the edge on its side, and keeps its scale", () => {
    const plain = texts(draw());
    position.limits = { buy: 1, sell: 5000 };
    const drawn = draw();
    const shown = texts(drawn);
    assert.ok(shown.includes("buy ≤ 1.00 ↓") && shown.includes("sell ≥ 5,000.00 ↑"), shown.join());
    assert.deepEqual(shown.filter((text) => !/buy|sell/.test(text)), plain);
    const [buy] = drawn.drawing.of("fillText").filter(([text]) => text.startsWith("buy"));
    const [sell] = drawn.drawing.of("fillText").filter(([text]) => text.startsWith("sell"));
    assert.ok(sell[2] < 115 && buy[2] > 115, "above and below the middle");
  });

  test("marks the time under the pointer from top to bottom", () => {
    const { drawing, scale } = draw(NOW - 30_000);
    const x = scale(NOW - 30_000);
    assert.ok(drawing.of("moveTo").some(([left, top]) => left === x && top === 0));
    assert.ok(drawing.of("lineTo").some(([left, bottom]) => left === x && bottom === 230 - 22));
  });

  test("without prices shows the last of each window in their place", () => {
    position.prices = [];
    const { drawing, scale } = draw();
    assert.ok(drawing.of("lineTo").some(([x]) => x === scale(NOW)));
  });
});

test("the volatility chart reaches over the highest of all windows, in percent", () => {
  const drawn = canvas(672, 130);
  drawVolatilityChart(drawn, position, "10s", NOW - MINUTE, NOW, null);
  const percents = texts(drawn).filter((text) => text.endsWith(" %")).map(parseFloat);
  assert.deepEqual(percents, [0, 2, 4]);
});

test("without values the large charts say so, and have no values beside them", () => {
  position = { ...position, prices: [], windows: [], byLabel: { "10s": [], "1m": [] }, limits: { buy: 98, sell: null } };
  for (const draw of [drawPriceChart, drawVolatilityChart]) {
    const drawn = canvas(672, 130);
    draw(drawn, position, "10s", NOW - MINUTE, NOW, null);
    assert.deepEqual(texts(drawn).filter((text) => !/^\d\d:\d\d:\d\d$/.test(text)), ["no values yet"]);
  }
});

test("a volatility of zero has a scale with different values", () => {
  position.byLabel = { "10s": [window_(NOW, 100, 0, 0)] };
  const drawn = canvas(672, 130);
  drawVolatilityChart(drawn, position, "10s", NOW - MINUTE, NOW, null);
  assert.deepEqual(texts(drawn).filter((text) => text.endsWith(" %")), ["0.0 %", "0.5 %", "1.0 %"]);
});

test("a small chart keeps the marks of signals inside", () => {
  position.signals = [{ kind: "anomaly", event: "anomaly", time: NOW, value: 9999, price: 103 }];
  const drawn = canvas(300, 100);
  drawCard(drawn, position, NOW, MINUTE);
  assert.deepEqual(drawn.drawing.of("translate"), [[295, 6]]);
});

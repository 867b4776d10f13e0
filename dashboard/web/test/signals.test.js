import assert from "node:assert/strict";
import { test } from "node:test";
import { Drawing } from "./page.js";
import { drawMark, look, markPosition, markPositions, words } from "../src/signals.js";

const limit = (event, side) => ({ kind: "limit", event, side, time: 10, price: 100, value: 0.7 });
const same = (value) => value;

test("a signal looks like its kind, a limit like its side, an unknown kind like others", () => {
  assert.equal(look(limit("reached", "sell")), "sell");
  assert.equal(look(limit("no_forecast", "buy")), "no_forecast");
  assert.equal(look({ kind: "anomaly", event: "anomaly" }), "anomaly");
  assert.equal(look({ kind: "gap", event: "gap" }), "other");
});

test("words begin with the mark that the chart draws", () => {
  assert.equal(words(limit("reached", "buy")), "▲ buy reached");
  assert.equal(words(limit("no_forecast", "sell")), "✕ sell no forecast");
  assert.equal(words({ kind: "regime", event: "high" }), "● H regime high");
  assert.equal(words({ kind: "gap", event: "over" }), "■ gap over");
});

test("a buy stands below the price, all others above; an anomaly on its tick", () => {
  assert.deepEqual(markPosition(limit("likely", "buy"), same, same, 14), [10, 114]);
  assert.deepEqual(markPosition(limit("likely", "sell"), same, same, 14), [10, 86]);
  assert.deepEqual(markPosition({ kind: "anomaly", event: "anomaly", time: 10, price: 100, value: 80 }, same, same, 14), [10, 80]);
});

test("marks that would cover each other move away from the price, each to its side", () => {
  const signals = [limit("likely", "sell"), limit("reached", "sell"), limit("likely", "buy"), limit("reached", "buy")];
  assert.deepEqual(markPositions(signals, same, same, 14), [[10, 86], [10, 72], [10, 114], [10, 128]]);
});

test("what is only likely is hollow: its inside has the ground's colour", () => {
  const inside = (signal) => {
    const { context } = new Drawing();
    drawMark(context, signal, 1, 1, 46);
    return context.fillStyle;
  };
  assert.equal(inside(limit("reached", "buy")), "colour of buy");
  for (const event of ["likely", "unlikely"]) assert.equal(inside(limit(event, "buy")), "colour of card");
});

test("a large mark of a regime says which", () => {
  const drawing = new Drawing();
  drawMark(drawing.context, { kind: "regime", event: "low", time: 1, price: 1 }, 30, 40, 90);
  assert.deepEqual(drawing.of("fillText"), [["L", 30, 40.5]]);
});

// Signals: their shapes, their words, and where they stand on a chart.
// Shape says the kind, so that colour need not: triangles for limits, diamonds for anomalies, discs for regimes,
// squares for every kind that this page has no shape of its own for.

import { symbol, symbolCircle, symbolDiamond, symbolSquare, symbolTimes, symbolTriangle } from "d3";
import { theme } from "./theme.js";

const GLYPHS = { buy: "▲", sell: "▼", anomaly: "◆", high: "● H", low: "● L", no_forecast: "✕", other: "■" };
const SHAPES = {
  buy: symbolTriangle, sell: symbolTriangle, anomaly: symbolDiamond, regime: symbolCircle, no_forecast: symbolTimes, other: symbolSquare,
};

const NEIGHBOURS = 12; // so many marks before are looked at

/** What a signal is drawn as: buy, sell, anomaly, regime, no_forecast or other. */
export function look(signal) {
  if (signal.event === "no_forecast") return "no_forecast";
  if (signal.kind === "limit") return signal.side;
  return signal.kind in SHAPES ? signal.kind : "other";
}

/** A signal in a few words, its mark first. */
export function words(signal) {
  const glyph = GLYPHS[signal.kind === "regime" ? signal.event : look(signal)];
  const event = signal.event.replace("_", " ");
  return signal.kind === "limit" ? `${glyph} ${signal.side ?? ""} ${event}`.replace("  ", " ") : `${glyph} ${signal.kind} ${event}`;
}

/** Draw a signal's mark: filled for what happened, hollow for what is only likely or no more. */
export function drawMark(context, signal, x, y, size) {
  const kind = look(signal);
  const colours = theme();
  const hollow = signal.event === "likely" || signal.event === "unlikely";
  context.save();
  context.translate(x, y);
  if (kind === "sell") context.rotate(Math.PI);
  context.beginPath();
  symbol(SHAPES[kind], size).context(context)();
  // A rim of the ground's colour sets the mark off from the lines below it.
  context.lineWidth = hollow ? 5 : 3;
  context.strokeStyle = colours.card;
  context.stroke();
  context.fillStyle = hollow ? colours.card : colours[kind];
  context.fill();
  if (hollow) {
    context.lineWidth = signal.event === "unlikely" ? 1 : 2;
    context.strokeStyle = colours[kind];
    context.stroke();
  }
  context.restore();
  if (kind === "regime" && size > 60) {
    context.fillStyle = colours.card;
    context.font = "bold 9px system-ui, sans-serif";
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText(signal.event === "high" ? "H" : "L", x, y + 0.5);
    context.textAlign = "start";
    context.textBaseline = "alphabetic";
  }
}

/** Places of marks, one beside the other where they would cover each other. They move away from the price. */
export function markPositions(signals, x, y, gap) {
  const placed = [];
  for (const signal of signals) {
    let [left, at] = markPosition(signal, x, y, gap);
    const step = look(signal) === "buy" ? gap : -gap;
    const near = placed.slice(-NEIGHBOURS);
    while (near.some((one) => Math.abs(one[0] - left) < gap && Math.abs(one[1] - at) < gap - 1)) at += step;
    placed.push([left, at]);
  }
  return placed;
}

/** Where a mark stands: anomalies at their tick, others beside the price: buys below it, the rest above. */
export function markPosition(signal, x, y, gap) {
  const at = y(signal.kind === "anomaly" ? signal.value : signal.price);
  if (signal.kind === "anomaly") return [x(signal.time), at];
  return [x(signal.time), at + (look(signal) === "buy" ? gap : -gap)];
}

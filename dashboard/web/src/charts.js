// Charts on canvas. Points are [time, …]; windows begin with the server's WINDOW_FIELDS.

import { area, format, line, max, scaleLinear, scaleTime, timeFormat } from "d3";
import { drawMark, markPosition, markPositions } from "./signals.js";
import { from } from "./store.js";
import { theme } from "./theme.js";

export const END = 0, MEAN = 1, SD = 2, CV = 3, LAST = 4, MIN = 5, MAX = 6, COUNT = 7;
const DASHES = [[7, 4], [2, 3], [9, 3, 2, 3]]; // of the windows that are not the chosen one
const BAND = 2; // standard deviations to each side
const VOLATILITY_SHARE = 0.28; // of a small chart's height
const clock = timeFormat("%H:%M:%S");
export const money = format(",.2f");
export const small = format(".4f");

/** A canvas' context, cleared, scaled to the screen's pixels, and its size in CSS pixels. */
export function prepare(canvas, width = canvas.clientWidth, height = canvas.clientHeight) {
  const ratio = window.devicePixelRatio || 1;
  const wide = Math.round(width * ratio);
  const high = Math.round(height * ratio);
  if (canvas.width !== wide || canvas.height !== high) {
    canvas.width = wide;
    canvas.height = high;
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}

/** Lowest and highest of prices and bands; widened a little, and where there is only one value. */
export function range(prices, windows) {
  let low = Infinity;
  let high = -Infinity;
  for (const point of prices) {
    if (point[1] < low) low = point[1];
    if (point[1] > high) high = point[1];
  }
  for (const point of windows) {
    const width = BAND * (point[SD] ?? 0);
    if (point[MEAN] - width < low) low = point[MEAN] - width;
    if (point[MEAN] + width > high) high = point[MEAN] + width;
  }
  if (low === Infinity) return [0, 1];
  const margin = (high - low) * 0.06 || Math.abs(high) * 0.001 || 1;
  return [low - margin, high + margin];
}

/** width: of the lines; those of a pixel are drawn much quicker than others. */
function drawPrices(context, prices, windows, x, y, width) {
  const { price, mean, band } = theme();
  const banded = windows.filter((point) => point[SD] !== null);
  fill(context, band, area().x((p) => x(p[END])).y0((p) => y(p[MEAN] - BAND * p[SD])).y1((p) => y(p[MEAN] + BAND * p[SD])), banded);
  stroke(context, mean, width, line().x((p) => x(p[END])).y((p) => y(p[MEAN])), windows);
  stroke(context, price, width, line().x((p) => x(p[0])).y((p) => y(p[1])), prices);
}

function drawVolatility(context, windows, x, y, base, width) {
  const { volatility } = theme();
  const known = windows.filter((point) => point[CV] !== null);
  fill(context, theme()["volatility-fill"], area().x((p) => x(p[END])).y0(base).y1((p) => y(p[CV])), known);
  stroke(context, volatility, width, line().x((p) => x(p[END])).y((p) => y(p[CV])), known);
}

function fill(context, colour, shape, points) {
  context.beginPath();
  shape.context(context)(points);
  context.fillStyle = colour;
  context.fill();
}

function stroke(context, colour, width, shape, points, dash = []) {
  context.setLineDash(dash);
  context.beginPath();
  shape.context(context)(points);
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.lineJoin = "bevel";
  context.stroke();
  context.setLineDash([]);
}

/** A position's small chart: price, mean, band and marks of signals above, volatility below. */
export function drawCard(canvas, position, now, span, size) {
  const { context, width, height } = prepare(canvas, size?.width, size?.height);
  const start = now - span;
  const prices = from(position.prices, start);
  const windows = from(position.windows, start);
  const x = scaleLinear([start, now], [0, width]);
  const split = Math.round(height * (1 - VOLATILITY_SHARE));
  const y = scaleLinear(range(prices, windows), [split - 4, 1]);
  drawPrices(context, prices, windows, x, y, 1);
  let top = 1e-9;
  for (const point of windows) if (point[CV] > top) top = point[CV];
  drawVolatility(context, windows, x, scaleLinear([0, top * 1.1], [height, split + 2]), height, 1);
  for (let index = position.signals.length - 1; index >= 0 && position.signals[index].time >= start; index -= 1) {
    const [left, at] = markPosition(position.signals[index], x, y, 8);
    drawMark(context, position.signals[index], Math.min(left, width - 5), Math.min(Math.max(at, 6), split - 6), 46);
  }
}

const EDGE = { left: 8, right: 64, top: 8, bottom: 22 };

/** The scales of a large chart, with their ticks. domain: of the values; null if there are none, which it then says. */
function frame(canvas, start, now, domain, ticks, label) {
  const { context, width, height } = prepare(canvas);
  const x = scaleTime([start, now], [EDGE.left, width - EDGE.right]);
  const y = scaleLinear(domain ?? [0, 1], [height - EDGE.bottom, EDGE.top]);
  const values = domain ? y.ticks(ticks) : [];
  const { rule, dim } = theme();
  context.font = "12px system-ui, sans-serif";
  context.strokeStyle = rule;
  context.lineWidth = 1;
  context.beginPath();
  for (const tick of values) {
    context.moveTo(EDGE.left, Math.round(y(tick)) + 0.5);
    context.lineTo(width - EDGE.right, Math.round(y(tick)) + 0.5);
  }
  context.stroke();
  context.fillStyle = dim;
  context.textBaseline = "middle";
  const shown = y.tickFormat(ticks);
  for (const tick of values) context.fillText(label(tick, shown), width - EDGE.right + 6, y(tick));
  context.textAlign = "center";
  if (!domain) context.fillText("no values yet", (EDGE.left + width - EDGE.right) / 2, height / 2);
  context.textBaseline = "alphabetic";
  for (const tick of x.ticks(Math.max(2, Math.floor(width / 130)))) context.fillText(clock(tick), x(tick), height - 6);
  context.textAlign = "start";
  context.save();
  context.beginPath();
  context.rect(EDGE.left, 0, width - EDGE.left - EDGE.right, height);
  context.clip();
  return { context, x, y, width, height };
}

/** A position's large chart of prices. chosen: the label of the window whose mean and band are shown; of the
 * others only the mean is, dashed. pointer: a time to mark, or null. Returns the time scale. */
export function drawPriceChart(canvas, position, chosen, start, now, pointer) {
  const prices = from(position.prices, start);
  const windows = from(position.byLabel[chosen], start);
  const shortest = from(position.windows, start);
  // Where there are no prices any more, the last of each window stands for them.
  const first = prices.length ? prices[0][0] : Infinity;
  const all = shortest.filter((point) => point[END] < first).map((point) => [point[END], point[LAST]]).concat(prices);
  const signals = position.signals.filter((signal) => signal.time >= start);
  const [low, high] = range(all, windows);
  const empty = !all.length && !windows.length;
  const limits = empty ? [] : limitsIn(position, low, high);
  const span = [low, high, ...limits.filter((one) => one.shown).map((one) => one.price)];
  const edge = 0.03 * (Math.max(...span) - Math.min(...span));
  const domain = [Math.min(low, Math.min(...span) - edge), Math.max(high, Math.max(...span) + edge)];
  const chart = frame(canvas, start, now, empty ? null : domain, 6, (tick, shown) => shown(tick));
  const { context, x, y } = chart;
  drawOthers(context, position, chosen, start, x, (point) => y(point[MEAN]), MEAN);
  drawPrices(context, all, windows, x, y, 1.3);
  for (const limit of limits) drawLimit(chart, limit);
  markPositions(signals, x, y, 14).forEach(([left, at], index) => {
    drawMark(context, signals[index], left, Math.min(Math.max(at, 10), chart.height - EDGE.bottom - 8), 90);
  });
  mark(chart, pointer);
  return chart.x;
}

/** The limits of a position. One so far away that the prices would be a flat line is named at the edge. */
function limitsIn(position, low, high) {
  const margin = 2 * (high - low);
  return ["buy", "sell"].filter((side) => position.limits?.[side] != null).map((side) => {
    const price = position.limits[side];
    return { side, price, shown: price > low - margin && price < high + margin };
  });
}

function drawLimit({ context, x, y, height }, { side, price, shown }) {
  const colours = theme();
  const [left, right] = x.range();
  const below = price < y.domain()[0];
  const at = shown ? y(price) : below ? height - EDGE.bottom - 2 : EDGE.top + 2;
  if (shown) {
    context.beginPath();
    context.moveTo(left, at);
    context.lineTo(right, at);
    context.setLineDash([10, 4]);
    context.strokeStyle = colours[side];
    context.lineWidth = 1.5;
    context.stroke();
    context.setLineDash([]);
  }
  const text = `${side} ${side === "buy" ? "≤" : "≥"} ${money(price)}${shown ? "" : below ? " ↓" : " ↑"}`;
  context.font = "bold 12px system-ui, sans-serif";
  context.fillStyle = colours[side];
  context.fillText(text, left + 4, at + (side === "buy" && shown && at < height - EDGE.bottom - 16 ? 14 : -4) + (!shown && !below ? 14 : 0));
}

/** The lines of the windows that are not chosen, dashed, each named at its end. */
function drawOthers(context, position, chosen, start, x, yOf, field) {
  const colour = theme().other;
  Object.keys(position.byLabel).filter((label) => label !== chosen).forEach((label, index) => {
    const points = from(position.byLabel[label], start).filter((point) => point[field] !== null);
    if (!points.length) return;
    stroke(context, colour, 1.2, line().x((p) => x(p[END])).y(yOf), points, DASHES[index % DASHES.length]);
    const last = points[points.length - 1];
    context.fillStyle = colour;
    context.font = "11px system-ui, sans-serif";
    context.textAlign = "right";
    context.fillText(label, x(last[END]) - 2, yOf(last) - 4);
    context.textAlign = "start";
  });
}

/** A position's large chart of volatility, in percent: filled for the chosen window, dashed for the others. */
export function drawVolatilityChart(canvas, position, chosen, start, now, pointer) {
  const windows = from(position.byLabel[chosen], start);
  const top = max(Object.values(position.byLabel).flatMap((points) => from(points, start)), (point) => point[CV]);
  const chart = frame(canvas, start, now, top === undefined ? null : [0, top * 1.1 || 1], 3, (tick, shown) => `${shown(tick)} %`);
  drawVolatility(chart.context, windows, chart.x, chart.y, chart.height - EDGE.bottom, 1.2);
  drawOthers(chart.context, position, chosen, start, chart.x, (point) => chart.y(point[CV]), CV);
  mark(chart, pointer);
}

function mark({ context, x, height }, pointer) {
  if (pointer !== null) {
    context.strokeStyle = theme().dim;
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(x(pointer), 0);
    context.lineTo(x(pointer), height - EDGE.bottom);
    context.stroke();
  }
  context.restore();
}

export function time(ms) {
  return clock(new Date(ms));
}

// Charts on canvas. Points are [time, …]; windows are as the server's WINDOW_FIELDS say.

import { area, format, line, scaleLinear, scaleTime, timeFormat } from "d3";
import { from } from "./store.js";

export const END = 0, MEAN = 1, SD = 2, CV = 3, LAST = 4, MIN = 5, MAX = 6, COUNT = 7;
const BAND = 2; // standard deviations to each side
const VOLATILITY_SHARE = 0.28; // of a small chart's height
const clock = timeFormat("%H:%M:%S");
export const money = format(",.2f");
export const small = format(".4f");

let colours = null;

/** The colours of the page's theme. */
export function theme() {
  if (colours === null) {
    const style = getComputedStyle(document.documentElement);
    const of = (name) => style.getPropertyValue(`--${name}`).trim();
    colours = Object.fromEntries(
      ["price", "mean", "band", "volatility", "volatility-fill", "rule", "dim", "text"].map((name) => [name, of(name)]),
    );
  }
  return colours;
}

/** Read the theme again, after it changed. */
export function forgetTheme() {
  colours = null;
}

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

function drawPrices(context, prices, windows, x, y) {
  const { price, mean, band } = theme();
  const banded = windows.filter((point) => point[SD] !== null);
  fill(context, band, area().x((p) => x(p[END])).y0((p) => y(p[MEAN] - BAND * p[SD])).y1((p) => y(p[MEAN] + BAND * p[SD])), banded);
  stroke(context, mean, 1.3, line().x((p) => x(p[END])).y((p) => y(p[MEAN])), windows);
  stroke(context, price, 1.3, line().x((p) => x(p[0])).y((p) => y(p[1])), prices);
}

function drawVolatility(context, windows, x, y, base) {
  const { volatility } = theme();
  const known = windows.filter((point) => point[CV] !== null);
  fill(context, theme()["volatility-fill"], area().x((p) => x(p[END])).y0(base).y1((p) => y(p[CV])), known);
  stroke(context, volatility, 1.2, line().x((p) => x(p[END])).y((p) => y(p[CV])), known);
}

function fill(context, colour, shape, points) {
  context.beginPath();
  shape.context(context)(points);
  context.fillStyle = colour;
  context.fill();
}

function stroke(context, colour, width, shape, points) {
  context.beginPath();
  shape.context(context)(points);
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.lineJoin = "bevel";
  context.stroke();
}

/** A position's small chart: price, mean and band above, volatility below. */
export function drawCard(canvas, position, now, span, size) {
  const { context, width, height } = prepare(canvas, size?.width, size?.height);
  const start = now - span;
  const prices = from(position.prices, start);
  const windows = from(position.windows, start);
  const x = scaleLinear([start, now], [0, width]);
  const split = Math.round(height * (1 - VOLATILITY_SHARE));
  drawPrices(context, prices, windows, x, scaleLinear(range(prices, windows), [split - 4, 1]));
  const top = Math.max(...windows.map((point) => point[CV] ?? 0), 1e-9);
  drawVolatility(context, windows, x, scaleLinear([0, top * 1.1], [height, split + 2]), height);
}

const EDGE = { left: 8, right: 64, top: 8, bottom: 22 };

function frame(canvas, start, now, domain, ticks, label) {
  const { context, width, height } = prepare(canvas);
  const x = scaleTime([start, now], [EDGE.left, width - EDGE.right]);
  const y = scaleLinear(domain, [height - EDGE.bottom, EDGE.top]);
  const { rule, dim } = theme();
  context.font = "12px system-ui, sans-serif";
  context.strokeStyle = rule;
  context.lineWidth = 1;
  context.beginPath();
  for (const tick of y.ticks(ticks)) {
    context.moveTo(EDGE.left, Math.round(y(tick)) + 0.5);
    context.lineTo(width - EDGE.right, Math.round(y(tick)) + 0.5);
  }
  context.stroke();
  context.fillStyle = dim;
  context.textBaseline = "middle";
  const shown = y.tickFormat(ticks);
  for (const tick of y.ticks(ticks)) context.fillText(label(tick, shown), width - EDGE.right + 6, y(tick));
  context.textBaseline = "alphabetic";
  context.textAlign = "center";
  for (const tick of x.ticks(Math.max(2, Math.floor(width / 130)))) context.fillText(clock(tick), x(tick), height - 6);
  context.textAlign = "start";
  context.save();
  context.beginPath();
  context.rect(EDGE.left, 0, width - EDGE.left - EDGE.right, height);
  context.clip();
  return { context, x, y, width, height };
}

/** A position's large chart of prices. `pointer` is a time to mark, or null. Returns the time scale. */
export function drawPriceChart(canvas, position, start, now, pointer) {
  const prices = from(position.prices, start);
  const windows = from(position.windows, start);
  // Where there are no prices any more, the last of each window stands for them.
  const first = prices.length ? prices[0][0] : Infinity;
  const older = windows.filter((point) => point[END] < first).map((point) => [point[END], point[LAST]]);
  const all = older.concat(prices);
  const chart = frame(canvas, start, now, range(all, windows), 6, (tick, shown) => shown(tick));
  drawPrices(chart.context, all, windows, chart.x, chart.y);
  mark(chart, pointer);
  return chart.x;
}

/** A position's large chart of volatility, in percent. */
export function drawVolatilityChart(canvas, position, start, now, pointer) {
  const windows = from(position.windows, start);
  const top = Math.max(...windows.map((point) => point[CV] ?? 0), 1e-9);
  const chart = frame(canvas, start, now, [0, top * 1.1], 3, (tick, shown) => `${shown(tick)} %`);
  drawVolatility(chart.context, windows, chart.x, chart.y, chart.height - EDGE.bottom);
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

// The charts of flows: SVG drawn by D3. Colours are the style sheet's, so they follow the theme by themselves.
// Each returns how it is read: { count, at, text }, of its marks in order: how many, [x, y] of one, and what it says.

import { area, axisBottom, axisLeft, bin, deviation, extent, format, line, max, mean, scaleBand, scaleLinear, scaleTime } from "d3";
import { time } from "./charts.js";

const EDGE = { left: 58, right: 14, top: 8, bottom: 22 };
const HEIGHT = 190;
const BAR = 26; // pixels for each group
const SIGMAS = 2;
const short = format(".4~g");

/** A number as axes and tables show it. */
export function number(value) {
  if (value === null || value === undefined) return "–";
  return Math.abs(value) >= 1e5 ? format(".4~s")(value) : short(value);
}

/** A number with its unit, if it has one. */
export function measured(value, unit) {
  return unit ? `${number(value)} ${unit}` : number(value);
}

/** The one child of this kind, made when it is missing. */
function one(parent, tag, name) {
  return parent.selectAll(`${tag}.${name}`).data([null]).join(tag).attr("class", name);
}

function sized(svg, height) {
  const width = Math.max(200, svg.node().clientWidth || 0);
  svg.attr("viewBox", `0 0 ${width} ${height}`).attr("height", height);
  return width;
}

function axes(svg, x, y, height, ticks) {
  one(svg, "g", "x-axis").attr("transform", `translate(0,${height - EDGE.bottom})`)
    .call(axisBottom(x).ticks(ticks).tickSizeOuter(0));
  one(svg, "g", "y-axis").attr("transform", `translate(${EDGE.left},0)`)
    .call(axisLeft(y).ticks(4, ".3~s").tickSizeOuter(0));
}

function domain(low, high) {
  const margin = (high - low) * 0.06 || Math.abs(high) * 0.01 || 1;
  return [low - margin, high + margin];
}

function timed(svg, times, low, high) {
  const width = sized(svg, HEIGHT);
  const x = scaleTime(times, [EDGE.left, width - EDGE.right]);
  const y = scaleLinear(domain(low, high), [HEIGHT - EDGE.bottom, EDGE.top]);
  axes(svg, x, y, HEIGHT, Math.max(2, Math.floor(width / 110)));
  return { x, y };
}

/** Values over time. points: [ms, value]. */
export function drawLines(svg, points, unit) {
  const { x, y } = timed(svg, extent(points, (point) => point[0]), ...extent(points, (point) => point[1]));
  const path = line().x((point) => x(point[0])).y((point) => y(point[1]));
  one(svg, "path", "line").attr("d", points.length > 1 ? path(points) : null);
  const last = points.at(-1);
  one(svg, "circle", "last").attr("r", 3).attr("cx", x(last[0])).attr("cy", y(last[1]));
  return {
    count: points.length,
    at: (index) => [x(points[index][0]), y(points[index][1])],
    text: (index) => `${time(points[index][0])}: ${measured(points[index][1], unit)}`,
  };
}

/** The statistics of windows over time: min to max, mean ± 2 standard deviations, mean. */
export function drawBands(svg, windows) {
  const low = (each) => Math.min(each.min, each.mean - SIGMAS * (each.stddev ?? 0));
  const high = (each) => Math.max(each.max, each.mean + SIGMAS * (each.stddev ?? 0));
  const { x, y } = timed(svg, extent(windows, (each) => each.end), Math.min(...windows.map(low)), Math.max(...windows.map(high)));
  const shape = () => area().x((each) => x(each.end));
  one(svg, "path", "range").attr("d", shape().y0((each) => y(each.min)).y1((each) => y(each.max))(windows));
  const known = windows.filter((each) => each.stddev !== null);
  one(svg, "path", "band")
    .attr("d", shape().y0((each) => y(each.mean - SIGMAS * each.stddev)).y1((each) => y(each.mean + SIGMAS * each.stddev))(known));
  one(svg, "path", "line").attr("d", line().x((each) => x(each.end)).y((each) => y(each.mean))(windows));
  const last = windows.at(-1);
  one(svg, "circle", "last").attr("r", 3).attr("cx", x(last.end)).attr("cy", y(last.mean));
  return {
    count: windows.length,
    at: (index) => [x(windows[index].end), y(windows[index].mean)],
    text: (index) => `to ${time(windows[index].end)}: ${statistics(windows[index])}`,
  };
}

/** How often values were in each of some ranges. points: [ms, value]. */
export function drawHistogram(svg, points, unit) {
  const values = points.map((point) => point[1]);
  const width = sized(svg, HEIGHT);
  const x = scaleLinear(domain(...extent(values)), [EDGE.left, width - EDGE.right]).nice();
  const bins = bin().domain(x.domain()).thresholds(x.ticks(Math.max(8, Math.floor(width / 24))))(values);
  const y = scaleLinear([0, max(bins, (each) => each.length) || 1], [HEIGHT - EDGE.bottom, EDGE.top]).nice();
  axes(svg, x, y, HEIGHT, Math.floor(width / 90));
  svg.selectAll("rect.bar").data(bins).join("rect").attr("class", "bar")
    .attr("x", (each) => x(each.x0) + 0.5).attr("width", (each) => Math.max(0, x(each.x1) - x(each.x0) - 1))
    .attr("y", (each) => y(each.length)).attr("height", (each) => y(0) - y(each.length));
  const middle = x(mean(values));
  one(svg, "line", "mean").attr("x1", middle).attr("x2", middle).attr("y1", EDGE.top).attr("y2", HEIGHT - EDGE.bottom);
  return {
    count: bins.length,
    at: (index) => [x((bins[index].x0 + bins[index].x1) / 2), y(bins[index].length)],
    text: (index) => `${number(bins[index].x0)} to ${measured(bins[index].x1, unit)}: ${bins[index].length} of ${values.length} values`,
    words: `${values.length} values, mean ${number(mean(values))}, standard deviation ${number(deviation(values) ?? null)}`,
  };
}

/** A bar for the mean of each group, with ± 1 standard deviation. Its marks are one below the other. */
export function drawBars(svg, groups, unit) {
  const height = EDGE.top + EDGE.bottom + BAR * groups.length;
  const width = sized(svg, height);
  const left = Math.min(width * 0.4, 12 + 7 * (max(groups, (each) => each.group.length) ?? 0));
  const edge = (each) => [each.mean - (each.stddev ?? 0), each.mean + (each.stddev ?? 0)];
  const [low, high] = extent(groups.flatMap(edge));
  const x = scaleLinear([Math.min(0, low), Math.max(0, high)], [left, width - EDGE.right]).nice();
  const y = scaleBand(groups.map((each) => each.group), [EDGE.top, height - EDGE.bottom]).padding(0.25);
  one(svg, "g", "x-axis").attr("transform", `translate(0,${height - EDGE.bottom})`).call(axisBottom(x).ticks(Math.floor(width / 90), ".3~s"));
  one(svg, "g", "y-axis").attr("transform", `translate(${left},0)`).call(axisLeft(y).tickSizeOuter(0).tickFormat((name) => cut(name, left)));
  const middle = (each) => y(each.group) + y.bandwidth() / 2;
  svg.selectAll("rect.bar").data(groups, (each) => each.group).join("rect").attr("class", "bar")
    .attr("x", (each) => Math.min(x(0), x(each.mean))).attr("width", (each) => Math.abs(x(each.mean) - x(0)))
    .attr("y", (each) => y(each.group)).attr("height", y.bandwidth());
  svg.selectAll("line.deviation").data(groups, (each) => each.group).join("line").attr("class", "deviation")
    .attr("x1", (each) => x(edge(each)[0])).attr("x2", (each) => x(edge(each)[1])).attr("y1", middle).attr("y2", middle);
  return {
    count: groups.length,
    at: (index) => [x(groups[index].mean), middle(groups[index])],
    text: (index) => `${groups[index].group}: ${statistics(groups[index], unit)}`,
    downward: true,
  };
}

function statistics(one, unit) {
  const numbers = [`mean ${measured(one.mean, unit)}`, `standard deviation ${number(one.stddev)}`, `min ${number(one.min)}`, `max ${number(one.max)}`];
  return `${numbers.join(", ")}, ${one.count.toLocaleString()} values`;
}

function cut(text, pixels) {
  const most = Math.max(4, Math.floor((pixels - 12) / 6.5));
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}

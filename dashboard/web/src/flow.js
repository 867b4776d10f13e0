// The page of one flow: what it is, where its data comes from, how old that is, and its charts.

import { create, minIndex, range } from "d3";
import { io } from "socket.io-client";
import { time as clock } from "./charts.js";
import { drawBands, drawBars, drawHistogram, drawLines, measured, number } from "./flow_charts.js";
import { figures } from "./flows.js";
import { at, home } from "./addresses.js";

const EVERY_MS = 3000;
const DRAW_MS = 250;
const MOST_POINTS = 1500;
const STAGES = ["source", "topic", "processing", "store", "display"];
const HEADS = {
  values: ["name", "newest value", "unit", "host", "time"],
  windows: ["name", "window to", "length", "count", "mean", "standard deviation", "min", "max"],
  groups: ["quantity", "group", "count", "mean", "standard deviation", "min", "max", "unit"],
};
const LEGENDS = {
  bands: "Line: mean. Inner band: ± 2 standard deviations. Outer band: min to max.",
  bars: "Bar: mean. Line across: ± 1 standard deviation.",
  histogram: "Bars: how many of the newest values are in each range. Line: their mean.",
  lines: "Each value as it came.",
};
const utc = (text) => Date.parse(`${text.replace(" ", "T")}Z`);

export class FlowView {
  constructor(root, name) {
    this.name = name;
    this.series = new Map(); // by name: { name, unit, host, points }
    this.charts = new Map(); // by name: { svg, words, readout, data, marks, chosen }
    this.dirty = false;
    this.drawn = 0;
    const head = root.append("section").attr("class", "panel");
    const heading = head.append("h2");
    heading.append("span").text(`/${name}`);
    this.state = heading.append("span").attr("class", "state");
    this.about = head.append("p").attr("class", "about").text("Asking …");
    this.stages = head.append("ol").attr("class", "stages");
    this.age = head.append("p").attr("class", "readout").attr("id", "age");
    this.problem = head.append("p").attr("class", "problem").attr("role", "status");
    this.legend = root.append("p").attr("class", "empty");
    this.grid = root.append("div").attr("class", "charts");
    const panel = root.append("section").attr("class", "panel scroll").attr("id", "newest").attr("hidden", "");
    panel.append("h2").text("Newest");
    const table = panel.append("table");
    this.heads = table.append("thead").append("tr");
    this.body = table.append("tbody");
    this.panel = panel;
    this.sized = new ResizeObserver(() => this.redraw());
    this.sized.observe(this.grid.node());
    this.open = true;
    this.ask();
  }

  async ask() {
    if (!this.open) return;
    try {
      const answer = await fetch(at(`api/flows/data?flow=${encodeURIComponent(this.name)}`));
      const data = await answer.json();
      if (!answer.ok) throw new Error(data.message ?? `status ${answer.status}`);
      this.show(data);
    } catch (error) {
      this.problem.text(`No answer: ${error.message}`);
    }
    this.timer = setTimeout(() => this.ask(), EVERY_MS);
  }

  show({ flow, windows, groups }) {
    if (!this.open) return;
    this.flow = flow;
    this.state.text(flow.state).attr("data-state", flow.state);
    this.about.text(flow.about);
    this.stages.selectAll("li").data(STAGES).join("li").text((stage) => `${stage}: ${flow[stage] ?? "none"}`);
    this.problem.text(flow.text);
    this.legend.text(LEGENDS[flow.display] ?? "");
    this.age.text([figures(flow), flow.store === null ? "over Socket.IO" : `read from the store ${flow.store}`].filter(Boolean).join(", "));
    if (flow.store === null) this.listen();
    else if (flow.display === "bars") this.takeGroups(groups);
    else this.takeWindows(windows);
  }

  /** Values come over Socket.IO, through the connection that the page has. */
  listen() {
    if (this.socket || this.flow.state === "off") return;
    this.socket = io("/flows", { path: new URL("socket.io/", home()).pathname, auth: { flow: this.name }, transports: ["websocket", "polling"], tryAllTransports: true });
    const decoder = new TextDecoder();
    this.socket.on("values", (data, taken) => {
      this.takeValues(JSON.parse(decoder.decode(data)));
      taken();
    });
    // A page that acknowledged nothing for too long, such as one on a laptop that slept, has to come back by itself.
    this.socket.on("disconnect", (reason) => {
      if (reason === "io server disconnect") this.socket.connect();
    });
  }

  takeValues({ first, series }) {
    if (first) this.series.clear(); // a new connection brings everything again
    for (const { name, unit, host, points } of series) {
      const known = this.series.get(name) ?? { name, unit, host, points: [] };
      known.points.push(...points);
      if (known.points.length > MOST_POINTS) known.points.splice(0, known.points.length - MOST_POINTS);
      this.series.set(name, known);
    }
    const rows = [...this.series.values()].map(({ name, unit, host, points }) => {
      const [time, value] = points.at(-1);
      return [name, number(value), unit, host, clock(time)];
    });
    this.write("values", rows);
    this.charted([...this.series.values()].map((one) => ({ name: one.name, unit: one.unit, data: one.points })));
  }

  takeWindows(windows) {
    const named = new Map();
    for (const window of windows) {
      const known = named.get(window.name) ?? [];
      known.push({ ...window, end: utc(window.window_end) });
      named.set(window.name, known);
    }
    const rows = [...named.values()].map((several) => {
      const one = several.at(-1);
      return [one.name, one.window_end, one.window, one.count.toLocaleString(), ...[one.mean, one.stddev, one.min, one.max].map(number)];
    });
    this.write("windows", rows);
    this.charted([...named].map(([name, data]) => ({ name, unit: "", data })));
  }

  takeGroups(groups) {
    const named = new Map();
    for (const group of groups) named.set(group.name, [...(named.get(group.name) ?? []), group]);
    const rows = groups.map((one) => [
      one.name, one.group, one.count.toLocaleString(), ...[one.mean, one.stddev, one.min, one.max].map(number), one.unit,
    ]);
    this.write("groups", rows);
    this.charted([...named].map(([name, data]) => ({ name, unit: data[0].unit, data })));
  }

  /** Make a chart of each series. */
  charted(several) {
    for (const { name, unit, data } of several) {
      if (!this.charts.has(name)) this.charts.set(name, this.chart(name));
      Object.assign(this.charts.get(name), { unit: unit === "1" ? "" : unit, data });
    }
    const names = new Set(several.map((one) => one.name));
    for (const [name, { figure }] of this.charts) {
      if (names.has(name)) continue;
      figure.remove();
      this.charts.delete(name);
    }
    this.dirty = true;
  }

  chart(name) {
    const figure = create("figure").attr("class", "panel flow-chart").attr("tabindex", "0");
    const caption = figure.append("figcaption");
    caption.append("b").text(name);
    const words = caption.append("span");
    const svg = figure.append("svg").attr("role", "img");
    const readout = figure.append("p").attr("class", "readout");
    const made = { name, figure, svg, words, readout, data: [], marks: {}, chosen: null };
    figure.on("keydown", (event) => this.step(made, event));
    svg.on("pointermove", (event) => this.point(made, event)).on("pointerleave", () => this.choose(made, null));
    this.grid.node().append(figure.node());
    return made;
  }

  /** Arrows go along the marks of the chart that has the focus. */
  step(chart, event) {
    const { count = 0, downward } = chart.marks;
    const step = { ArrowLeft: -1, ArrowRight: 1, ...(downward ? { ArrowUp: -1, ArrowDown: 1 } : {}) }[event.key];
    if (!step || !count) return;
    event.preventDefault();
    event.stopPropagation();
    const from = chart.chosen ?? (step < 0 ? count : -1);
    this.choose(chart, Math.min(count - 1, Math.max(0, from + step)));
  }

  /** The mark that is nearest to the pointer is read. */
  point(chart, event) {
    const { count, at: pointOf, downward } = chart.marks;
    if (!count) return;
    const { left, top } = chart.svg.node().getBoundingClientRect();
    const distance = (index) => Math.abs(downward ? pointOf(index)[1] - event.clientY + top : pointOf(index)[0] - event.clientX + left);
    this.choose(chart, minIndex(range(count), distance));
  }

  choose(chart, index) {
    chart.chosen = index;
    const chosen = index === null ? [] : [index];
    chart.svg.selectAll("circle.chosen").data(chosen).join("circle").attr("class", "chosen").attr("r", 4)
      .attr("cx", (one) => chart.marks.at(one)[0]).attr("cy", (one) => chart.marks.at(one)[1]);
    chart.readout.text(index === null ? "" : chart.marks.text(index));
  }

  write(kind, rows) {
    this.panel.attr("hidden", rows.length ? null : "");
    this.heads.selectAll("th").data(HEADS[kind]).join("th").attr("scope", "col").text(String);
    this.body.selectAll("tr").data(rows).join("tr").selectAll("td").data((row) => row).join("td").text(String);
  }

  /** Draw what changed, a few times a second. */
  draw(due) {
    const now = performance.now();
    if (!due || !this.dirty || now - this.drawn < DRAW_MS) return;
    this.dirty = false;
    this.drawn = now;
    for (const chart of this.charts.values()) this.drawOne(chart);
  }

  drawOne(chart) {
    const { data, unit, svg, name } = chart;
    const draw = { lines: drawLines, histogram: drawHistogram, bands: drawBands, bars: drawBars }[this.flow.display];
    if (!data.length || !draw) return;
    chart.marks = draw(svg, data, unit);
    const last = data.at(-1);
    const words = chart.marks.words ?? (Array.isArray(last) ? measured(last[1], unit) : last.end ? `mean ${number(last.mean)}` : unit);
    chart.words.text(words);
    svg.attr("aria-label", `${name}: ${words}`);
    if (chart.chosen !== null) this.choose(chart, Math.min(chart.chosen, chart.marks.count - 1));
  }

  redraw() {
    this.dirty = true;
  }

  reset() {}
  update() {}

  key() {
    return false;
  }

  close() {
    this.open = false;
    clearTimeout(this.timer);
    this.sized.disconnect();
    this.socket?.disconnect();
  }
}

// One position: its windows as far back as the server keeps them, its signals and limits, what is under the pointer.

import { bisector, select } from "d3";
import {
  COUNT, CV, END, LAST, MAX, MEAN, MIN, SD, drawPriceChart, drawVolatilityChart, money, small, time,
} from "./charts.js";
import { LimitsForm } from "./limits.js";
import { look, words } from "./signals.js";

const SPANS = [["1 min", 60], ["5 min", 300], ["all", null]];
const ROWS = 20;
const COLUMNS = [
  ["window end", (one) => time(one[END])], ["count", (one) => one[COUNT]], ["last", (one) => money(one[LAST])],
  ["mean", (one) => small(one[MEAN])], ["stddev", (one) => optional(one[SD])], ["cv %", (one) => optional(one[CV])],
  ["min", (one) => money(one[MIN])], ["max", (one) => money(one[MAX])],
];
const SIGNAL_COLUMNS = ["time", "signal", "window", "price", "probability", "lead", "reason"];
let span = 300;
let chosen = null;

export class PositionView {
  constructor(root, store, symbol) {
    this.store = store;
    this.symbol = symbol;
    this.pointer = null;
    this.dirty = true;
    this.rows = this.shownKey = "";
    const tools = root.append("div").attr("class", "tools");
    const title = tools.append("span");
    title.append("strong").text(`${symbol} `);
    this.price = title.append("span").attr("class", "price");
    this.state = tools.append("span").attr("class", "state");
    this.regime = tools.append("span").attr("class", "regime");
    this.choice(tools, "Time range", SPANS, () => span, (seconds) => (span = seconds));
    this.lengths = tools.append("span").attr("class", "choice");
    this.problem = root.append("p").attr("class", "problem").attr("role", "status");
    const prices = root.append("section").attr("class", "panel");
    prices.append("h2").text("Price, mean and ± 2 standard deviations");
    prices.append("div").attr("class", "legend").html(
      '<span><i class="is-price"></i>price</span><span><i class="is-mean"></i>mean of the chosen window, ± 2 sd</span>' +
        '<span><i class="is-other"></i>mean of the others</span><span><b class="buy">▲</b> buy</span><span><b class="sell">▼</b> sell</span>' +
        '<span>hollow: likely</span><span><b class="anomaly">◆</b> anomaly</span><span><b class="regime-mark">●</b> regime</span><span>■ others</span>',
    );
    this.chart = prices.append("canvas").attr("class", "chart-price").attr("role", "img")
      .attr("aria-label", `Prices, signals and limits of ${symbol}; the tables below have the numbers`).node();
    this.readout = prices.append("p").attr("class", "readout").node();
    const volatility = root.append("section").attr("class", "panel");
    volatility.append("h2").text("Volatility: coefficient of variation");
    this.lower = volatility.append("canvas").attr("class", "chart-volatility").attr("role", "img")
      .attr("aria-label", `Volatility of ${symbol}`).node();
    this.form = new LimitsForm(root, symbol);
    this.signals = table(root, "signals", "Signals", SIGNAL_COLUMNS);
    this.columns = COLUMNS;
    this.body = table(root, "windows", "Newest windows", COLUMNS.map(([name]) => name));
    for (const canvas of [this.chart, this.lower]) {
      canvas.addEventListener("pointermove", (event) => this.point(event));
      canvas.addEventListener("pointerleave", () => this.point(null));
    }
    this.sized = new ResizeObserver(() => this.redraw());
    this.sized.observe(this.chart);
    this.reset();
  }

  /** A row of buttons of which one is pressed. */
  choice(tools, name, options, current, choose) {
    const group = tools.append("span").attr("class", "choice").attr("role", "group").attr("aria-label", name);
    const buttons = group.selectAll("button").data(options).join("button").attr("type", "button").text(([label]) => label)
      .attr("aria-pressed", ([, value]) => String(value === current()))
      .on("click", (event, [, value]) => {
        choose(value);
        buttons.attr("aria-pressed", ([, one]) => String(one === current()));
        this.rows = "";
        this.dirty = true;
      });
    return group;
  }

  /** The store was filled anew, or this view is new. */
  reset() {
    if (!this.store.labels) return;
    if (!this.store.labels.includes(chosen)) chosen = this.store.labels[0];
    this.lengths.node().replaceChildren();
    const options = this.store.labels.map((label) => [label, label]);
    this.choice(this.lengths, "Window", options, () => chosen, (label) => (chosen = label));
    this.form.defaults(this.store.settings);
    this.columns = [...COLUMNS, ...this.store.columns.map((column) => statistic(column, this.store.fields))];
    headings(this.body.parentNode, this.columns.map(([name]) => name));
    this.rows = "";
    this.fetch();
    this.dirty = true;
  }

  /** Fetch the whole history once: frames bring it thinned out. */
  async fetch() {
    const named = `position=${encodeURIComponent(this.symbol)}`;
    const get = async (address) => {
      const answer = await fetch(address).catch(() => null);
      return answer?.ok ? answer.json() : null;
    };
    await Promise.all([
      ...this.store.labels.map(async (label) => {
        const found = await get(`api/movingaverage?${named}&window=${label}`);
        if (found) this.store.fill(this.symbol, label, found.records.map((record) => points(record, this.store.fields)));
      }),
      get(`api/signals?${named}`).then((found) => found && this.addSignals(found.signals)),
    ]);
    this.dirty = true;
  }

  addSignals(signals) {
    const position = this.store.positions.get(this.symbol);
    if (!position) return;
    const newer = position.signals;
    position.signals = [];
    position.addSignals(signals.map((one) => ({ ...one, time: utc(one.time) })));
    position.addSignals(newer);
  }

  update(changed) {
    for (const position of changed) if (position.symbol === this.symbol) this.dirty = true;
  }

  redraw() {
    this.dirty = true;
  }

  point(event) {
    this.pointer = event && this.x ? this.x.invert(event.offsetX).getTime() : null;
    this.dirty = true;
  }

  draw(due) {
    const position = this.store.positions.get(this.symbol);
    if (!due || !this.dirty || !position) return;
    this.dirty = false;
    const now = this.store.now();
    const longest = position.byLabel[chosen];
    const first = Math.min(longest[0]?.[END] ?? now, position.windows[0]?.[END] ?? now);
    const start = span === null ? Math.min(first, now - 60_000) : now - span * 1000;
    this.x = drawPriceChart(this.chart, position, chosen, start, now, this.pointer);
    drawVolatilityChart(this.lower, position, chosen, start, now, this.pointer);
    this.write(position);
  }

  write(position) {
    const last = position.prices.at(-1);
    this.price.text(last ? money(last[1]) : "–");
    this.state.text(position.state);
    this.regime.text(position.regime ? `${position.regime} volatility` : "");
    const { problem } = position;
    this.problem.text(problem ? `${problem.text}. Next: ${problem.next}` : "");
    const holder = this.state.node().parentNode;
    if (holder.dataset.state !== position.state) holder.dataset.state = position.state;
    this.readout.textContent = this.under(position);
    this.form.show(position.limits);
    this.writeSignals(position.signals);
    const newest = position.byLabel[chosen].slice(-ROWS).reverse();
    const key = `${newest.length}/${newest[0]?.[END]}`;
    if (key === this.rows) return;
    this.rows = key;
    this.body.replaceChildren(...newest.map((window) => row(this.columns.map(([, shown]) => shown(window)))));
  }

  writeSignals(signals) {
    const newest = signals.slice(-ROWS).reverse();
    const key = `${signals.length}/${newest[0]?.time}`;
    if (key === this.shownKey) return;
    this.shownKey = key;
    this.signals.replaceChildren(...newest.map((one) => {
      const made = row([
        time(one.time), words(one), one.window ?? "–", money(one.price),
        one.probability === null ? "–" : `${(100 * one.probability).toFixed(0)} %`,
        one.lead_seconds === null ? "–" : `${one.lead_seconds.toFixed(0)} s`, one.reason,
      ]);
      made.dataset.signal = look(one);
      return made;
    }));
    if (!newest.length) this.signals.replaceChildren(row(["none yet"]));
  }

  /** What stands under the pointer. */
  under(position) {
    if (this.pointer === null) return "";
    const windows = position.byLabel[chosen];
    const window = windows[bisector((point) => point[END]).center(windows, this.pointer)];
    if (!window) return "";
    return `${chosen} to ${time(window[END])}: mean ${small(window[MEAN])}, stddev ${optional(window[SD])}, ` +
      `cv ${optional(window[CV])} %, ${window[COUNT]} ticks`;
  }

  key(event) {
    if (event.key === "l") {
      this.form.focus();
      return true;
    }
    if (event.key === "w" && this.store.labels) {
      const buttons = [...this.lengths.node().querySelectorAll("button")];
      buttons[(this.store.labels.indexOf(chosen) + 1) % buttons.length].click();
      return true;
    }
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return false;
    const symbols = [...this.store.positions.keys()];
    const next = symbols[(symbols.indexOf(this.symbol) + step + symbols.length) % symbols.length];
    if (next) location.hash = `#/position/${encodeURIComponent(next)}`;
    return true;
  }

  close() {
    this.sized.disconnect();
  }
}

function table(root, id, title, columns) {
  const panel = root.append("section").attr("class", "panel scroll").attr("id", id);
  panel.append("h2").text(title);
  const made = panel.append("table");
  made.append("thead").append("tr");
  headings(made.node(), columns);
  return made.append("tbody").node();
}

function headings(made, columns) {
  select(made).select("thead tr").selectAll("th").data(columns).join("th").attr("scope", "col").text((name) => name);
}

/** The column of a statistic, as the server describes it. */
function statistic({ name, title, scientific: powers }, fields) {
  const index = fields.indexOf(name);
  return [title, (one) => (powers ? scientific : optional)(one[index])];
}

function utc(text) {
  return Date.parse(`${text.replace(" ", "T")}Z`);
}

/** A record as frames hold it. */
function points(record, fields) {
  return fields.map((name) => (name === "window_end" ? utc(record[name]) : record[name] ?? null));
}

function optional(value) {
  return value === null ? "–" : small(value);
}

function scientific(value) {
  return value === null ? "–" : value.toExponential(2);
}

function row(cells) {
  const made = document.createElement("tr");
  for (const cell of cells) made.append(Object.assign(document.createElement("td"), { textContent: cell }));
  return made;
}

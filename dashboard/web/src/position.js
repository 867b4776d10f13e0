// One position: its windows as far back as the server keeps them, and what is under the pointer.

import { bisector } from "d3";
import { COUNT, CV, END, MAX, MEAN, MIN, SD, LAST, drawPriceChart, drawVolatilityChart, money, small, time } from "./charts.js";

const SPANS = [["1 min", 60], ["5 min", 300], ["all", null]];
const ROWS = 20;
const COLUMNS = ["window end", "count", "last", "mean", "stddev", "cv %", "min", "max"];
let span = 300;

export class PositionView {
  constructor(root, store, symbol) {
    this.store = store;
    this.symbol = symbol;
    this.pointer = null;
    this.dirty = true;
    this.rows = "";
    const tools = root.append("div").attr("class", "tools");
    this.title = tools.append("span");
    this.title.append("strong").text(`${symbol} `);
    this.price = this.title.append("span").attr("class", "price");
    this.state = tools.append("span").attr("class", "state");
    for (const [name, seconds] of SPANS) {
      tools.append("button").attr("type", "button").attr("aria-pressed", String(seconds === span)).text(name)
        .on("click", (event) => {
          span = seconds;
          tools.selectAll("button").attr("aria-pressed", function () { return String(this === event.currentTarget); });
          this.dirty = true;
        });
    }
    const prices = root.append("section").attr("class", "panel");
    prices.append("h2").text("Price, mean and ± 2 standard deviations");
    this.chart = prices.append("canvas").attr("class", "chart-price").attr("role", "img")
      .attr("aria-label", `Prices of ${symbol}; the table below has the numbers`).node();
    this.readout = prices.append("p").attr("class", "readout").node();
    const volatility = root.append("section").attr("class", "panel");
    volatility.append("h2").text("Volatility: coefficient of variation");
    this.lower = volatility.append("canvas").attr("class", "chart-volatility").attr("role", "img")
      .attr("aria-label", `Volatility of ${symbol}`).node();
    const panel = root.append("section").attr("class", "panel scroll");
    panel.append("h2").text("Newest windows");
    const table = panel.append("table");
    table.append("thead").append("tr").selectAll("th").data(COLUMNS).join("th").attr("scope", "col").text((name) => name);
    this.body = table.append("tbody").node();
    for (const canvas of [this.chart, this.lower]) {
      canvas.addEventListener("pointermove", (event) => this.point(event));
      canvas.addEventListener("pointerleave", () => this.point(null));
    }
    this.sized = new ResizeObserver(() => this.redraw());
    this.sized.observe(this.chart);
    this.fetch();
  }

  /** Fetch the whole history once: frames bring it thinned out. */
  async fetch() {
    const address = `api/movingaverage?position=${encodeURIComponent(this.symbol)}`;
    const answer = await fetch(address).catch(() => null);
    if (!answer?.ok) return;
    const { records } = await answer.json();
    this.store.fill(this.symbol, records.map((r) => [
      Date.parse(`${r.window_end.replace(" ", "T")}Z`), r.mean, r.stddev, r.cv, r.last, r.min, r.max, r.count,
    ]));
    this.dirty = true;
  }

  reset() {
    this.fetch();
    this.dirty = true;
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

  draw() {
    const position = this.store.positions.get(this.symbol);
    if (!this.dirty || !position) return;
    this.dirty = false;
    const now = this.store.now();
    const first = position.windows.length ? position.windows[0][END] : now - 60_000;
    const start = span === null ? Math.min(first, now - 60_000) : now - span * 1000;
    this.x = drawPriceChart(this.chart, position, start, now, this.pointer);
    drawVolatilityChart(this.lower, position, start, now, this.pointer);
    this.write(position);
  }

  write(position) {
    const last = position.prices.at(-1);
    this.price.text(last ? money(last[1]) : "–");
    this.state.text(position.state);
    const holder = this.state.node().parentNode;
    if (holder.dataset.state !== position.state) holder.dataset.state = position.state;
    this.readout.textContent = this.told(position);
    const newest = position.windows.slice(-ROWS).reverse();
    const key = `${newest.length}/${newest[0]?.[END]}`;
    if (key === this.rows) return;
    this.rows = key;
    this.body.replaceChildren(...newest.map((window) => row([
      time(window[END]), window[COUNT], money(window[LAST]), small(window[MEAN]), optional(window[SD]), optional(window[CV]),
      money(window[MIN]), money(window[MAX]),
    ])));
  }

  told(position) {
    if (this.pointer === null) return "";
    const window = position.windows[bisector((point) => point[END]).center(position.windows, this.pointer)];
    if (!window) return "";
    return `window to ${time(window[END])}: mean ${small(window[MEAN])}, stddev ${optional(window[SD])}, ` +
      `cv ${optional(window[CV])} %, ${window[COUNT]} ticks`;
  }

  key(event) {
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

function optional(value) {
  return value === null ? "–" : small(value);
}

function row(cells) {
  const made = document.createElement("tr");
  for (const cell of cells) made.append(Object.assign(document.createElement("td"), { textContent: cell }));
  return made;
}

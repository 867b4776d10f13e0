// The overview: one small chart per position. Only charts that are on the screen are drawn, each again once it has
// moved by a pixel, a few in every animation frame: what a canvas costs is paid when the frame is put together, after
// the script, so it is spread by number and not by a clock.

import { create, select } from "d3";
import { CV, drawCard, money, small } from "./charts.js";
import { words } from "./signals.js";

const SPAN = 60_000;
const FRAME_MS = 1000 / 60;
const MOST_WIDTH = 400; // of a chart that is drawn as often as it moves by a pixel; wider ones move further
let filter = "";

export class Overview {
  constructor(root, store) {
    this.store = store;
    this.dirty = new Set(); // whose chart is to be drawn, longest waiting first
    this.changed = new Set(); // whose words are to be written
    this.shown = 0; // how many charts are on the screen
    this.cards = new Map();
    this.sizes = new WeakMap();
    const tools = root.append("div").attr("class", "tools");
    this.input = tools
      .append("input")
      .attr("type", "search")
      .attr("placeholder", "Filter positions")
      .attr("aria-label", "Filter positions")
      .property("value", filter)
      .on("input", (event) => {
        filter = event.target.value;
        this.show();
      });
    tools.append("div").attr("class", "legend").html(
      '<span><i class="is-price"></i>price</span><span><i class="is-mean"></i>mean of the window</span>' +
        '<span><i class="is-band"></i>± 2 standard deviations</span><span><i class="is-volatility"></i>volatility (cv)</span>' +
        "<span>▲ buy ▼ sell ◆ anomaly ● regime ■ others</span><span>last 60 s</span>",
    );
    this.grid = root.append("div").attr("class", "grid").attr("role", "list");
    this.seen = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        const card = this.cards.get(target.dataset.symbol);
        if (!card) continue;
        this.shown += isIntersecting - card.visible;
        card.visible = isIntersecting;
        if (isIntersecting) this.dirty.add(card.position);
      }
    }, { rootMargin: "200px" });
    this.sized = new ResizeObserver((entries) => {
      for (const { target, contentRect } of entries) {
        this.sizes.set(target, { width: contentRect.width, height: contentRect.height });
        this.dirty.add(this.store.positions.get(target.closest("a").dataset.symbol));
      }
    });
    this.show();
  }

  /** Make the cards anew: the positions or the filter changed. */
  show() {
    this.seen.disconnect();
    this.sized.disconnect();
    this.cards.clear();
    this.dirty.clear();
    this.changed.clear();
    this.shown = 0;
    const wanted = filter.trim().toUpperCase();
    const positions = [...this.store.positions.values()].filter((one) => one.symbol.toUpperCase().includes(wanted));
    this.grid.selectAll("a").remove();
    this.grid.selectAll("p").remove();
    if (!positions.length) this.grid.append("p").attr("class", "empty").text(wanted ? "No position matches the filter." : "Waiting for positions …");
    for (const position of positions) {
      const anchor = create("a")
        .attr("class", "card")
        .attr("role", "listitem")
        .attr("href", `#/position/${encodeURIComponent(position.symbol)}`)
        .attr("data-symbol", position.symbol);
      anchor.append("span").attr("class", "symbol").text(position.symbol);
      const price = anchor.append("span").attr("class", "price").node();
      const canvas = anchor.append("canvas").attr("role", "img").attr("aria-label", `${position.symbol}: price, mean, band, volatility and signals of the last minute`).node();
      const state = anchor.append("span").attr("class", "state").node();
      const cv = anchor.append("span").attr("class", "cv").node();
      const signal = anchor.append("span").attr("class", "signal").node();
      const regime = anchor.append("span").attr("class", "regime").node();
      const problem = anchor.append("span").attr("class", "problem").node();
      const node = anchor.node();
      this.cards.set(position.symbol, { position, node, price, canvas, state, cv, signal, regime, problem, visible: false, drawn: 0 });
      this.grid.node().append(node);
      this.seen.observe(node);
      this.sized.observe(canvas);
    }
    for (const card of this.cards.values()) this.write(card);
  }

  reset() {
    this.show();
  }

  update(changed) {
    for (const position of changed) {
      this.changed.add(position);
      this.dirty.add(position);
    }
  }

  /** Write the words that changed, if `due`, and draw the share of the charts that is this animation frame's. */
  draw(due) {
    if (due) {
      for (const position of this.changed) {
        const card = this.cards.get(position.symbol);
        if (card?.visible) this.write(card);
      }
      this.changed.clear();
    }
    const now = this.store.now();
    let left = null;
    for (const position of this.dirty) {
      const card = position && this.cards.get(position.symbol);
      if (!card?.visible) {
        this.dirty.delete(position); // drawn when it comes into view
        continue;
      }
      const size = this.sizes.get(card.canvas);
      const pixel = SPAN / Math.min(size?.width || MOST_WIDTH, MOST_WIDTH);
      if (now - card.drawn < pixel) continue;
      left ??= Math.ceil((this.shown * FRAME_MS) / pixel);
      this.dirty.delete(position);
      card.drawn = now;
      drawCard(card.canvas, position, now, SPAN, size);
      left -= 1;
      if (left <= 0) return;
    }
  }

  redraw() {
    for (const card of this.cards.values()) {
      card.drawn = 0;
      this.dirty.add(card.position);
    }
  }

  write({ position, node, price, state, cv, signal, regime, problem }) {
    const last = position.prices.at(-1);
    const window = position.windows.at(-1);
    set(price, last ? money(last[1]) : "–");
    set(state, position.state);
    set(cv, window && window[CV] !== null ? `cv ${small(window[CV])} %` : "");
    const newest = position.signals.at(-1);
    set(signal, newest && this.store.now() - newest.time < SPAN ? words(newest) : "");
    set(regime, position.regime ? `${position.regime} volatility` : "");
    set(problem, position.problem?.text ?? "");
    if (node.dataset.state !== position.state) node.dataset.state = position.state;
  }

  key(event) {
    if (event.key === "/") {
      this.input.node().focus();
      return true;
    }
    const cards = [...this.grid.node().querySelectorAll("a")];
    if (!cards.length) return false;
    const columns = getComputedStyle(this.grid.node()).gridTemplateColumns.split(" ").length;
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
    if (!step || select(event.target).node() === this.input.node()) return false;
    const at = cards.indexOf(document.activeElement);
    cards[at < 0 ? 0 : Math.min(cards.length - 1, Math.max(0, at + step))].focus();
    return true;
  }

  close() {
    this.seen.disconnect();
    this.sized.disconnect();
  }
}

function set(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

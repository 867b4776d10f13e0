// A document without a browser, for tests of the page's modules: import this one first.

import { parseHTML } from "linkedom";
import { readFileSync } from "node:fs";

const { window, document } = parseHTML(readFileSync(new URL("../src/index.html", import.meta.url), "utf8"));

class Observer {
  observe() {}
  disconnect() {}
}

/** The calls that draw on a canvas, as [method, ...arguments]; each text has its coordinates. */
export class Drawing {
  constructor() {
    this.calls = [];
    this.context = new Proxy({}, {
      get: (target, name) => (name in target ? target[name] : (...args) => void this.calls.push([name, ...args])),
    });
  }

  of(method) {
    return this.calls.filter(([name]) => name === method).map(([, ...args]) => args);
  }
}

/** A canvas of this size and its drawing. */
export function canvas(width, height) {
  const drawing = new Drawing();
  return { clientWidth: width, clientHeight: height, width: 0, height: 0, getContext: () => drawing.context, drawing };
}

Object.assign(globalThis, {
  window,
  document,
  location: { hash: "", pathname: "/service/volatility-dashboard/" },
  HTMLInputElement: window.HTMLInputElement,
  ResizeObserver: Observer,
  IntersectionObserver: Observer,
  matchMedia: () => ({ addEventListener() {} }),
  getComputedStyle: () => ({ getPropertyValue: (name) => `colour of ${name.slice(2)}` }),
  requestAnimationFrame() {},
});
Object.defineProperty(document, "baseURI", { value: "http://cluster.test/service/volatility-dashboard/" });

/** Let what was awaited go on. */
export function settled() {
  return new Promise((resolve) => setImmediate(resolve));
}

/** An answer of the server; without a document, one that is not JSON. */
export function answer(document, status = 200) {
  return new Response(document === undefined ? "<html>" : JSON.stringify(document), { status });
}

/** What the server says first: one of each thing. */
export const HELLO = {
  windows: ["10s", "1m"],
  settings: { regime: { high: 2, low: 0.5 }, anomaly: { sigmas: 6 }, limit: { probability: 0.5, horizon_seconds: 300 } },
  fields: ["window_end", "mean", "stddev", "cv", "last", "min", "max", "count", "median"],
  columns: [{ name: "median", title: "median", scientific: false }],
  signal_fields: ["time", "kind", "event", "side", "window", "value", "threshold", "price", "probability", "lead_seconds", "reason"],
  positions: ["AAPL", "MSFT"],
};

/** A frame that brings nothing, but for what is given. */
export function frame(more = {}) {
  return { now: Date.now(), states: "ff", windows: {}, prices: {}, signals: {}, limits: {}, problems: {}, ...more };
}

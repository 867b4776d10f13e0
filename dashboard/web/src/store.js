// What the page knows: the newest points of each position, as the frames brought them.

const MOST_POINTS = 3600;
const MOST_SIGNALS = 400;
const STATES = { f: "fresh", s: "stale", n: "silent", u: "unreadable" };

export class Store {
  constructor() {
    this.positions = new Map();
    this.offset = 0; // the server's clock minus ours, in ms
    this.frames = 0;
  }

  /** Begin anew: a new connection brings everything again, and the server may be another one. */
  reset(hello) {
    this.labels = hello.windows; // the shortest first
    this.settings = hello.settings; // what is watched for where a position has no limits of its own
    this.fields = hello.fields; // of a window, in the order of a frame
    this.columns = hello.columns; // of the statistics that there are
    this.signalFields = hello.signal_fields;
    this.positions = new Map(hello.positions.map((symbol) => [symbol, new Position(symbol, hello.windows)]));
  }

  /** Take a frame; returns the positions that changed. */
  take(frame) {
    this.offset = frame.now - Date.now();
    this.frames += 1;
    const changed = new Set();
    let index = 0;
    for (const position of this.positions.values()) {
      const state = STATES[frame.states[index++]];
      if (state !== position.state) {
        position.state = state;
        changed.add(position);
      }
    }
    const touched = (symbol) => {
      const position = this.positions.get(symbol);
      changed.add(position);
      return position;
    };
    for (const [symbol, lengths] of Object.entries(frame.windows)) {
      const position = touched(symbol);
      for (const [label, points] of Object.entries(lengths)) append(position.byLabel[label], points);
    }
    for (const [symbol, points] of Object.entries(frame.prices)) append(touched(symbol).prices, points);
    for (const [symbol, rows] of Object.entries(frame.signals)) touched(symbol).addSignals(rows.map((row) => this.signal(row)));
    for (const [symbol, limits] of Object.entries(frame.limits)) touched(symbol).limits = limits;
    for (const [symbol, problem] of Object.entries(frame.problems)) touched(symbol).problem = problem;
    return changed;
  }

  signal(row) {
    return Object.fromEntries(this.signalFields.map((name, index) => [name, row[index]]));
  }

  /** Put the whole history of a position in front of what the frames brought, thinned out, of it. */
  fill(symbol, label, windows) {
    const position = this.positions.get(symbol);
    if (!position || !windows.length) return;
    const last = windows[windows.length - 1][0];
    const newer = position.byLabel[label].filter((point) => point[0] > last);
    position.byLabel[label].splice(0, Infinity, ...windows, ...newer);
  }

  now() {
    return Date.now() + this.offset;
  }
}

class Position {
  constructor(symbol, labels) {
    this.symbol = symbol;
    this.state = "silent";
    this.prices = [];
    this.byLabel = Object.fromEntries(labels.map((label) => [label, []]));
    this.windows = this.byLabel[labels[0]]; // the shortest are what the overview shows
    this.signals = []; // as they came
    this.regime = null;
    this.limits = null;
    this.problem = null; // what is wrong with its topic
  }

  /** Add signals but for those that are there already. */
  addSignals(more) {
    const known = new Set(this.signals.map(identity));
    for (const signal of more) if (!known.has(identity(signal))) this.signals.push(signal);
    this.signals.splice(0, this.signals.length - MOST_SIGNALS);
    this.regime = this.signals.findLast((one) => one.kind === "regime")?.event ?? this.regime;
  }
}

function identity(signal) {
  return JSON.stringify([signal.time, signal.kind, signal.event, signal.side, signal.window, signal.value, signal.threshold]);
}

function append(points, more) {
  for (const point of more) {
    const last = points.length ? points[points.length - 1][0] : -Infinity;
    if (point[0] > last) points.push(point);
    else if (point[0] === last) points[points.length - 1] = point; // two ticks in one millisecond
  }
  // Cut seldom and much: cutting moves all that stays.
  if (points.length > MOST_POINTS * 1.2) points.splice(0, points.length - MOST_POINTS);
}

/** The part of `points` from time `from` on, and the one before it, so that lines reach the edge. */
export function from(points, time) {
  let low = 0;
  let high = points.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (points[middle][0] < time) low = middle + 1;
    else high = middle;
  }
  return points.slice(Math.max(0, low - 1));
}

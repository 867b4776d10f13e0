// What the page knows: the newest points of each position, as the frames brought them.

const MOST_POINTS = 3600;
const STATES = { f: "fresh", s: "stale", n: "silent" };

export class Store {
  constructor() {
    this.positions = new Map();
    this.offset = 0; // the server's clock minus ours, in ms
    this.frames = 0;
  }

  /** Begin anew: a new connection brings everything again, and the server may be another one. */
  reset(hello) {
    this.fields = Object.fromEntries(hello.fields.map((name, index) => [name, index]));
    this.positions = new Map(
      hello.positions.map((symbol) => [
        symbol,
        { symbol, state: "silent", prices: [], windows: [], changed: 0 },
      ]),
    );
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
    for (const kind of ["windows", "prices"]) {
      for (const [symbol, points] of Object.entries(frame[kind])) {
        const position = this.positions.get(symbol);
        append(position[kind], points);
        changed.add(position);
      }
    }
    return changed;
  }

  /** Put the whole history of a position in front of what the frames brought, thinned out, of it. */
  fill(symbol, windows) {
    const position = this.positions.get(symbol);
    if (!position || !windows.length) return;
    const last = windows[windows.length - 1][0];
    position.windows = windows.concat(position.windows.filter((point) => point[0] > last));
  }

  now() {
    return Date.now() + this.offset;
  }
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

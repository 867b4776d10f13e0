// The pipeline: each component, in the order that data flows, and each position's lag.

const EVERY_MS = 2000;
const FLOW = ["data-generator", "kafka", "gatherer", "dashboard"];
const NUMBERS = [
  ["rate", "per second", (value) => value.toLocaleString()],
  ["lag", "lag (ticks)", (value) => value.toLocaleString()],
  ["checkpoint_age_seconds", "last checkpoint", (value) => `${value} s ago`],
  ["checkpoint_seconds", "checkpoint duration", (value) => `${value} s`],
  ["checkpoint_bytes", "checkpoint size", (value) => `${(value / 1024).toFixed(0)} kB`],
  ["checkpoints_failed", "failed checkpoints", String],
  ["uptime_seconds", "uptime", (value) => duration(value)],
  ["broken_records", "invalid records", String],
];
const COLUMNS = [
  ["symbol", "position"], ["state", "state"], ["regime", "volatility"], ["price", "price"], ["last_window_end", "last window end (UTC)"], ["age_seconds", "age s"],
  ["lag", "lag"],
];

export class PipelineView {
  constructor(root) {
    this.problem = root.append("p").attr("class", "empty").attr("role", "status").text("Loading …");
    this.flow = root.append("ol").attr("class", "flow");
    const letters = root.append("section").attr("class", "panel").attr("id", "dead-letters");
    letters.append("h2").text("Dead letters");
    this.letters = letters.append("div");
    const panel = root.append("section").attr("class", "panel scroll");
    panel.append("h2").text("Positions");
    this.troubles = panel.append("div");
    const table = panel.append("table");
    table.append("thead").append("tr").selectAll("th").data(COLUMNS).join("th").attr("scope", "col").text(([, name]) => name);
    this.body = table.append("tbody");
    this.open = true;
    this.ask();
  }

  async ask() {
    if (!this.open) return;
    try {
      const answer = await fetch("api/status");
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      this.show(await answer.json());
    } catch (error) {
      this.problem.text(`The server did not answer: ${error.message}`);
    }
    this.timer = setTimeout(() => this.ask(), EVERY_MS);
  }

  show(status) {
    if (!this.open) return;
    this.problem.text(status.healthy ? "All components and positions are healthy." : "Not all components and positions are healthy.");
    const named = new Map(status.components.map((one) => [one.name, one]));
    const rest = status.components.filter((one) => !FLOW.includes(one.name));
    const ordered = [...FLOW.map((name) => named.get(name)).filter(Boolean), ...rest];
    this.flow.selectAll("li").data(ordered, (one) => one.name)
      .join((enter) => {
        const item = enter.append("li").attr("class", (one) => (FLOW.slice(0, -1).includes(one.name) ? "to" : null));
        item.append("h2").text((one) => one.name);
        item.append("span").attr("class", "state");
        item.append("p");
        item.append("dl");
        return item;
      })
      .each(function (one) {
        const state = this.querySelector(".state");
        state.textContent = state.dataset.state = one.state;
        this.querySelector("p").textContent = one.detail;
        const numbers = NUMBERS.filter(([key]) => one[key] !== undefined && one[key] !== null);
        this.querySelector("dl").replaceChildren(...numbers.flatMap(([key, name, shown]) => [
          Object.assign(document.createElement("dt"), { textContent: name }),
          Object.assign(document.createElement("dd"), { textContent: shown(one[key]) }),
        ]));
      });
    this.showLetters(status.dead_letters);
    this.troubles.selectAll("p").data(problemTexts(status.positions)).join("p").attr("class", "problem").text(String);
    this.body.selectAll("tr").data(status.positions, (one) => one.symbol).join("tr").attr("data-state", (one) => one.state)
      .selectAll("td").data((one) => COLUMNS.map(([key]) => [key, one[key]])).join("td")
      .attr("class", ([key]) => (key === "state" ? "state" : null))
      .text(([, value]) => (value === null ? "–" : value));
  }

  /** How many records could not be used, and why: a bar each, longest for the most frequent reason. */
  showLetters({ by_reason: counts, total, complete }) {
    const most = Math.max(...Object.values(counts), 1);
    const note = complete ? "" : " so far";
    this.letters.selectAll("p").data([total ? `${total.toLocaleString()} records could not be used${note}.` : `None${note}.`])
      .join("p").attr("class", "empty").text(String);
    this.letters.selectAll("dl").data(total ? [counts] : []).join("dl").attr("class", "bars")
      .selectAll("div").data((one) => Object.entries(one), ([reason]) => reason).join((enter) => {
        const row = enter.append("div");
        row.append("dt");
        row.append("dd").append("meter").attr("min", 0);
        row.select("dd").append("span");
        return row;
      }).each(function ([reason, count]) {
        this.querySelector("dt").textContent = reason.replaceAll("_", " ");
        Object.assign(this.querySelector("meter"), { max: most, value: count });
        this.querySelector("span").textContent = count.toLocaleString();
      });
  }

  reset() {}
  update() {}
  redraw() {}
  draw() {}

  key() {
    return false;
  }

  close() {
    this.open = false;
    clearTimeout(this.timer);
  }
}

/** What is wrong with positions and what to do about it, once for all that share a topic. */
function problemTexts(positions) {
  const sharing = new Map();
  for (const { symbol, problem } of positions) {
    if (!problem) continue;
    const words = `${problem.text}. Next: ${problem.next}`;
    sharing.set(words, [...(sharing.get(words) ?? []), symbol]);
  }
  return [...sharing].map(([words, symbols]) => `${symbols.join(", ")}: ${words}`);
}

function duration(seconds) {
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7200 ? `${Math.floor(seconds / 60)} min` : `${Math.floor(seconds / 3600)} h`;
}

// The index of flows: what each accomplishes, and how it is.

import { at } from "./addresses.js";

const EVERY_MS = 3000;
const STAGES = ["source", "topic", "processing", "store", "display"];

export class FlowsView {
  constructor(root) {
    this.problem = root.append("p").attr("class", "empty").attr("role", "status").text("Asking …");
    root.append("p").attr("class", "empty").text("A flow is source → topic → processing → store → display.");
    this.list = root.append("ol").attr("class", "flows");
    this.open = true;
    this.ask();
  }

  async ask() {
    if (!this.open) return;
    try {
      const answer = await fetch(at("api/flows"));
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      this.show((await answer.json()).flows);
    } catch (error) {
      this.problem.text(`No answer: ${error.message}`);
    }
    this.timer = setTimeout(() => this.ask(), EVERY_MS);
  }

  show(flows) {
    if (!this.open) return;
    const counts = new Map();
    for (const { state } of flows) counts.set(state, (counts.get(state) ?? 0) + 1);
    const summary = [...counts].map(([state, count]) => `${count} ${state}`).join(", ");
    this.problem.text(flows.length ? `${flows.length} flows: ${summary}.` : "The bundle has no flows.");
    this.list.selectAll("li").data(flows, (one) => one.name).join((enter) => {
      const item = enter.append("li").attr("class", "panel");
      const heading = item.append("h2");
      heading.append("a").attr("href", (one) => at(one.name)).text((one) => `/${one.name}`);
      heading.append("span").attr("class", "state");
      item.append("p").attr("class", "stages");
      item.append("p").attr("class", "about");
      item.append("p").attr("class", "readout");
      item.append("p").attr("class", "problem");
      return item;
    }).each(function (one) {
      const state = this.querySelector(".state");
      state.textContent = state.dataset.state = one.state;
      this.querySelector(".stages").textContent = STAGES.map((stage) => one[stage] ?? "none").join(" → ");
      this.querySelector(".about").textContent = one.about;
      this.querySelector(".readout").textContent = figures(one);
      this.querySelector(".problem").textContent = one.text;
    });
  }

  reset() {}
  update() {}
  redraw() {}
  draw() {}

  /** Arrows go from one flow to the next. */
  key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return false;
    const links = [...this.list.node().querySelectorAll("a")];
    const now = links.indexOf(document.activeElement);
    links[Math.min(links.length - 1, Math.max(0, now + step))]?.focus();
    return true;
  }

  close() {
    this.open = false;
    clearTimeout(this.timer);
  }
}

/** The numbers of a flow in words. */
export function figures({ records, rows, age_seconds: age, newest }) {
  const parts = [];
  if (records !== null) parts.push(`${records.toLocaleString()} offsets in its topic`);
  if (rows !== null) parts.push(`${rows.toLocaleString()} rows in its store`);
  if (age !== null) parts.push(`newest ${duration(age)} ago (${newest} UTC)`);
  return parts.join(", ");
}

/** Seconds in the unit that suits them. */
export function duration(seconds) {
  if (seconds < 120) return `${Math.max(0, seconds).toFixed(seconds < 10 ? 1 : 0)} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86_400)} days`;
}

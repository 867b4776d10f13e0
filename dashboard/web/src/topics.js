// The topics: what there are, and their records, page by page. It only reads.

import { at } from "./addresses.js";

const COUNT = 20;
const COLUMNS = ["partition", "offset", "time (UTC)", "bytes", "key", "value"];
// What would change the line or its direction is written as its code.
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;
const DAY_MS = 86_400_000;

export class TopicsView {
  constructor(root, name) {
    this.root = root;
    this.name = name;
    this.problem = root.append("p").attr("class", "problem").attr("role", "status");
    this.open = true;
    this.page = {};
    if (name) this.browse();
    else this.list();
  }

  async ask(path) {
    this.problem.text("");
    this.root.attr("aria-busy", "true");
    try {
      const answer = await fetch(at(path));
      const document = await answer.json().catch(() => ({}));
      if (!answer.ok) throw new Error(document.message ?? `status ${answer.status}`);
      return this.open ? document : null;
    } catch (error) {
      if (this.open) this.problem.text(error.message);
      return null;
    } finally {
      this.root.attr("aria-busy", null);
    }
  }

  async list() {
    const panel = this.root.append("section").attr("class", "panel scroll");
    panel.append("h2").text("Topics");
    const table = panel.append("table").attr("id", "topics");
    const heads = ["topic", "partitions", "offsets", "size", "kept for", "cleanup", "largest batch"];
    table.append("thead").append("tr").selectAll("th").data(heads).join("th").attr("scope", "col").text(String);
    const body = table.append("tbody");
    const answer = await this.ask("api/topics");
    if (!answer) return;
    const rows = body.selectAll("tr").data(answer.topics).join("tr");
    rows.append("td").append("a").attr("href", (one) => `#/topics/${encodeURIComponent(one.topic)}`).text((one) => one.topic);
    for (const cell of [partitions, (one) => one.offsets.toLocaleString(), about, keptFor, cleanup, largest]) rows.append("td").text(cell);
  }

  browse() {
    this.about = this.root.append("section").attr("class", "panel");
    this.about.append("h2").text(this.name);
    this.facts = this.about.append("p").attr("class", "readout").text("Asking …");
    const details = this.about.append("details");
    details.append("summary").text("Partitions and settings");
    this.details = details.append("dl").attr("class", "facts");
    this.form = this.root.append("form").attr("class", "panel").attr("id", "browse").on("submit", (event) => {
      event.preventDefault();
      this.show({});
    });
    const fields = this.form.append("div").attr("class", "fields");
    this.inputs = new Map();
    for (const [name, title, hint] of [
      ["partition", "Partition", "all"], ["offset", "From offset", "the last ones"], ["time", "From time", "2026-11-22 01:02:03"],
      ["key", "Key", "any"], ["text", "Containing", "any text"],
    ]) {
      const label = fields.append("label");
      label.append("span").text(title);
      const input = label.append("input").attr("name", name).attr("placeholder", hint).attr("autocomplete", "off");
      this.inputs.set(name, input.node());
    }
    const tools = this.form.append("div").attr("class", "tools");
    tools.append("button").attr("type", "submit").text("Show");
    this.older = tools.append("button").attr("type", "button").attr("id", "older").text("← Older").on("click", () => this.show({ before: this.page.before }));
    this.newer = tools.append("button").attr("type", "button").attr("id", "newer").text("Newer →").on("click", () => this.show({ from: this.page.after }));
    tools.append("button").attr("type", "button").text("Newest").on("click", () => {
      for (const name of ["offset", "time"]) this.inputs.get(name).value = "";
      this.show({});
    });
    this.bytes = tools.append("button").attr("type", "button").attr("id", "bytes").attr("aria-pressed", "false").text("As bytes").on("click", () => {
      this.bytes.attr("aria-pressed", this.bytes.attr("aria-pressed") !== "true");
      this.show(this.cursor);
    });
    this.found = this.form.append("p").attr("class", "empty").attr("role", "status");
    const panel = this.root.append("section").attr("class", "panel scroll");
    const table = panel.append("table").attr("id", "records");
    table.append("thead").append("tr").selectAll("th").data(COLUMNS).join("th").attr("scope", "col").text(String);
    this.body = table.append("tbody");
    this.show({});
  }

  /** Show the page from a cursor on; with an empty one, the page that the form describes. */
  async show(cursor) {
    this.cursor = cursor;
    const query = new URLSearchParams({ topic: this.name, count: COUNT, ...cursor });
    const given = cursor.from || cursor.before ? ["key", "text"] : [...this.inputs.keys()];
    for (const name of given) {
      const value = this.inputs.get(name).value.trim();
      if (value) query.set(name, value);
    }
    if (this.bytes.attr("aria-pressed") === "true") query.set("bytes", "true");
    const page = await this.ask(`api/topics/records?${query}`);
    if (!page) return;
    this.page = page;
    this.older.attr("disabled", page.before === null ? "" : null);
    this.newer.attr("disabled", page.after === null ? "" : null);
    this.write(page);
  }

  write({ topic, records, bounded }) {
    const size = topic.size === null ? "" : `, ${about(topic)} estimated from the records below`;
    this.facts.text(`${partitions(topic)} partitions, ${topic.offsets.toLocaleString()} offsets${size}. Kept for ${keptFor(topic)}, cleanup ${cleanup(topic)}.`);
    const facts = [
      ...topic.partitions.map((one) => [`partition ${one.partition}`, `offsets ${one.begin} to ${one.end} (exclusive)`]),
      ...topic.unreachable.map((number) => [`partition ${number}`, "its leader does not answer"]),
      ...Object.entries(topic.settings),
    ];
    this.details.selectAll("div").data(facts).join((enter) => {
      const row = enter.append("div");
      row.append("dt");
      row.append("dd");
      return row;
    }).each(function ([name, value]) {
      this.querySelector("dt").textContent = name;
      this.querySelector("dd").textContent = value;
    });
    const found = records.length ? `${records.length} records` : "No matching records";
    this.found.text(bounded ? `${found}. There may be more: the search looked at 100,000 records of a partition. Older and Newer search on.` : `${found}.`);
    this.body.selectAll("tr").data(records, (one) => `${one.partition}/${one.offset}`).join("tr").order()
      .selectAll("td").data((one) => [one.partition, one.offset, one.time, one.size.toLocaleString(), shown(one.key), value(one)])
      .join("td").attr("class", (_, index) => (index > 3 ? "content" : null)).text(String);
  }

  reset() {}
  update() {}
  redraw() {}
  draw() {}

  /** Arrows turn the page. */
  key(event) {
    const button = { ArrowLeft: this.older, ArrowRight: this.newer }[event.key];
    if (!button) return false;
    button.node().click();
    return true;
  }

  close() {
    this.open = false;
  }
}

function value(record) {
  const headers = Object.entries(record.headers).map(([name, text]) => `${visible(name)}: ${shown(text)}`);
  const end = [headers.length ? ` [${headers.join(", ")}]` : "", record.cut ? " … (cut)" : ""].join("");
  return `${shown(record.value)}${end}`;
}

/** A key, a value or a header as one line of plain text. */
export function shown(text) {
  if (text === null) return "–";
  return typeof text === "string" ? visible(text) : `base64:${text.base64}`;
}

function visible(text) {
  return text.replace(UNSEEN, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function partitions({ partitions: readable, unreachable }) {
  return readable.length + unreachable.length;
}

/** The size of a topic, which is an estimate. */
function about({ size }) {
  return size === null ? "–" : `~${bytes(size)}`;
}

function keptFor({ settings }) {
  const ms = Number(settings["retention.ms"]);
  if (settings["cleanup.policy"] === "compact" || ms === -1) return "ever";
  if (!ms) return "–";
  return ms >= 2 * DAY_MS ? `${+(ms / DAY_MS).toFixed(1)} days` : `${+(ms / 3_600_000).toFixed(1)} h`;
}

function cleanup({ settings }) {
  return settings["cleanup.policy"] ?? "–";
}

function largest({ settings }) {
  const size = settings["max.message.bytes"];
  return size === undefined ? "–" : bytes(Number(size));
}

function bytes(size) {
  for (const [unit, factor] of [["GB", 1e9], ["MB", 1e6], ["kB", 1e3]]) if (size >= factor) return `${(size / factor).toFixed(1)} ${unit}`;
  return `${size} bytes`;
}

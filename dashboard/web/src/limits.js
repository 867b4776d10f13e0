// The limits form: what a position is watched for. An empty field is no limit, or the bundle's own setting.

const FIELDS = [
  ["buy", "Buy at or below", "price"], ["sell", "Sell at or above", "price"], ["probability", "Minimum probability", "0 to 1"],
  ["horizon_seconds", "Horizon", "seconds"], ["regime_high", "High volatility from", "cv %"], ["regime_low", "Low volatility up to", "cv %"],
  ["anomaly_sigmas", "Anomaly beyond", "MADs"],
];
const HEADERS = { "Content-Type": "application/json", "X-Requested-By": "dashboard" };

export class LimitsForm {
  constructor(root, symbol) {
    this.symbol = symbol;
    this.touched = new Set();
    this.form = root.append("form").attr("class", "panel").attr("id", "limits").attr("novalidate", "")
      .on("submit", (event) => {
        event.preventDefault();
        this.set();
      });
    this.form.append("h2").text("Limits");
    const grid = this.form.append("div").attr("class", "fields");
    this.inputs = new Map(FIELDS.map(([name, title, unit]) => {
      const label = grid.append("label");
      label.append("span").text(`${title} `).append("small").text(unit);
      const input = label.append("input").attr("name", name).attr("inputmode", "decimal").attr("autocomplete", "off")
        .attr("aria-describedby", `about-${name}`).on("input", () => this.touched.add(name)).node();
      label.append("span").attr("class", "field-error").attr("id", `about-${name}`);
      return [name, input];
    }));
    const tools = this.form.append("div").attr("class", "tools");
    tools.append("button").attr("type", "submit").text("Set");
    tools.append("button").attr("type", "button").text("Clear all").on("click", () => this.clear());
    this.answer = tools.append("output").attr("class", "empty");
  }

  focus() {
    this.inputs.get("buy").focus();
  }

  /** The bundle's settings, shown where a field is empty. */
  defaults({ regime, anomaly, limit }) {
    const values = {
      probability: limit?.probability, horizon_seconds: limit?.horizon_seconds, regime_high: regime?.high, regime_low: regime?.low,
      anomaly_sigmas: anomaly?.sigmas,
    };
    for (const [name, input] of this.inputs) input.placeholder = values[name] ?? "none";
  }

  /** What is set by now; what the user has changed stays as he left it. */
  show(limits) {
    if (this.shown === limits) return;
    this.shown = limits;
    for (const [name, input] of this.inputs) {
      if (!this.touched.has(name)) input.value = limits?.[name] ?? "";
    }
  }

  set() {
    this.showError(null);
    const changes = {};
    for (const [name, input] of this.inputs) {
      const text = input.value.trim();
      const value = text === "" ? null : Number(text);
      if (Number.isNaN(value)) return this.showError(name, `${text} is not a number`);
      changes[name] = value;
    }
    const body = JSON.stringify({ symbols: [this.symbol], ...changes });
    return this.send("Set.", "api/limits", { method: "POST", headers: HEADERS, body });
  }

  clear() {
    this.showError(null);
    return this.send("Cleared.", `api/limits?position=${encodeURIComponent(this.symbol)}`, { method: "DELETE", headers: HEADERS });
  }

  async send(done, address, options) {
    this.answer.text("…");
    let document = {};
    try {
      const answer = await fetch(address, options);
      document = await answer.json().catch(() => ({}));
      if (!answer.ok) return this.showError(document.field, document.message ?? `the server answered with status ${answer.status}`);
    } catch (error) {
      return this.showError(null, `the server did not answer: ${error.message}`);
    }
    this.touched.clear();
    this.shown = undefined;
    this.show(document.limits?.[0] ?? null);
    return this.answer.text(done);
  }

  /** Tell what is wrong, at its field if there is one; without a text, nothing is wrong any more. */
  showError(field, text = "") {
    const at = this.inputs.get(field);
    for (const [name, input] of this.inputs) {
      if (input === at) input.setAttribute("aria-invalid", "true");
      else input.removeAttribute("aria-invalid");
      this.form.select(`#about-${name}`).text(input === at ? text : "");
    }
    this.answer.text(at ? "" : text);
    at?.focus();
  }
}

// The switch between clusters: which there are, how each is as its own page says, and the way to its page.

import { at, flowHere } from "./addresses.js";
import { duration } from "./flows.js";

const ANSWER_MS = 5000; // a page that does not answer in this time is not reachable
const OPEN_MS = 5000; // how often they are asked while the list is open
const CLOSED_MS = 30_000;

export class Clusters {
  /** A button and a list in `root`, once it is known that there are other clusters. */
  constructor(root) {
    this.root = root;
    this.all = [];
    this.looking = false;
  }

  async start() {
    const answer = await fetch(at("api/clusters")).catch(() => null);
    const { name, clusters = [] } = answer?.ok ? await answer.json() : {};
    if (!clusters.length) return;
    const own = { name, own: true, page: at("") };
    this.all = [own, ...clusters].map((one) => ({ ...one, state: "asking", said: null, at: 0 }));
    this.button = this.root.append("button").attr("type", "button").attr("aria-expanded", "false").attr("aria-controls", "cluster-list")
      .attr("title", "Clusters (c)").on("click", () => this.toggle());
    this.button.append("span").text(`${name} ▾`);
    this.trouble = this.button.append("span").attr("class", "trouble").attr("role", "status");
    this.list = this.root.append("ul").attr("id", "cluster-list").attr("aria-label", "Clusters").attr("hidden", "");
    this.links = this.list.selectAll("li").data(this.all).join("li").append("a").attr("aria-current", (one) => (one.own ? "page" : null));
    this.links.append("strong").text((one) => one.name);
    this.links.append("span").attr("class", "state");
    this.links.append("span").attr("class", "readout");
    this.root.on("keydown", (event) => this.key(event)).on("focusout", (event) => this.left(event.relatedTarget)).attr("hidden", null);
    document.querySelector("#clusters-key").hidden = false;
    document.addEventListener("pointerdown", (event) => this.left(event.target));
    this.show();
    this.look();
  }

  /** Ask every cluster at once, and again later. One that is slow delays no other one. */
  async look() {
    if (this.looking) return;
    this.looking = true;
    clearTimeout(this.timer);
    if (!document.hidden) {
      await Promise.all(this.all.map(async (one) => {
        await ask(one);
        this.show();
      }));
    }
    this.looking = false;
    this.timer = setTimeout(() => this.look(), this.open ? OPEN_MS : CLOSED_MS);
  }

  show() {
    this.links.attr("href", (one) => (one.own ? location.hash || "#/" : one.page + route(one.said)));
    this.links.each(function (one) {
      const state = this.querySelector(".state");
      state.dataset.state = one.state;
      state.textContent = STATES[one.state] ?? one.state;
      this.querySelector(".readout").textContent = details(one);
    });
    const troubled = this.all.filter((one) => !one.own && ["unhealthy", "unreachable"].includes(one.state));
    const text = troubled.length === 1 ? `${troubled[0].name}: ${STATES[troubled[0].state] ?? troubled[0].state}` : `${troubled.length} others in trouble`;
    const announced = troubled.length ? text : "";
    if (announced !== this.trouble.text()) this.trouble.text(announced);
  }

  get open() {
    return this.button?.attr("aria-expanded") === "true";
  }

  /** Open or close the list; false if there is none. */
  toggle(open = !this.open) {
    if (!this.button) return false;
    this.button.attr("aria-expanded", String(open));
    this.list.attr("hidden", open ? null : "");
    if (!open) return true;
    this.show(); // the route may have changed
    this.look();
    return true;
  }

  /** Open the list and go into it, or close it. */
  switchByKey() {
    if (!this.toggle()) return false;
    if (this.open) this.links.nodes().find((link) => !link.hasAttribute("aria-current")).focus();
    else this.button.node().focus();
    return true;
  }

  /** Arrows go from one cluster to the next, Escape closes the list. Other keys are not for it. */
  key(event) {
    const links = this.links.nodes();
    const now = links.indexOf(document.activeElement);
    const to = { ArrowDown: now + 1, ArrowUp: Math.max(0, now - 1), Home: 0, End: links.length - 1 }[event.key];
    if (event.key === "Escape" && this.open) this.switchByKey();
    else if (to !== undefined) {
      this.toggle(true);
      links[Math.min(links.length - 1, to)].focus();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  left(target) {
    if (this.open && target && !this.root.node().contains(target)) this.toggle(false);
  }
}

const STATES = { asking: "asking …", unknown: "not known from here", unreachable: "not reachable" };

/** What a cluster says of itself; for its owner only, so the viewer's login there goes along. */
async function ask(one) {
  const options = { cache: "no-store", signal: AbortSignal.timeout(ANSWER_MS) };
  try {
    const answer = await fetch(new URL("api/summary", one.page), { ...options, credentials: "include" });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    one.said = await answer.json();
    one.at = Date.now();
    one.state = one.said.healthy ? "healthy" : "unhealthy";
  } catch (error) {
    // A refusal and a lost connection look alike here. An answer that this page may not read tells them apart.
    const there = !one.own && error.name !== "TimeoutError" && (await fetch(one.page, { ...options, mode: "no-cors", credentials: "omit" }).catch(() => null));
    one.state = there ? "unknown" : "unreachable";
  }
}

function details({ name, own, state, said, at: heard }) {
  if (state === "unknown") return `Sign in there first (on a local cluster: pipectl open --cluster ${name}, with --area in an area). Its page must know this cluster, too.`;
  if (state === "unreachable") {
    const known = said ? `${said.healthy ? "Healthy" : "Unhealthy"} ${duration((Date.now() - heard) / 1000)} ago.` : "";
    return own ? `This page's server does not answer. ${known}` : known;
  }
  if (state === "asking") return "";
  const fresh = said.freshest_age_seconds === null ? "No windows yet" : `Freshest window ${duration(said.freshest_age_seconds)} ago`;
  const [first, second, third, ...more] = said.unhealthy;
  const named = [first, second, third, more.length ? `${more.length} more` : undefined].filter((text) => text !== undefined);
  const look = named.length ? ` Look at ${named.join(", ")}.` : "";
  const version = said.version ? ` pipectl ${said.version}.` : ""; // older pages do not tell it
  return `${fresh}.${look}${version}`;
}

/** The view that is shown here, as far as another page has it. */
function route(said) {
  if (flowHere()) return "#/flows";
  const [name, argument] = location.hash.replace(/^#\/?/, "").split("/");
  if (name === "position" && said && !said.positions.includes(decodeURIComponent(argument ?? ""))) return "#/";
  return location.hash || "#/";
}

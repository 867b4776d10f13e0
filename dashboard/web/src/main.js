// The page: which view is shown, the connection, and one drawing loop for all.

import { select } from "d3";
import { io } from "socket.io-client";
import { Clusters } from "./clusters.js";
import { FlowView } from "./flow.js";
import { FlowsView } from "./flows.js";
import { Overview } from "./overview.js";
import { PipelineView } from "./pipeline.js";
import { at, flowHere, home } from "./addresses.js";
import { PositionView } from "./position.js";
import { Store } from "./store.js";
import { forgetTheme } from "./theme.js";
import { TopicsView } from "./topics.js";

const DRAW_MS = 100; // data comes ten times a second
const store = new Store();
const root = select("#view");
const clusters = new Clusters(select("#clusters"));
const decoder = new TextDecoder();
let view = null;

function route() {
  const [name, argument] = location.hash.replace(/^#\/?/, "").split("/").map(decodeURIComponent);
  const flow = flowHere();
  view?.close();
  root.selectAll("*").remove();
  if (flow) view = new FlowView(root, flow);
  else if (name === "position" && argument) view = new PositionView(root, store, argument);
  else if (name === "pipeline") view = new PipelineView(root);
  else if (name === "flows") view = new FlowsView(root);
  else if (name === "topics") view = new TopicsView(root, argument);
  else view = new Overview(root, store);
  const current = flow ? "flows" : ["pipeline", "flows", "topics"].includes(name) ? name : "overview";
  select("nav").selectAll("a").attr("aria-current", function () { return this.dataset.view === current ? "page" : null; });
  const shown = flow || argument;
  document.title = shown ? `${shown} - Volatility` : "Volatility";
}

function connect() {
  // Relative to the page, so that it works behind any prefix. Where a websocket can't pass, polling does.
  const path = new URL("socket.io/", home()).pathname;
  const socket = io({ path, transports: ["websocket", "polling"], tryAllTransports: true, reconnectionDelayMax: 3000 });
  socket.on("hello", (hello) => {
    store.reset(hello);
    view.reset();
  });
  socket.on("frame", (data, taken) => {
    const changed = store.take(JSON.parse(decoder.decode(data)));
    view.update(changed);
    summary();
    taken();
  });
  const said = { live: "live", connecting: "connecting …", lost: "connection lost, reconnecting …" };
  const tell = (state) => select("#connection").attr("data-state", state).text(said[state]);
  socket.on("connect", () => tell("live"));
  socket.on("disconnect", (reason) => {
    tell("lost");
    if (reason === "io server disconnect") socket.connect();
  });
  socket.on("connect_error", () => tell("lost"));
}

let announced = "";
function summary() {
  const counts = { fresh: 0, stale: 0, silent: 0, unreadable: 0 };
  for (const position of store.positions.values()) counts[position.state] += 1;
  const text = Object.entries(counts).filter(([, count]) => count).map(([state, count]) => `${count} ${state}`).join(", ");
  if (text !== announced) select("#summary").text((announced = text));
}

function loop(drawn) {
  let last = drawn;
  const step = (now) => {
    const due = now - last >= DRAW_MS - 5;
    if (due) last = now;
    view.draw(due);
    requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
}

const VIEWS = { 1: "#/", 2: "#/pipeline", 3: "#/flows", 4: "#/topics" };
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target instanceof HTMLInputElement;
  if (event.key === "Escape") {
    if (typing) event.target.blur();
    else location.href = at(flowHere() ? "#/flows" : "#/");
  } else if (!typing && VIEWS[event.key]) location.href = at(VIEWS[event.key]);
  else if (typing || !(view.key(event) || (event.key === "c" && clusters.switchByKey()))) return;
  event.preventDefault();
});
window.addEventListener("hashchange", route);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  forgetTheme();
  view.redraw();
});
route();
connect();
clusters.start();
loop(0);

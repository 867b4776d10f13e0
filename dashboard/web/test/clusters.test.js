import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { answer, settled } from "./page.js";
import { select } from "d3";
import { Clusters } from "../src/clusters.js";

const PROD = "https://prod.test/service/volatility-dashboard/";
const HERE = "http://cluster.test/service/volatility-dashboard/";
const summary = (more = {}) => ({ version: "0.9.1", healthy: true, unhealthy: [], freshest_age_seconds: 1.25, positions: ["AAPL", "MSFT"], ...more });

let menu;
let asked;
let there; // what the page of prod does
beforeEach(() => {
  mock.timers.enable({ apis: ["setTimeout", "Date"], now: 1_000_000 });
  location.hash = "";
  location.pathname = new URL(HERE).pathname;
});
afterEach(async () => {
  await later(); // no question may be under way when its timer is forgotten
  clearTimeout(menu?.timer);
  mock.timers.reset();
  mock.restoreAll();
});

async function started(clusters = [{ name: "prod", page: PROD }]) {
  asked = [];
  mock.method(globalThis, "fetch", async (url, options = {}) => {
    asked.push([String(url), options]);
    if (String(url) === `${HERE}api/clusters`) return answer({ name: "dev", clusters });
    return String(url).startsWith(HERE) ? answer(summary()) : there(options);
  });
  const root = document.createElement("div");
  document.body.append(root);
  root.setAttribute("hidden", "");
  menu = new Clusters(select(root));
  await menu.start();
  await later();
}

async function later(ms = 0) {
  mock.timers.tick(ms);
  for (let turn = 0; turn < 5; turn += 1) await settled();
}

const item = (number) => menu.root.node().querySelectorAll("a")[number];
const text = (number, selector) => item(number).querySelector(selector).textContent;
const trouble = () => menu.root.node().querySelector(".trouble").textContent;
const press = (key) => {
  const event = { key, preventDefault: mock.fn(), stopPropagation: mock.fn() };
  menu.key(event);
  return event.preventDefault.mock.callCount() === 1;
};

test("a cluster without others has no switch, and asks nobody", async () => {
  await started([]);
  assert.equal(menu.root.node().hasAttribute("hidden"), true);
  assert.equal(menu.switchByKey(), false);
  assert.equal(asked.length, 1);
});

test("each cluster has its health, its version, the age of its freshest window, and the way to its page", async () => {
  there = async () => answer(summary({ healthy: false, unhealthy: ["gatherer", "A", "B", "C", "D"], freshest_age_seconds: null, version: undefined }));
  await started();
  assert.deepEqual([0, 1].map((number) => text(number, "strong")), ["dev", "prod"]);
  assert.deepEqual([0, 1].map((number) => text(number, ".state")), ["healthy", "unhealthy"]);
  assert.deepEqual([0, 1].map((number) => text(number, ".readout")), [
    "Freshest window 1.3 s ago. pipectl 0.9.1.", "No windows yet. Look at gatherer, A, B, 2 more.",
  ]);
  assert.deepEqual([0, 1].map((number) => item(number).getAttribute("href")), ["#/", `${PROD}#/`]);
  assert.deepEqual([0, 1].map((number) => item(number).getAttribute("aria-current")), ["page", null]);
  assert.equal(trouble(), "prod: unhealthy");
});

test("the viewer's own login at the other cluster goes along, and nothing else", async () => {
  there = async () => answer(summary());
  await started();
  const [[url, options]] = asked.filter(([address]) => address.startsWith(PROD));
  assert.equal(url, `${PROD}api/summary`);
  assert.deepEqual([options.credentials, options.headers, options.mode], ["include", undefined, undefined]);
  assert.ok(options.signal instanceof AbortSignal);
});

test("a page that does not tell is told apart from one that does not answer", async () => {
  there = async ({ mode }) => {
    if (mode === "no-cors") return answer({});
    throw new TypeError("Failed to fetch");
  };
  await started();
  assert.equal(text(1, ".state"), "not known from here");
  assert.match(text(1, ".readout"), /pipectl open --cluster prod/);
  assert.equal(item(1).getAttribute("href"), `${PROD}#/`);
  assert.equal(asked.at(-1)[1].credentials, "omit");
  assert.equal(trouble(), "", "what is not known is no trouble");
  there = async () => {
    throw new TypeError("Failed to fetch");
  };
  await later(30_000);
  assert.deepEqual([text(1, ".state"), trouble()], ["not reachable", "prod: not reachable"]);
});

test("a slow cluster is not asked twice, delays no other one, and its last state gets an age", async () => {
  there = async () => answer(summary());
  await started([{ name: "prod", page: PROD }, { name: "test", page: `${HERE}test/` }]);
  assert.deepEqual([1, 2].map((number) => text(number, ".state")), ["healthy", "healthy"]);
  let give;
  there = () => new Promise((_, reject) => (give = () => reject(new DOMException("", "TimeoutError"))));
  await later(30_000);
  const before = asked.length;
  assert.equal(text(2, ".readout"), "Freshest window 1.3 s ago. pipectl 0.9.1.");
  menu.toggle(true);
  await later(60_000);
  assert.equal(asked.length, before);
  give();
  await later();
  assert.deepEqual([text(1, ".state"), text(1, ".readout")], ["not reachable", "Healthy 90 s ago."]);
  assert.equal(asked.length, before, "a timeout needs no second question");
});

test("they are asked more often while the list is open", async () => {
  there = async () => answer(summary());
  await started();
  const rounds = () => asked.filter(([url]) => url.startsWith(PROD)).length;
  assert.equal(rounds(), 1);
  await later(29_999);
  assert.equal(rounds(), 1);
  menu.toggle();
  await later();
  assert.equal(rounds(), 2);
  await later(5000);
  assert.equal(rounds(), 3);
});

test("the way leads to the same view, and to the same position where there is one", async () => {
  there = async () => answer(summary());
  await started();
  for (const [hash, way] of [
    ["#/pipeline", "#/pipeline"], ["#/position/MSFT", "#/position/MSFT"], ["#/position/TSLA", "#/"], ["#/topics/prices", "#/topics/prices"],
  ]) {
    location.hash = hash;
    menu.toggle(true);
    assert.equal(item(1).getAttribute("href"), PROD + way);
    assert.equal(item(0).getAttribute("href"), hash);
  }
  location.hash = "";
  location.pathname += "spark/disk/census-data";
  menu.toggle(true);
  assert.equal(item(1).getAttribute("href"), `${PROD}#/flows`);
});

test("keys open it, go through it and close it", async () => {
  there = async () => answer(summary());
  await started();
  const focused = [];
  for (const [number, link] of menu.links.nodes().entries()) link.focus = () => focused.push(number);
  menu.button.node().focus = () => focused.push("button");
  const list = menu.root.node().querySelector("ul");
  assert.equal(press("Escape"), false, "a closed list leaves Escape to the page");
  assert.equal(menu.switchByKey(), true);
  assert.deepEqual([menu.open, list.hasAttribute("hidden")], [true, false]);
  for (const key of ["ArrowDown", "End", "Home", "ArrowUp"]) assert.equal(press(key), true);
  assert.equal(press("x"), false);
  assert.equal(press("Escape"), true);
  assert.deepEqual([menu.open, list.hasAttribute("hidden")], [false, true]);
  assert.deepEqual(focused, [1, 0, 1, 0, 0, "button"]);
  menu.toggle(true);
  menu.left(document.body);
  assert.equal(menu.open, false);
});

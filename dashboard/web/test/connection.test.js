import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { beforeEach, mock, test } from "node:test";
import { HELLO, answer, frame } from "./page.js";
import { select } from "d3";

// The connection as the page sees it; tests of the page in a browser have the real one.
const socket = Object.assign(new EventEmitter(), { connect: mock.fn() });
const io = mock.fn(() => socket);
mock.module("socket.io-client", { namedExports: { io } });
mock.method(globalThis, "fetch", async () => answer({}, 503));
await import("../src/main.js");
const { FlowView } = await import("../src/flow.js");

const bytes = (document) => new TextEncoder().encode(JSON.stringify(document));
const state = () => document.querySelector("#connection").dataset.state;
const cards = () => [...document.querySelectorAll("#view .card")].map((card) => card.dataset.symbol);
const text = (selector) => document.querySelector(selector).textContent;

beforeEach(() => socket.connect.mock.resetCalls());

test("it connects below the page's own prefix, over polling where no websocket passes", () => {
  const [options] = io.mock.calls[0].arguments;
  assert.equal(options.path, "/service/volatility-dashboard/socket.io/");
  assert.deepEqual(options.transports, ["websocket", "polling"]);
  assert.ok(options.reconnectionDelayMax <= 3000);
});

test("a frame is acknowledged once it is taken, so that a slow page gets fewer", () => {
  socket.emit("connect");
  socket.emit("hello", HELLO);
  const taken = mock.fn();
  socket.emit("frame", bytes(frame({ states: "fs" })), taken);
  assert.equal(taken.mock.callCount(), 1);
  assert.equal(text("#summary"), "1 fresh, 1 stale");
  assert.equal(state(), "live");
});

test("shows a lost connection, and reconnects unless the server closed it", () => {
  socket.emit("disconnect", "transport close");
  assert.equal(state(), "lost");
  assert.equal(socket.connect.mock.callCount(), 0, "the client tries again by itself");
  socket.emit("connect_error", new Error("refused"));
  assert.equal(state(), "lost");
  socket.emit("connect");
  assert.equal(state(), "live");
  socket.emit("disconnect", "io server disconnect");
  assert.equal(socket.connect.mock.callCount(), 1);
});

test("the page of a flow comes back, too, when the server ended its connection", () => {
  const own = Object.assign(new EventEmitter(), { connect: mock.fn(), disconnect() {} });
  io.mock.mockImplementationOnce(() => own);
  const view = new FlowView(select(document.createElement("main")), "socket.io/monitoring");
  view.flow = { state: "live" };
  view.listen();
  own.emit("disconnect", "transport close");
  assert.equal(own.connect.mock.callCount(), 0, "the client tries again by itself");
  own.emit("disconnect", "io server disconnect");
  assert.equal(own.connect.mock.callCount(), 1);
  view.close();
});

test("after a reconnection the page shows what the new server has", () => {
  socket.emit("hello", HELLO);
  assert.deepEqual(cards(), ["AAPL", "MSFT"]);
  socket.emit("hello", { ...HELLO, positions: ["TSLA"] });
  assert.deepEqual(cards(), ["TSLA"]);
  socket.emit("frame", bytes(frame({ states: "u", prices: { TSLA: [[1, 1]] } })), () => {});
  assert.equal(text("#summary"), "1 unreadable");
});

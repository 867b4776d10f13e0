import assert from "node:assert/strict";
import { beforeEach, describe, mock, test } from "node:test";
import { HELLO, answer } from "./page.js";
import { select } from "d3";
import { LimitsForm } from "../src/limits.js";

let form;
beforeEach(() => {
  const root = select(document.querySelector("#view"));
  root.selectAll("*").remove();
  form = new LimitsForm(root, "BRK.B");
  mock.restoreAll();
});

const input = (name) => form.inputs.get(name);
const said = () => form.answer.text();
const about = (name) => document.querySelector(`#about-${name}`).textContent;

function type(name, text) {
  input(name).value = text;
  form.touched.add(name);
}

function server(document, status) {
  const asked = mock.method(globalThis, "fetch", async () => answer(document, status));
  return () => asked.mock.calls.map(({ arguments: [address, { method, body }] }) => [method, address, body && JSON.parse(body)]);
}

test("an empty field shows what holds without it", () => {
  form.defaults(HELLO.settings);
  assert.equal(input("probability").placeholder, "0.5");
  assert.equal(input("regime_low").placeholder, "0.5");
  assert.equal(input("anomaly_sigmas").placeholder, "6");
  assert.equal(input("buy").placeholder, "none");
  form.defaults({});
  assert.equal(input("horizon_seconds").placeholder, "none");
});

test("limits that others set are shown, but not over what the user types", () => {
  type("buy", "99");
  form.show({ buy: 1, sell: 2 });
  assert.deepEqual([input("buy").value, input("sell").value], ["99", "2"]);
  form.show(null);
  assert.deepEqual([input("buy").value, input("sell").value], ["99", ""]);
});

describe("set", () => {
  test("sends numbers, and null for what is empty; then shows what the server has", async () => {
    const asked = server({ limits: [{ buy: 1.5, probability: 0.25 }] });
    type("buy", " 1.5 ");
    type("probability", "0.25");
    await form.set();
    assert.deepEqual(asked(), [["POST", "api/limits", {
      symbols: ["BRK.B"], buy: 1.5, sell: null, probability: 0.25, horizon_seconds: null, regime_high: null, regime_low: null,
      anomaly_sigmas: null,
    }]]);
    assert.equal(said(), "Set.");
    assert.equal(form.touched.size, 0);
    assert.equal(input("buy").value, "1.5");
  });

  test("names a field that is no number, and asks nobody", async () => {
    const asked = server({});
    type("sell", "12,5");
    await form.set();
    assert.deepEqual(asked(), []);
    assert.equal(about("sell"), "12,5 is not a number");
    assert.equal(input("sell").getAttribute("aria-invalid"), "true");
    type("sell", "12.5");
    await form.set();
    assert.equal(about("sell"), "");
    assert.equal(input("sell").getAttribute("aria-invalid"), null);
  });

  test("shows what the server refuses at its field, and keeps what was typed", async () => {
    server({ field: "buy", message: "buy must be below sell" }, 400);
    type("buy", "9");
    await form.set();
    assert.deepEqual([about("buy"), said(), input("buy").value], ["buy must be below sell", "", "9"]);
    assert.ok(form.touched.has("buy"));
  });

  test("shows a refusal that has no field, and no answer at all, beside the buttons", async () => {
    server(undefined, 502);
    await form.set();
    assert.equal(said(), "the server answered with status 502");
    mock.restoreAll();
    mock.method(globalThis, "fetch", async () => {
      throw new Error("refused");
    });
    await form.set();
    assert.equal(said(), "the server did not answer: refused");
  });
});

test("clear all names the position, however it is written, and empties the fields", async () => {
  form.symbol = "A/B";
  form.show({ buy: 1 });
  const asked = server({ limits: [] });
  await form.clear();
  assert.deepEqual(asked(), [["DELETE", "api/limits?position=A%2FB", undefined]]);
  assert.deepEqual([said(), input("buy").value], ["Cleared.", ""]);
});

// What only shows: a new drawing touches what differs and nothing else.

import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { FakeModel, fakePage, load } from "./fake_page.js";

async function drawn(content, pictures = []) {
  const el = fakePage();
  const { default: part } = await load("rendered");
  const model = new FakeModel({ kind: "explorer-tiles", content, pictures });
  const stop = new AbortController();
  const leave = part.render({ model, el, signal: stop.signal });
  return { el, model, leave, stop };
}

const png = (...bytes) => new DataView(Uint8Array.from(bytes).buffer);

test("elements, attributes and text come as they are described", async () => {
  const { el } = await drawn([["p", { class: "explorer-muted", hidden: true }, "<b>", ["em", {}, "text"]]]);
  const [line] = el.childNodes;
  assert.equal(line.localName, "p");
  assert.deepEqual(line.attributes, { class: "explorer-muted", hidden: "" });
  assert.equal(line.textContent, "<b>text");
  assert.equal(line.childNodes.length, 2); // a text and an element: what looks like markup is none
});

test("what is as it was is not touched", async () => {
  const line = (value) => ["p", { title: value }, value];
  const { el, model } = await drawn([line("one"), line("two")]);
  const before = [...el.childNodes];
  const writes = before.map(({ writes }) => writes);
  model.receive({ content: [line("one"), line("three")] });
  assert.deepEqual(el.childNodes, before);
  assert.deepEqual(
    before.map((node) => node.childNodes[0].writes),
    [0, 1],
  );
  assert.deepEqual(
    before.map((node, index) => node.writes - writes[index]),
    [0, 1],
  );
  assert.equal(el.textContent, "onethree");
});

test("what comes and goes is added and removed at its end", async () => {
  const row = (text) => ["tr", {}, ["td", {}, text]];
  const { el, model } = await drawn([row("1"), row("2"), row("3")]);
  const [first] = el.childNodes;
  model.receive({ content: [row("4")] });
  assert.equal(el.textContent, "4");
  assert.equal(el.childNodes[0], first);
  model.receive({ content: [row("4"), row("5")] });
  assert.equal(el.textContent, "45");
  model.receive({ content: ["words", row("5")] });
  assert.equal(el.textContent, "words5");
});

test("attributes and styles that are gone are taken away", async () => {
  const { el, model } = await drawn([["p", { title: "a", style: { width: "4%", left: "1%" } }]]);
  const [line] = el.childNodes;
  model.receive({ content: [["p", { style: { width: "5%" } }]] });
  assert.deepEqual(line.attributes, {});
  assert.deepEqual([line.style.width, line.style.left], ["5%", ""]);
});

for (const [what, described] of [
  ["script", ["script", {}, "alert(1)"]],
  ["iframe", ["iframe", {}]],
  ["onclick", ["p", { onclick: "alert(1)" }]],
  ["href", ["p", { href: "javascript:alert(1)" }]],
]) {
  test(`${what} is refused`, async () => {
    await assert.rejects(drawn([described]), new RegExp(what));
  });
}

test("pictures are read once, and let go when others have come", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  let n = 0;
  const made = mock.method(URL, "createObjectURL", () => `blob:${n++}`);
  const gone = mock.method(URL, "revokeObjectURL", () => {});
  const frame = ["div", { picture: 0 }];
  const { el, model, leave } = await drawn([frame, frame], [png(1, 2)]);
  const shown = () => el.childNodes.map(({ style }) => style.backgroundImage);
  assert.deepEqual(shown(), ['url("blob:0")', 'url("blob:0")']);
  model.receive({ pictures: [png(1, 2)], content: [frame, frame] });
  assert.equal(made.mock.callCount(), 1);
  model.receive({ pictures: [png(1, 3)] });
  const both = 'url("blob:1"), url("blob:0")';
  assert.deepEqual(shown(), [both, both]);
  assert.equal(gone.mock.callCount(), 0); // the old one stands until the new one is there
  mock.timers.tick(10000);
  assert.deepEqual(
    gone.mock.calls.map(({ arguments: [url] }) => url),
    ["blob:0"],
  );
  leave();
  mock.timers.tick(10000);
  assert.equal(gone.mock.callCount(), 2);
  mock.timers.reset();
  mock.restoreAll();
});

test("what is read out changes at its pace, and then to the newest", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const line = (text) => ["p", { pace: 2000 }, text];
  const { el, model, stop } = await drawn([line("epoch 1")]);
  assert.equal(el.textContent, "epoch 1");
  for (const epoch of [2, 3, 4]) {
    model.receive({ content: [line(`epoch ${epoch}`)] });
    mock.timers.tick(600);
  }
  assert.equal(el.textContent, "epoch 1");
  mock.timers.tick(200);
  assert.equal(el.textContent, "epoch 4");
  model.receive({ content: [line("epoch 5")] });
  stop.abort();
  mock.timers.tick(2000);
  assert.equal(el.textContent, "epoch 4");
  mock.timers.reset();
});

test("a click tells Python the press of the nearest element that has one", async () => {
  const { el, model } = await drawn([
    ["button", { "data-press": "again" }, ["em", {}, "Check"]],
    ["p", {}, "no"],
  ]);
  const [button, line] = el.childNodes;
  for (const target of [button, button.childNodes[0], line]) el.listeners.click({ target });
  assert.deepEqual(model.sent, [{ press: "again" }, { press: "again" }]);
});

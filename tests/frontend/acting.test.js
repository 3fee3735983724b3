// What parts do by themselves: a step plays on, and a figure without Plotly says so.

import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { FakeModel, fakePage, load } from "./fake_page.js";

const SCENES = ["Forward", "Loss", "Backward", "Step", "After"];

async function player(isStill) {
  const el = fakePage();
  Object.assign(document, { activeElement: null, addEventListener: () => {} });
  globalThis.matchMedia = () => ({ matches: isStill });
  const { default: part } = await load("step_player");
  const words = { note: "", spoken: "", told: [], formula: "" };
  const model = new FakeModel({ scenes: SCENES, scene: -1, of: "image", noun: "image", ...words });
  part.render({ model, el, signal: new AbortController().signal });
  const [start, bar, , , sentence, formula] = el.childNodes;
  const [previous, next, run] = [0, 6, 7].map((at) => bar.childNodes[at]);
  return { model, previous, next, run, press: (button) => button.listeners.click(), start, sentence, formula };
}

test("a step waits for its reader, who goes on and back, and has a sentence with nouns and a formula with symbols", async () => {
  mock.timers.enable({ apis: ["setInterval"] });
  const { model, previous, next, press, start, sentence, formula } = await player(false);
  press(start);
  mock.timers.tick(60000);
  assert.deepEqual([model.get("scene"), previous.disabled, next.disabled], [0, true, false]);
  for (let k = 0; k < 6; k++) press(next);
  assert.deepEqual([model.get("scene"), previous.disabled, next.disabled], [4, false, true]);
  press(previous);
  const units = [
    ["the ", ""],
    ["units", "units"],
  ];
  model.receive({ told: units, formula: "d_W2[7, 3] = delta2[7] · h1[3]" });
  assert.equal(sentence.textContent, "Step: the units");
  const parts = (p) => p.childNodes.flatMap(({ dataset, textContent }) => (dataset?.part ? [`${textContent}: ${dataset.part}`] : []));
  assert.deepEqual(parts(sentence), ["units: units"]);
  assert.deepEqual(parts(formula), ["delta2[7]: outputs", "h1[3]: units"]);
  mock.timers.reset();
});

test("a step plays on scene by scene to its end, pauses when told to, and begins again", async () => {
  mock.timers.enable({ apis: ["setInterval"] });
  const { model, run, press, start } = await player(false);
  const is = (scene, offered) => assert.deepEqual([model.get("scene"), run.attributes["aria-label"]], [scene, offered]);
  press(start);
  is(0, "Play");
  press(run);
  is(0, "Pause");
  mock.timers.tick(4000);
  is(1, "Pause");
  press(run);
  mock.timers.tick(5000);
  is(1, "Play");
  press(run);
  for (const scene of [2, 3, 4]) {
    mock.timers.tick(4000);
    is(scene, "Pause");
  }
  mock.timers.tick(4000);
  is(4, "Play");
  press(run);
  is(0, "Pause");
  mock.timers.reset();
});

test("where nothing is to move, a step stays at its first scene", async () => {
  mock.timers.enable({ apis: ["setInterval"] });
  const { model, run, press, start } = await player(true);
  press(start);
  mock.timers.tick(5000);
  assert.deepEqual([model.get("scene"), run.hidden], [0, true]);
  mock.timers.reset();
});

test("a figure whose Plotly comes neither over HTTP nor from Python says so", async () => {
  const warn = mock.method(console, "warn", () => {});
  const el = fakePage();
  el.toggleAttribute = () => {};
  const cutOff = Promise.reject(new Error("cut off"));
  cutOff.catch(() => {}); // until the figure hears of it
  globalThis["plotly.1.page"] = cutOff;
  const state = { _figure: { edit: 0, data: [], layout: {}, summary: "", buffers: [] }, _carrier: "IPY_MODEL_1" };
  const model = new FakeModel({ ...state, _plotly_key: "plotly.1", _keys: [], _clicks: false });
  const carrier = new FakeModel({ source: "" });
  const asked = [];
  model.widget_manager = { get_model: async (id) => asked.push(id) && carrier };
  const { default: make } = await load("live_figure");
  const part = make();
  part.initialize({ model });
  while (carrier.sent.length === 0) await new Promise(setImmediate);
  carrier.receive({ source: "no script" });
  await part.render({ model, el, signal: new AbortController().signal });
  assert.deepEqual([asked, carrier.sent], [["1"], [{ kind: "source" }]]);
  assert.deepEqual([el.attributes.role, warn.mock.callCount()], ["alert", 1]);
  assert.match(el.textContent, /^This figure cannot be drawn: Plotly did not load/);
  mock.restoreAll();
});

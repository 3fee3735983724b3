// What a published page computes without Python, and what stands in for its kernel.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Model, nearestRun, unpacked } from "../../explorer/extensions/publish/host.js";
import { argmax, forward, lit, preprocessed, tied } from "../../explorer/extensions/publish/network.js";

/** A network 2-2-2, each W from inputs to units. */
const network = (hidden, output) => ({
  ...{ hidden, output, sizes: [2, 2, 2] },
  W: [
    [1, -1, 0, 2],
    [1, 0, 0, 1],
  ].map((one) => new Float32Array(one)),
  b: [
    [0, 0.5],
    [0, 0],
  ].map((one) => new Float32Array(one)),
});
const close = (found, expected) =>
  assert.ok(
    found.every((one, k) => Math.abs(one - expected[k]) < 1e-12),
    `${found} for ${expected}`,
  );

test("the forward pass sums weights times pixels, 0 to 255, and applies the functions", () => {
  const sigmoid = (a) => 1 / (1 + Math.exp(-a));
  const [h, y] = forward(network("sigmoid", "sigmoid"), [255, 0]);
  close(h, [sigmoid(1), sigmoid(-0.5)]);
  close(y, [sigmoid(sigmoid(1)), sigmoid(sigmoid(-0.5))]);
  const e = [Math.exp(1), Math.exp(0)];
  close(forward(network("relu", "softmax"), [255, 0])[1], [e[0] / (e[0] + e[1]), e[1] / (e[0] + e[1])]);
  close(forward(network("tanh", "softmax"), [0, 255])[0], [0, Math.tanh(2.5)]);
});

test("the largest output decides, and not a number never does", () => {
  assert.deepEqual(
    [
      [1, 3, 2],
      [Number.NaN, 1, 2],
      [2, 2],
    ].map(argmax),
    [1, 2, 0],
  );
});

test("a dot is centered at 20 pixels, a blank pad stays blank", () => {
  const ink = new Uint8Array(140 * 140);
  assert.ok(preprocessed(ink).every((pixel) => pixel === 0));
  ink[0] = 255;
  const image = preprocessed(ink);
  assert.equal(image.filter(Boolean).length, 400);
  assert.deepEqual([image[4 * 28 + 4], image[23 * 28 + 23], image[24 * 28 + 24]], [255, 255, 0]);
});

test("what lights up leads to the decision, or to a chosen class", () => {
  const own = network("relu", "softmax");
  const h = forward(own, [255, 0]);
  const { layers, signal } = lit(own, h, -1, 1, new Set());
  assert.deepEqual(layers, [{ title: "2 units, relu", heading: "2 patterns it looks for", units: [0, 1], n_units: 2 }]);
  assert.deepEqual([signal.decided, signal.true, signal.looked_at, signal.symbol], [0, 1, 0, "softmax"]);
  const floats = (view) => [...new Float32Array(view.buffer)];
  assert.deepEqual(signal.values.map(floats), [[1, 0]]);
  assert.deepEqual([signal.sums[0].unit, floats(signal.sums[0].terms)], [0, [1, 0, 0]]);
  assert.deepEqual(signal.figures, ["0.73", "0.27"]);
  assert.equal(lit(own, h, 1, 1, new Set()).signal.looked_at, 1);
});

test("weights are unpacked as differences between epochs, in units of each unit's scale", () => {
  const about = new TextEncoder().encode(JSON.stringify({ epochs: [1, 2], sizes: [2, 2], hidden: "relu", output: "sigmoid", few: 1 }));
  const head = new Uint8Array(new Uint32Array([about.length]).buffer);
  const [scales, biases] = [
    [0.5, 2],
    [3, 4, 5, 6],
  ].map((one) => new Uint8Array(new Float32Array(one).buffer));
  const weights = [127, 2, 0, 1, 129, 255, 0, 1]; // the second epoch's add up to 0, 1, 0, 2
  const { network: at } = unpacked(new Uint8Array([...head, ...about, ...scales, ...biases, ...weights]).buffer);
  assert.deepEqual([...at(0).W[0], ...at(0).b[0]], [63.5, 4, 0, 2, 3, 4]);
  assert.deepEqual([...at(1).W[0], ...at(1).b[0]], [0, 2, 0, 4, 5, 6]);
});

test("a model tells of changed values alone, once all are set", () => {
  const model = new Model({ one: 1, two: 2 });
  const heard = [];
  model.on("change:one change:two", () => heard.push([model.get("one"), model.get("two")]));
  model.on("change", () => heard.push("change"));
  model.update({ one: 3, two: 2 });
  model.set("one", 3);
  assert.deepEqual(heard, [[3, 2], "change"]);
});

test("the nearest run has the wanted kind, then the moved slider's value, then the others'", () => {
  const axes = [
    { isNumber: false, values: ["a", "b"] },
    { isNumber: true, values: [8, 64] },
    { isNumber: true, values: [0.01, 0.1] },
  ];
  const runs = [
    [0, 0, 0],
    [0, 1, 1],
    [1, 1, 0],
  ];
  const nearest = (wanted, moved) => nearestRun(runs, axes, wanted, moved);
  assert.equal(nearest(["a", 64, 0.01], 1), 1);
  assert.equal(nearest(["a", 64, 0.01], 2), 0);
  assert.equal(nearest(["b", 8, 0.1], 0), 2);
  assert.equal(nearest([undefined, 50, undefined], -1), 1);
});

test("outputs that only rounding tells apart are a tie, and so are those of which none reaches 0.01", () => {
  const [blank, clear] = [network("relu", "sigmoid"), network("relu", "sigmoid")];
  blank.W[1].fill(0);
  assert.deepEqual([tied([0.5, 0.5 + 1e-6, 0.4]), tied([0.004, 0.001]), tied([0.3, 0.2])], [[0, 1], [0, 1], [0]]);
  const decided = (own) => lit(own, forward(own, [255, 0]), -1, 1, new Set()).signal.decided;
  assert.deepEqual([blank, clear].map(decided), [-1, 0]);
});

// What parts compute, without a page.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { fakePage, load } from "./fake_page.js";

before(fakePage);

/** Runs an expression with the lines that all parts share in front of it. */
async function base(expression) {
  const { readFile } = await import("node:fs/promises");
  const text = await readFile(new URL("../../explorer/widgets/base.js", import.meta.url), "utf8");
  return new Function(`${text}\nreturn ${expression};`)();
}

test("thousands are grouped by a narrow space", async () => {
  const grouped = await base("grouped");
  const read = (number) => grouped(number).replaceAll("\u202f", "_");
  assert.deepEqual([0, 999, 1000, 60000, 1234567, -1000].map(read), ["0", "999", "1_000", "60_000", "1_234_567", "-1_000"]);
});

test("a picture stands until the next is loaded, and no longer", async () => {
  const showPicture = await base("showPicture");
  const style = { backgroundImage: "" };
  const shown = (/** @type {string} */ url) => {
    showPicture(style, url);
    return style.backgroundImage;
  };
  Image.all.length = 0;
  assert.equal(shown("blob:1"), 'url("blob:1")');
  assert.equal(shown("blob:2"), 'url("blob:2"), url("blob:1")');
  assert.equal(shown("blob:2"), 'url("blob:2"), url("blob:1")');
  assert.equal(shown("blob:3"), 'url("blob:3"), url("blob:2")');
  const [second, third] = Image.all;
  assert.deepEqual([second.src, third.src], ["blob:2", "blob:3"]);
  second.onload();
  assert.equal(style.backgroundImage, 'url("blob:3"), url("blob:2")');
  third.onload();
  assert.equal(style.backgroundImage, 'url("blob:3")');
  assert.equal(shown(""), "");
});

test("a tile of a sprite is found in percent of what is left over, without its gap", async () => {
  const showTile = await base("showTile");
  const element = { style: { backgroundImage: "", backgroundSize: "", backgroundPosition: "" } };
  const percent = (/** @type {string} */ text) => text.split(/[ ,]+/).map((part) => Number.parseFloat(part).toFixed(2));
  showTile(element, "blob:1", 5, 4, 2);
  assert.deepEqual(percent(element.style.backgroundSize), ["414.29", "207.14"]);
  assert.deepEqual(percent(element.style.backgroundPosition), ["32.95", "96.67"]); // 29 and 29 of 88 and 30 pixels
  showTile(element, "blob:2", 0, 1, 1); // the picture before keeps its size and place
  assert.deepEqual(percent(element.style.backgroundSize), ["103.57", "103.57", "414.29", "207.14"]);
  assert.deepEqual(percent(element.style.backgroundPosition), ["0.00", "0.00", "32.95", "96.67"]);
});

test("an element has its text as text, its listeners, and no attribute that is false", async () => {
  const make = await base("make");
  const onclick = () => {};
  const element = make("p", { onclick, hidden: true, title: null, "data-a": false, "data-b": 0 }, "<b>", null, make("b"));
  assert.deepEqual(element.attributes, { hidden: "", "data-b": "0" });
  assert.equal(element.listeners.click, onclick);
  assert.deepEqual(element.childNodes.length, 2);
});

test("code is cut where its values change, by characters, without the lines' common indentation", async () => {
  const { codeLines } = await load("code_view");
  const tokens = [
    ["keyword", "    if"],
    ["", " '😀' + x:\n\n      y"],
  ];
  const marks = [
    [7, 13, 7, 14, 1],
    [7, 7, 7, 14, 2],
    [9, 6, 9, 7, 3],
  ];
  const lines = codeLines({ tokens, first: 7, marks, wrong: [7, 7, 7, 10] });
  const cut = (one) => `${one.class ?? ""}|${one.text}|${one["data-value"] ?? ""}${one["data-wrong"] ? "!" : ""}`;
  const first = ["keyword|if|", "| |", "|'😀'|2!", "| + |2", "|x|1 2", "|:|"];
  assert.deepEqual(
    lines.map((line) => line.map(cut)),
    [first, [], ["|  |", "|y|3"]],
  );
});

test("a picture that was out of use shows nothing of before, which its page has let go", async () => {
  const { valueList } = await load("code_view");
  const { list, show } = valueList();
  list.querySelectorAll = () => [];
  document.body.append(list);
  const png = new DataView(new ArrayBuffer(24));
  for (const at of [16, 20]) png.setUint32(at, 9);
  const values = (...drawn) => drawn.map((is) => ({ name: "h", part: "", drawn: "cells", words: "", png: is ? png : undefined }));
  const pictures = () => list.childNodes.flatMap((one) => one.childNodes[1].childNodes.filter(({ style }) => style.width));
  const layers = () => pictures().map(({ style }) => style.backgroundImage.split(", ").length);
  const steps = [[1, 1], [1, 1], [1], [1, 1], [1, 0], [1, 1]]; // biome-ignore format: a step each
  const seen = steps.map((step) => [show({ lines: [1], figures: values(...step) }), layers()][1]);
  assert.deepEqual(seen, [[1, 1], [2, 2], [2], [2, 1], [2], [2, 1]]);
});

const run = (number, more = {}) => ({ number, name: "", note: "", pinned: false, cells: [], ...more });
const numbers = (runs) => runs.map(({ number }) => number);

test("runs stand newest first, the pinned ones before all", async () => {
  const { inOrder } = await load("run_table");
  const runs = [run(1), run(2, { pinned: true }), run(3)];
  assert.deepEqual(numbers(inOrder(runs, { heading: "", sign: 1 }, [])), [2, 3, 1]);
  assert.deepEqual(numbers(runs), [1, 2, 3]); // the model's own list is not turned round
});

test("runs are sorted by number where there is one, else by words", async () => {
  const { inOrder } = await load("run_table");
  const cell = (text, order = null) => [{ text, order, differs: false }];
  const runs = [run(1, { cells: cell("93.2 %", 0.932) }), run(2, { cells: cell("9.8 %", 0.098) }), run(3, { cells: cell("94 %", 0.94) })];
  assert.deepEqual(numbers(inOrder(runs, { heading: "Best", sign: 1 }, ["Best"])), [2, 1, 3]);
  assert.deepEqual(numbers(inOrder(runs, { heading: "Best", sign: -1 }, ["Best"])), [3, 1, 2]);
  const named = [run(10), run(9), run(3, { name: "a" }), run(4, { note: "b" })];
  assert.deepEqual(numbers(inOrder(named, { heading: "Run", sign: 1 }, [])), [3, 4, 9, 10]);
  assert.deepEqual(numbers(inOrder(named, { heading: "Note", sign: -1 }, [])), [4, 10, 9, 3]);
});

test("arrows go through images row by row, and stop at the ends", async () => {
  const { nextTile } = await load("gallery");
  const from = (key, at) => nextTile(key, at, 10, 4);
  assert.deepEqual([from("ArrowRight", 0), from("ArrowLeft", 5), from("ArrowDown", 5), from("ArrowUp", 5)], [1, 4, 9, 1]);
  assert.deepEqual([from("ArrowLeft", 0), from("ArrowDown", 6), from("ArrowUp", 3), from("a", 3)], [null, null, null, null]);
  assert.deepEqual([from("Home", 6), from("End", 6)], [0, 9]);
});

test("a picture's file is called as its figure", async () => {
  const { fileName } = await load("live_figure");
  assert.equal(fileName("Confusion matrix"), "confusion-matrix");
  assert.equal(fileName("../Größe: 3 %"), "größe-3");
  assert.equal(fileName("…"), "figure");
});

test("what Python sends has its arrays again, wherever their bytes begin", async () => {
  const { decoded } = await load("live_figure");
  const bytes = Uint8Array.from([9, ...new Uint8Array(Float32Array.of(0.5, 2).buffer)]);
  const sent = { x: [1, null], y: { dtype: "float32", buffer: 0 }, z: { dtype: "uint8", buffer: 1 } };
  const { x, y, z } = decoded(sent, [new DataView(bytes.buffer, 1), new DataView(Uint8Array.of(7).buffer)]);
  assert.deepEqual([x, y, z], [[1, null], Float32Array.of(0.5, 2), Uint8Array.of(7)]);
});

test("a change reaches a figure and Plotly by its paths, and leaves other traces alone", async () => {
  const { apply, restyle } = await load("live_figure");
  const trace = { line: { color: "red" } };
  apply(trace, { "line.width": 3, "marker.size": 4, name: "a" });
  assert.deepEqual(trace, { line: { color: "red", width: 3 }, marker: { size: 4 }, name: "a" });
  const changes = [
    [0, { y: [1] }],
    [2, { y: [2], name: null }],
  ];
  assert.deepEqual(restyle(changes), { y: [[1], [2]], name: [undefined, null] });
});

test("a zoom is kept on both axes until one has another quantity or scale", async () => {
  const { keepZoom, homeRanges } = await load("live_figure");
  assert.deepEqual(keepZoom({ "yaxis.range": [0, 2], "xaxis2.autorange": true, "xaxis.dtick": 5 }), { "xaxis.dtick": 5 });
  for (const path of ["yaxis.title.text", "xaxis2.type"]) assert.equal(keepZoom({ [path]: "log" }), undefined);
  const layout = { xaxis: { range: [0, 10] }, yaxis: { autorange: "reversed" } };
  const home = { "xaxis.range": [0, 10], "yaxis.autorange": "reversed", "yaxis2.autorange": true };
  assert.deepEqual(homeRanges(["title", "xaxis", "yaxis", "yaxis2"], layout), home);
});

test("a slider stands at the stop next to a value on a log scale, and only 0 is off", async () => {
  const { nearest } = await load("setting");
  const rates = [0.001, 0.01, 0.1, 1];
  assert.deepEqual(
    [0.0001, 0.001, 0.002, 0.06, 5].map((value) => nearest(rates, value)),
    [0, 0, 0, 2, 3],
  );
  const penalties = [0, 1e-6, 1e-5, 1e-4];
  assert.deepEqual(
    [0, 1e-6, 2e-6, 9e-5, -1].map((value) => nearest(penalties, value)),
    [0, 1, 1, 3, 0],
  );
  assert.deepEqual(
    [0, 0.05, 0.3, 0.9].map((value) => nearest([0, 0.05, 0.1, 0.3, 0.9], value)),
    [0, 1, 3, 4],
  );
});

test("of a button that is turned off another takes the focus", async () => {
  const turnPages = await base("turnPages");
  const button = (/** @type {string} */ name) => ({ name, disabled: false, focus: () => focused.push(name) });
  const [previous, next, focused] = [button("previous"), button("next"), /** @type {string[]} */ ([])];
  Object.defineProperty(document, "activeElement", { configurable: true, get: () => next });
  turnPages(previous, next, 1, 3);
  assert.deepEqual([previous.disabled, next.disabled, focused], [false, false, []]);
  turnPages(previous, next, 2, 3);
  assert.deepEqual([previous.disabled, next.disabled, focused], [false, true, ["previous"]]);
});

test("errors are the first messages, the others stay in their order", async () => {
  const { errorsFirst } = await load("messages");
  const messages = ["info", "hint", "error", "info", "warning"].map((kind, id) => ({ kind, id }));
  assert.deepEqual(
    errorsFirst(messages).map(({ id }) => id),
    [2, 0, 1, 3, 4],
  );
});

/** A model whose Python takes pieces of a file when it is told to, and the sentences that are said of the file. */
async function uploading(bytes, most_bytes = 1 << 25, signal = undefined) {
  const { FakeModel } = await import("./fake_page.js");
  const [upload, model, said] = [await base("upload"), new FakeModel({ most_bytes }), []];
  const done = upload(new Blob([new Uint8Array(bytes)]), model, (words) => said.push(words), "a.jsonl", signal);
  const sent = async (count) => {
    while (model.sent.length < count) await new Promise(setImmediate);
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate); // no more comes
    return model.sent.map(({ at }) => at >> 17);
  };
  return { model, said, done, sent };
}

test("a file is sent as Python takes it, and so little is on the way that a slow line stays open", async () => {
  const { model, said, done, sent } = await uploading(6 << 17);
  assert.deepEqual(await sent(4), [0, 1, 2, 3]);
  model.hear({ pong: 1 });
  assert.deepEqual(await sent(4), [0, 1, 2, 3]);
  model.hear({ taken: 1 << 17 });
  assert.deepEqual(await sent(5), [0, 1, 2, 3, 4]);
  model.hear({ taken: 5 << 17 });
  assert.deepEqual(await sent(6), [0, 1, 2, 3, 4, 5]);
  model.hear({ taken: 6 << 17 });
  await done;
  assert.equal(said.at(-1), "");
  assert.equal(model.hears, false);
});

test("how far a file is on a slow line is said", async () => {
  const { model, said, done, sent } = await uploading(6 << 17);
  await sent(4);
  const began = performance.now();
  while (performance.now() - began < 600) await new Promise((resolve) => setTimeout(resolve, 10));
  model.hear({ taken: 4 << 17 });
  assert.deepEqual(said, ["Sending a.jsonl: 60 %"]);
  model.hear({ taken: 6 << 17 });
  await done;
});

test("a file that Python drops is said to be lost", async () => {
  const { model, said, done, sent } = await uploading(6 << 17);
  await sent(4);
  model.hear({ taken: -1 });
  await done;
  assert.deepEqual(said, ["a.jsonl was not opened: not all of it arrived. Open it again."]);
  assert.deepEqual(await sent(4), [0, 1, 2, 3]);
});

test("an upload that is canceled says so to Python, and sends no more", async () => {
  const ending = new AbortController();
  const { model, said, done, sent } = await uploading(6 << 17, 1 << 25, ending.signal);
  await sent(4);
  ending.abort();
  await done;
  assert.deepEqual(said, ["a.jsonl was not opened."]);
  assert.deepEqual(model.sent.slice(4), [{ cancel: true }]);
  assert.equal(model.hears, false);
});

test("of a file that is too large only the size is sent, which Python answers", async () => {
  const { model, done } = await uploading(11, 10);
  await done;
  assert.deepEqual(model.sent, [{ open: "a.jsonl", size: 11, at: 0 }]);
});

const floats = (...numbers) => new DataView(new Float32Array(numbers).buffer);
const numbersIn = (text) => (text.match(/[+−]?\d+\.\d\d/g) ?? []).map((one) => Number(one.replace("−", "-")));

test("a printed sum adds up, its largest terms first", async () => {
  const { worded } = await load("network_drawing");
  const of = (terms) => worded({ sums: [{ unit: 0, terms: floats(...terms) }], symbol: "σ", figures: ["0.61"], looked_at: 0 }, "seven");
  const text = (terms) =>
    of(terms)
      .pieces.map(([piece]) => piece)
      .join("");
  assert.equal(text([1, -2, 0.5]), "seven: −2.00 +1.00 +0.50 bias = −0.50 → σ → 0.61");
  assert.equal(text([0.333, 0.333, 0.334, 0]), "seven: +0.34 +0.33 +0.33 +0.00 bias = 1.00 → σ → 0.61");
  assert.match(
    text([1, 2, 3, 4, 5, 6, 7, 0.5]),
    /^seven: \+7.00 \+6.00 \+5.00 \+4.00 \+3.00 \+3.00 from 2 other units \+0.50 bias = 28.50/,
  );
  assert.equal(of([1, -2, 0.5]).spoken, "Largest contributions to seven: unit 1 −2.00, unit 0 +1.00; sum −0.50");
  assert.match(text([Number.NaN, 1, Number.POSITIVE_INFINITY, 0]), /seven: \+∞ \+1.00 not a number .*= not a number → σ/);
  let random = 1;
  const next = () => {
    random = (random * 48_271) % 2_147_483_647;
    return (random / 2_147_483_647 - 0.5) * 10 ** (random % 5);
  };
  for (let n = 2; n < 500; n++) {
    const pieces = of(Array.from({ length: (n % 40) + 2 }, next))
      .pieces.slice(1)
      .map(([piece]) => numbersIn(piece));
    const [bias, total] = pieces[pieces.length - 1];
    const sum = pieces.slice(0, -1).reduce((one, [term]) => one + term, bias);
    assert.ok(Math.abs(sum - total) < 1e-6, `${pieces}`);
  }
});

test("terms are rounded so that they add up to the rounded total, where that can be", async () => {
  const { roundedToSum } = await load("network_drawing");
  assert.deepEqual(roundedToSum([0.333, 0.333, 0.333], 1), [0.34, 0.33, 0.33]);
  assert.deepEqual(roundedToSum([1.115], 1.115), [1.11]); // in binary 1.11499…, although the product with 100 is 111.5
  assert.deepEqual(roundedToSum([0.126, -0.004], 5), [0.126, -0.004]); // the total is of something else
  assert.deepEqual(roundedToSum([Number.NaN, 1], Number.NaN), [Number.NaN, 1]);
});

test("the strongest links lead along shown units, relative to the largest term", async () => {
  const { linksOf } = await load("network_drawing");
  const layers = [
    { title: "", units: [1, 2, 3], n_units: 4 },
    { title: "", units: [0, 1], n_units: 2 },
  ];
  const sums = [
    { unit: 1, terms: floats(8, -4, 0, 2, 1) },
    { unit: 7, terms: floats(1, 2, 9) },
  ];
  const first = {
    layer: 0,
    target: 1,
    terms: [
      { at: 0, share: -0.5 },
      { at: 2, share: 0.25 },
    ],
  };
  const last = {
    layer: 1,
    target: 7,
    terms: [
      { at: 1, share: 1 },
      { at: 0, share: 0.5 },
    ],
  };
  assert.deepEqual(linksOf(sums, layers), [first, last]);
  assert.equal(linksOf([{ unit: 5, terms: floats(1, 1, 1, 1, 0) }], layers)[0].target, -1); // its unit is not shown
});

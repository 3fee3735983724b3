// @ts-check
// The published page: sliders that move between recorded runs, and views that compute what they show from weights.

import { bytesOf, Model, mounter, nearestRun, unpacked } from "./host.js";
import { argmax, forward, lit, preprocessed, SIDE } from "./network.js";

const [PER_PAGE, COLUMNS, TONES, SHARE_WITHIN, PIXELS, PAD] = [24, 8, 4, 0.995, SIDE * SIDE, 5 * SIDE];
/** @type {Record<string, [number, number]>} */
const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
const NOTHING = new DataView(new ArrayBuffer(0));

const json = (/** @type {string} */ id) => JSON.parse(document.getElementById(id)?.textContent ?? "");
const place = (/** @type {string} */ id) => document.getElementById(`site-${id}`);
const say = (/** @type {string} */ id, /** @type {string} */ words) => place(id)?.replaceChildren(words);
const site = json("site");
/** @type {{ axes: import("./host.js").Axis[], names: string[], runs: number[][], parts: string[] }} */
const { axes, names, runs, parts } = site;
const look = () => ({ ...site.palettes[shownTheme()], ...site.styles[shownTheme()] });

/** @type {Uint8Array} */
let labels;
/** @type {Uint8Array} */
let images;
const numberOf = (/** @type {number} */ at) => grouped(Math.floor((at * site.n_test) / site.n_images)); // among all
const pixels = (/** @type {number} */ at) => images.subarray(at * PIXELS, (at + 1) * PIXELS);

/** @typedef {{ network: import("./network.js").Network, outputs: Float64Array[], decided: number[] }} Moment */
/** @type {Record<number, Promise<{ about: any, moment: (at: number) => Moment }>>} */
const loaded = {};

/** @param {number} number of a run */
async function load(number) {
  const { about, network } = unpacked(await bytesOf(`run-${number}`));
  /** @type {Moment[]} */
  const moments = [];
  const scored = (/** @type {number} */ at) => {
    const own = network(at);
    const outputs = Array.from(labels, (_, image) => /** @type {Float64Array} */ (forward(own, pixels(image)).at(-1)));
    return { network: own, outputs, decided: outputs.map(argmax) };
  };
  return { about, moment: (/** @type {number} */ at) => (moments[at] ??= scored(at)) };
}

/** @type {{ about: any, moment: (at: number) => Moment }} */
let run;
/** @type {Moment} */
let moment;
/** @type {number | Uint8Array} a test image, or a drawing */
let image = 0;
let [number, epoch, page, ink] = [site.start, 0, 0, NOTHING]; // the ink is of the image on the pad
let cell = { true: -1, predicted: -1 }; // -1 for any class
const whole = /** @type {Set<number>} */ (new Set()); // layers of which all units are shown

// ---------------------------------------------------------------- the parts' models

/** @param {string} name @param {(content: any) => void} [hear] */
const made = (name, hear) => new Model({ ...site.models[name], ink, sprite: NOTHING }, hear);
const [time, tiles, theme] = ["time_bar", "rendered", "segmented"].map((name) => made(name));
const controls = axes.map(({ key }, k) => {
  const model = made(key, async ({ typed, number: answered }) => {
    const wanted = axes.map((axis, other) => (other === k ? [typed].flat()[0] : axis.values[runs[number][other]]));
    await show(wanted, k).catch((error) => say("said", `The run can't be shown: ${error.message}.`));
    model.set("_answered", answered);
  });
  return model;
});
const pad = made("drawing_pad", () => {
  const wrong = moment.decided.flatMap((decided, at) => (decided === labels[at] ? [] : [at]));
  putOnPad(wrong.find((at) => typeof image === "number" && at > image) ?? wrong[0] ?? 0);
});
const drawing = made("network_drawing", ({ more }) => {
  if (!whole.delete(more)) whole.add(more);
  showNetwork();
});
const gallery = made("gallery", (content) => {
  if ("open" in content) putOnPad(content.open);
  else if ("filter" in content) select(content.filter[0], content.filter[1]);
  else showMistakes(content.page);
});

/** @param {string} name @param {() => string[][]} rows of its table, the head first @param {(content: any) => void} [hear] */
function figureModel(name, rows, hear) {
  const model = made(name, (content) => {
    const [head, ...others] = rows();
    if (content.kind === "table") model.tell("msg:custom", { tables: [{ caption: name, head, rows: others }] });
    else hear?.(content);
  });
  return model;
}
const draw = (/** @type {Model} */ model, /** @type {any[]} */ data, /** @type {any} */ layout, /** @type {string} */ summary) => {
  const { edit } = model.get("_figure");
  model.set("_figure", { edit: edit + 1, data, layout: { ...layout, template: look().template }, summary, buffers: [] });
};
const curves = ["Accuracy", "Loss"].map((name) => ({ name, model: figureModel(name, () => run.about.curves[name].rows) }));
const matrixRows = () => [["true", ...names], ...counted().map((row, k) => [names[k], ...row.map(String)])];
const matrix = figureModel("Confusion matrix", matrixRows, ({ kind, index, key }) => {
  const [down, right] = isCell() ? (STEPS[key] ?? []) : [1, 1];
  const within = (/** @type {number} */ at) => Math.min(Math.max(at, 0), names.length - 1);
  if (kind === "click") select(index[0], index[1]);
  else if (key === "Escape") select(-1, -1);
  else if (kind === "key") select(within(cell.true + down), within(cell.predicted + right));
});

// ---------------------------------------------------------------- what the views show

const isCell = () => cell.true >= 0 && cell.predicted >= 0;

/** A PNG of images side by side; the share of a pixel, -1 to 1, is between the middle color and one of the ends.
 * @param {number} n @param {number} columns @param {string[]} colors @param {(image: number, pixel: number) => number} share */
function sprite(n, columns, colors, share) {
  const [low, middle, high] = colors.map((color) => [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16)));
  const canvas = make("canvas", { width: columns * (SIDE + 1), height: Math.max(1, Math.ceil(n / columns)) * (SIDE + 1) });
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const tile = context.createImageData(SIDE, SIDE);
  for (let own = 0; own < n; own++) {
    for (let at = 0; at < 4 * PIXELS; at++) {
      const part = share(own, at >> 2);
      const end = part < 0 ? low : high;
      tile.data[at] = at % 4 < 3 ? middle[at % 4] + Math.abs(part) * (end[at % 4] - middle[at % 4]) : 255;
    }
    context.putImageData(tile, (own % columns) * (SIDE + 1), Math.floor(own / columns) * (SIDE + 1));
  }
  return new DataView(Uint8Array.from(atob(canvas.toDataURL().split(",")[1]), (letter) => letter.charCodeAt(0)).buffer);
}

function counted() {
  const counts = names.map(() => names.map(() => 0));
  for (const [at, decided] of moment.decided.entries()) counts[labels[at]][decided]++;
  return counts;
}

function showCurves() {
  const { mark, ...looks } = look();
  const [x0, summary] = [run.about.epochs[epoch], run.about.summaries[epoch]];
  for (const { name, model } of curves) {
    const { data, layout } = run.about.curves[name];
    const traces = data.map((/** @type {any} */ one, /** @type {number} */ k) => ({ ...looks[name][k], ...one }));
    draw(model, traces, { ...layout, shapes: [{ ...mark, x0, x1: x0 }] }, summary);
  }
  say("curves-caption", summary);
}

function showMatrix() {
  const [counts, { matrix: looks, frame }] = [counted(), look()];
  const totals = counts.map((row) => row.reduce((one, other) => one + other));
  const words = (/** @type {number} */ i, /** @type {number} */ j) =>
    `true ${names[i]} → predicted ${names[j]}: ${grouped(counts[i][j])} of ${grouped(totals[i])}`;
  const zmax = Math.max(1, 0.01 * Math.max(...totals), ...counts.flatMap((row, i) => row.filter((_, j) => i !== j)));
  const data = [false, true].map((isRight, at) => {
    const part = (/** @type {(i: number, j: number) => any} */ value, /** @type {any} */ empty) =>
      counts.map((row, i) => row.map((_, j) => ((i === j) === isRight ? value(i, j) : empty)));
    return {
      ...looks[at],
      zmax,
      z: part((i, j) => counts[i][j], null),
      text: part((i, j) => counts[i][j] || "", ""),
      hovertext: part(words, ""),
    };
  });
  const [x, y] = [cell.predicted, cell.true];
  const shapes = isCell() ? [{ ...frame, x0: x - 0.5, x1: x + 0.5, y0: y - 0.5, y1: y + 0.5 }] : [];
  const right = counts.reduce((sum, row, k) => sum + row[k], 0);
  const summary = `${grouped(right)} of ${site.of_images} classified correctly by the published weights`;
  draw(matrix, data, { ...site.matrix, shapes }, summary);
  say("matrix-caption", `${summary}. Choose a cell to see its images.`);
  showMistakes();
}

/** Show the images of the chosen classes, or without both all mistakes, the worst first.
 * @param {number} [turned] the page */
function showMistakes(turned = page) {
  const { outputs, decided } = moment;
  const shares = outputs.map((own) => own.map((one) => one / (own.reduce((sum, other) => sum + other) || 1)));
  const squared = (/** @type {number} */ at) => outputs[at].reduce((sum, one, k) => sum + (one - Number(k === labels[at])) ** 2, 0);
  const losses = outputs.map((_, at) => (run.about.loss === "cross_entropy" ? -outputs[at][labels[at]] : squared(at)));
  const fits = (/** @type {number} */ chosen, /** @type {number} */ own) => chosen < 0 || chosen === own;
  const chosen = [...labels.keys()]
    .filter((at) => fits(cell.true, labels[at]) && fits(cell.predicted, decided[at]) && (isCell() || decided[at] !== labels[at]))
    .sort((one, other) => losses[other] - losses[one] || one - other);
  const n_pages = Math.max(1, Math.ceil(chosen.length / PER_PAGE));
  page = Math.min(turned, n_pages - 1);
  const own = chosen.slice(page * PER_PAGE, (page + 1) * PER_PAGE);
  const described = own.map((at) => {
    const [read, truth, note] = [names[decided[at]], names[labels[at]], `${Math.round(100 * Math.max(...shares[at]))} % sure`];
    const title = `true ${truth}, read as ${read}`;
    const about = `test image ${numberOf(at)}, ${run.about.output === "softmax" ? "probabilities" : "shares of the outputs' sum"}`;
    const texts = { caption: `${truth} → ${read}`, note, detail: `${title}, ${note}`, title, about };
    return { ...texts, right: decided[at] === labels[at], key: at, shares: [...shares[at]] };
  });
  const [truth, read] = [names[cell.true] ?? "", names[cell.predicted]];
  const isRight = isCell() && truth === read;
  const answer = isRight ? "classified correctly" : read ? `read as ${read}` : "misclassified";
  const count = `${grouped(chosen.length)} ${isRight ? "image" : "mistake"}${chosen.length === 1 ? "" : "s"}`;
  const heading = `${truth || read ? `${truth} ${answer}: `.trimStart() : ""}${count}, worst first`;
  const columns = Math.max(1, own.length);
  const { raised, text } = look();
  const png = sprite(own.length, columns, [text, raised, text], (k, pixel) => pixels(own[k])[pixel] / 255);
  gallery.update({ heading, images: described, sprite: png, columns, page, n_pages, ...cell });
}

function showNetwork() {
  const { network } = moment;
  const [shown, truth] = typeof image === "number" ? [pixels(image), labels[image]] : [image, -1];
  const { layers, signal } = lit(network, forward(network, shown), names, drawing.get("chosen"), truth, whole);
  const [W, n, sizes] = [network.W[0], network.sizes[1], network.W[0].map(Math.abs).sort()];
  const full = Number(sizes[Math.floor(SHARE_WITHIN * (sizes.length - 1))].toPrecision(2)) || 1;
  const tone = (/** @type {number} */ k, /** @type {number} */ pixel) =>
    Math.round(TONES * Math.min(1, Math.max(-1, W[pixel * n + layers[0].units[k]] / full))) / TONES;
  const { negative, raised, positive } = look();
  drawing.update({ layers, signal, sprite: sprite(layers[0].units.length, COLUMNS, [negative, raised, positive], tone) });
  const drawn = shown.some(Boolean) ? "Your drawing" : "A blank pad";
  say("image", `${truth < 0 ? drawn : `Test image ${numberOf(Number(image))}: ${names[truth]}`}, read as ${names[signal.decided]}`);
}

function showAll() {
  const { epochs, tiles: content } = run.about;
  moment = run.moment(epoch);
  time.update({ epochs, newest: epochs.at(-1) });
  tiles.set("content", content[epoch]);
  if (parts.includes("curves")) showCurves();
  if (parts.includes("matrix")) showMatrix();
  if (parts.includes("draw")) showNetwork();
  const link = [
    ...axes.map(({ key, isNumber, values, texts }, k) => [key, (isNumber ? values : texts)[runs[number][k]]]),
    ["epoch", epochs[epoch]],
  ];
  history.replaceState(null, "", `#${new URLSearchParams(link)}`);
}

/** @param {number} truth @param {number} predicted */
function select(truth, predicted) {
  [cell, page] = [{ true: truth, predicted }, 0];
  showMatrix();
  const [first] = /** @type {any[]} */ (gallery.get("images"));
  if (isCell() && first) putOnPad(first.key);
}

/** @param {number} at */
function putOnPad(at) {
  image = at;
  const enlarged = (/** @type {number} */ k) => pixels(at)[Math.floor(k / PAD / 5) * SIDE + Math.floor((k % PAD) / 5)];
  ink = new DataView(Uint8Array.from({ length: PAD * PAD }, (_, k) => enlarged(k)).buffer);
  pad.set("ink", ink);
  showNetwork();
}

// ---------------------------------------------------------------- moving between runs

/** Show the run nearest to the wanted values, at the epoch nearest to the one shown before, or wanted.
 * @param {any[]} wanted @param {number} [moved] the control @param {number} [at] the epoch */
async function show(wanted, moved = -1, at = run && time.get("position") >= 0 ? run.about.epochs[epoch] : undefined) {
  const next = nearestRun(runs, axes, wanted, moved, runs[site.start]);
  number = next;
  loaded[next] ??= load(next).catch((error) => {
    delete loaded[next]; // to be tried again
    throw error;
  });
  const ready = await loaded[next];
  if (next !== number) return; // another one was chosen meanwhile
  run = ready;
  const { epochs } = run.about;
  epoch = at === undefined ? epochs.length - 1 : argmax(epochs.map((/** @type {number} */ one) => -Math.abs(one - at)));
  const values = axes.map((axis, k) => axis.values[runs[number][k]]);
  const missing = axes.flatMap(({ label, texts }, k) =>
    wanted[k] === undefined || wanted[k] === values[k] ? [] : [`${label.toLowerCase()} ${texts[runs[number][k]]}, not ${wanted[k]}`],
  );
  if (at !== undefined && epochs[epoch] !== at) missing.push(`epoch ${epochs[epoch]}, not ${at}`);
  say("said", missing.length ? `The nearest recorded: ${missing.join("; ")}.` : "");
  const siblings = runs.filter((other) => axes.every(({ isNumber }, k) => isNumber || other[k] === runs[number][k]));
  for (const [k, model] of controls.entries()) {
    const stops = axes[k].values.filter((_, stop) => siblings.some((other) => other[k] === stop));
    const ends = { stops, low: String(stops[0]), high: String(stops.at(-1)) };
    if (axes[k].isNumber) model.update({ _control: { ...model.get("_control"), ...ends }, disabled: stops.length < 2 });
    model.set("value", values[k]);
  }
  time.set("position", epoch === epochs.length - 1 ? -1 : epoch);
  showAll();
}

/** Follow a link as `#hidden=64&batch=8&epoch=3`. */
function follow() {
  const link = new URLSearchParams(location.hash.slice(1));
  const wanted = axes.map(({ key, isNumber }) => (link.has(key) ? (isNumber ? Number(link.get(key)) || 0 : link.get(key)) : undefined));
  const start = axes.map(({ values }, k) => values[runs[site.start][k]]);
  return show(wanted.some((one) => one !== undefined) ? wanted : start, -1, Number(link.get("epoch")) || undefined);
}

async function loadPlotly() {
  const src = URL.createObjectURL(new Blob([await bytesOf("plotly")], { type: "text/javascript" }));
  await new Promise((onload, onerror) => document.head.append(make("script", { src, onload, onerror })));
  return /** @type {any} */ (globalThis)[`${site.plotly}.script`];
}

async function begin() {
  const all = new Uint8Array(await bytesOf("images"));
  [labels, images] = [all.subarray(0, site.n_images), all.subarray(site.n_images)];
  await follow();
  if (parts.includes("draw")) pad.send({ mistake: true });
  pad.on("change:ink", () => {
    if (pad.get("ink") === ink) return;
    image = preprocessed(new Uint8Array(pad.get("ink").buffer));
    showNetwork();
  });
  drawing.on("change:chosen change:unit", showNetwork);
  time.on("change:position", () => {
    const wanted = time.get("position") < 0 ? run.about.epochs.length - 1 : time.get("position");
    if (wanted === epoch) return; // another run's
    epoch = wanted;
    showAll();
  });
  theme.on("change:value", () => {
    document.documentElement.removeAttribute("data-explorer-theme");
    if (theme.get("value") !== "auto") document.documentElement.dataset.explorerTheme = theme.get("value");
  });
  const mount = mounter(json("scripts"));
  const put = (/** @type {string} */ name, /** @type {Model} */ model, id = name) => place(id) && mount(name, model, place(id));
  const views = { time_bar: time, rendered: tiles, segmented: theme, drawing_pad: pad, network_drawing: drawing, gallery };
  await Promise.all(controls.map((model, k) => put("setting", model, `axis-${k}`)));
  await Promise.all(Object.entries(views).map((view) => put(...view)));
  place("main")?.removeAttribute("aria-busy");
  say("note", "");
  onTheme(showAll, new AbortController().signal);
  addEventListener("hashchange", follow);
  if (parts.includes("curves") || parts.includes("matrix")) Object.assign(globalThis, { [site.plotly]: loadPlotly() });
  await Promise.all([...curves.map(({ model }, k) => put("live_figure", model, `curves-${k}`)), put("live_figure", matrix, "matrix")]);
}

begin().catch((error) => say("note", `This page can't be shown: ${error.message ?? "a file is missing"}.`));

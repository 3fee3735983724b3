// @ts-check
// The published page: sliders that move between recorded runs, and views that compute what they show from weights.

import { bytesOf, Model, mounter, nearestRun, runScript, unpacked } from "./host.js";
import { argmax, forward, lit, preprocessed, tied } from "./network.js";

const PER_PAGE = 24; // images in the gallery
const COLUMNS = 8; // of the units' pictures
const TONES = 4; // shades on each side of a weight's middle color
const SHARE_WITHIN = 0.995; // of the weights, which are below the strongest shade
const SLIVER_PX = 200; // a part of which no more than this is in the window is drawn later
const LATER_MS = 100;
const REPLAY_MS = 3000;
/** @type {Record<string, [down: number, right: number]>} */
const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

/**
 * @typedef {Awaited<ReturnType<typeof load>>} Run
 * @typedef {{ outputs: Float64Array[], decided: number[], counts: number[][] }} Scores
 * @typedef {{ axes: import("./host.js").Axis[], names: string[], runs: number[][], parts: string[] } & Record<string, any>} Site
 */

const json = (/** @type {string} */ id) => JSON.parse(document.getElementById(id)?.textContent ?? "");
const place = (/** @type {string} */ id) => document.getElementById(`site-${id}`);
const say = (/** @type {string} */ id, /** @type {string} */ words) => place(id)?.replaceChildren(words);
const pause = (/** @type {number} */ ms) => new Promise((resolve) => setTimeout(resolve, ms));
const sum = (/** @type {ArrayLike<number>} */ numbers) => Array.from(numbers).reduce((one, other) => one + other, 0);

/** @type {Site} */
const site = json("site");
const { axes, names, runs, parts, side } = site;
const look = () => site.looks[shownTheme()];

let labels = new Uint8Array();
let images = new Uint8Array();
const pixels = (/** @type {number} */ at) => images.subarray(at * side ** 2, (at + 1) * side ** 2);
/** The pixel of an image that is at a place of its enlargement. @param {number} at @param {number} edge */
const enlarged = (at, edge) => Math.floor((Math.floor(at / edge) * side) / edge) * side + Math.floor(((at % edge) * side) / edge);
/** The number of a test image among all. @param {number} at */
const numberOf = (at) => grouped(Math.floor((at * site.n_test) / site.n_images));

/** Load a run; its networks and scores are computed when they are first needed. @param {number} number */
async function load(number) {
  const { about, network: networkAt } = unpacked(await bytesOf(site.files[`run-${number}`]));
  /** @type {import("./network.js").Network[]} */
  const networks = [];
  /** @type {Scores[]} */
  const scored = [];
  const network = (/** @type {number} */ at) => (networks[at] ??= networkAt(at));
  const scores = (/** @type {number} */ at) => (scored[at] ??= scoresOf(network(at)));
  return { about, network, scores };
}

/** A network's outputs for all images, what it takes them for, and the confusion matrix.
 * @param {import("./network.js").Network} network @returns {Scores} */
function scoresOf(network) {
  const outputs = Array.from(labels, (_, at) => /** @type {Float64Array} */ (forward(network, pixels(at)).at(-1)));
  const decided = outputs.map(argmax);
  const counts = names.map(() => names.map(() => 0));
  for (const [at, read] of decided.entries()) counts[labels[at]][read]++;
  return { outputs, decided, counts };
}

/** @type {Record<number, Promise<Run>>} */
const loaded = {};
/** A run that is loaded once; one that failed is loaded again. @param {number} number */
const loadOnce = (number) => (loaded[number] ??= load(number).catch((error) => Promise.reject(error).finally(() => delete loaded[number])));

let run = /** @type {Run} */ ({});
let number = site.start; // of the run
let moment = 0; // the place of the shown epoch among the run's
/** @type {number | Uint8Array} */
let image = 0; // a test image, or a drawing
let ink = new DataView(new ArrayBuffer(0)); // of the test image on the pad
let cell = { true: -1, predicted: -1 }; // -1 for any class
let page = 0; // of the gallery
let timer = 0;
/** @type {Set<number>} */
const whole = new Set(); // layers of which all units are shown
const isCell = () => cell.true >= 0 && cell.predicted >= 0;

/** @param {string} name @param {(content: any, model: Model) => void} [onMessage] */
const modelOf = (name, onMessage) => new Model({ ...site.models[name], ink, sprite: ink }, onMessage); // both empty at first
const [time, tiles, theme] = ["time_bar", "rendered", "segmented"].map((name) => modelOf(name));
const controls = axes.map(({ key }, k) => modelOf(key, (content, model) => change(k, content, model)));
const pad = modelOf("drawing_pad", putMistakeOnPad);
const drawing = modelOf("network_drawing", ({ more }) => {
  if (!whole.delete(more)) whole.add(more);
  showNetwork();
});
const gallery = modelOf("gallery", (content) => {
  if ("open" in content) putOnPad(content.open);
  else if ("filter" in content) select(content.filter[0], content.filter[1]);
  else showMistakes(content.page);
});
const curves = ["Accuracy", "Loss"].map((name) => ({ name, model: figureModel(name, () => run.about.curves[name].rows) }));
const matrix = figureModel("Confusion matrix", matrixRows, chooseCell);

/** Show the run with another value of a setting, as typed. @param {number} k @param {any} content @param {Model} model */
async function change(k, { typed, number: answered }, model) {
  const wanted = axes.map((axis, other) => (other === k ? [typed].flat()[0] : axis.values[runs[number][other]]));
  await show(wanted, k).catch(complain);
  model.set("_answered", answered);
}

/** @param {Error} error */
function complain(error) {
  say("said", `The run can't be shown: ${error.message}.`);
}

/** A figure's model; its table's rows begin with the head.
 * @param {string} name @param {() => string[][]} rows @param {(content: any) => void} [onMessage] */
function figureModel(name, rows, onMessage) {
  return modelOf(name, (content, model) => {
    if (content.kind !== "table") return onMessage?.(content);
    const [head, ...others] = rows();
    model.tell("msg:custom", { tables: [{ caption: name, head, rows: others }] });
  });
}

/** @param {Model} model @param {any[]} data @param {any} layout @param {string} summary */
function draw(model, data, layout, summary) {
  const { edit } = model.get("_figure");
  model.set("_figure", { edit: edit + 1, data, layout: { ...layout, template: look().template }, summary, buffers: [] });
}

function showCurves() {
  const { mark } = look();
  const x = run.about.epochs[moment];
  const summary = run.about.summaries[moment];
  for (const { name, model } of curves) {
    const { data, layout } = run.about.curves[name][shownTheme()];
    draw(model, data, { ...layout, shapes: [...layout.shapes, { ...mark, x0: x, x1: x }] }, summary);
  }
  say("curves-caption", summary);
}

function matrixRows() {
  return [["true", ...names], ...run.scores(moment).counts.map((row, k) => [names[k], ...row.map(String)])];
}

/** Choose a cell of the matrix by click or keys, of which the first leads to the cell of the first class.
 * @param {{ kind: string, index: number[], key: string }} content */
function chooseCell({ kind, index, key }) {
  const [down, right] = isCell() ? (STEPS[key] ?? []) : [1, 1];
  const within = (/** @type {number} */ at) => Math.min(Math.max(at, 0), names.length - 1);
  if (kind === "click") select(index[0], index[1]);
  else if (key === "Escape") select(-1, -1);
  else if (kind === "key") select(within(cell.true + down), within(cell.predicted + right));
}

function showMatrix() {
  const { counts } = run.scores(moment);
  const { matrix: looks, frame } = look();
  const totals = counts.map(sum);
  const mistakes = counts.flatMap((row, i) => row.filter((_, j) => i !== j));
  const largest = [Math.max(1, 0.01 * Math.max(...totals), ...mistakes), Math.max(1, ...totals)];
  const words = (/** @type {number} */ n, /** @type {number} */ i, /** @type {number} */ j) =>
    `true ${names[i]}<br>→ predicted ${names[j]}<br>${grouped(n)} of ${grouped(totals[i])}`;
  // The traces of the mistakes and of the diagonal, each empty where the other one is.
  const data = looks.map((/** @type {any} */ trace, /** @type {number} */ right) => {
    const part = (/** @type {(n: number, i: number, j: number) => any} */ value, /** @type {any} */ empty) =>
      counts.map((row, i) => row.map((n, j) => (Number(i === j) === right ? value(n, i, j) : empty)));
    return { ...trace, zmax: largest[right], z: part((n) => n, null), text: part((n) => n || "", ""), hovertext: part(words, "") };
  });
  const { true: y, predicted: x } = cell;
  const shapes = isCell() ? [{ ...frame, x0: x - 0.5, x1: x + 0.5, y0: y - 0.5, y1: y + 0.5 }] : [];
  const summary = `${grouped(sum(totals) - sum(mistakes))} of ${site.of_images} classified correctly by the published weights`;
  draw(matrix, data, { ...site.matrix, shapes }, summary);
  say("matrix-caption", `${summary}. Choose a cell to see its images.`);
  showMistakes();
}

/** The images of the chosen classes, or without both all mistakes, those with the largest loss first. */
function chosenImages() {
  const { outputs, decided } = run.scores(moment);
  const squares = (/** @type {number} */ at) => sum(outputs[at].map((one, k) => (one - Number(k === labels[at])) ** 2));
  const loss = run.about.loss === "cross_entropy" ? (/** @type {number} */ at) => -outputs[at][labels[at]] : squares;
  const isChosen = (/** @type {number} */ at) =>
    [-1, labels[at]].includes(cell.true) && [-1, decided[at]].includes(cell.predicted) && (isCell() || decided[at] !== labels[at]);
  const chosen = [...labels.keys()].filter(isChosen).map((at) => ({ at, loss: loss(at) }));
  return chosen.sort((one, other) => other.loss - one.loss || one.at - other.at).map(({ at }) => at);
}

/** What the gallery shows of an image. @param {number} key */
function tileOf(key) {
  const { outputs, decided } = run.scores(moment);
  const [truth, read] = [names[labels[key]], names[decided[key]]];
  const total = sum(outputs[key]) || 1;
  const shares = Array.from(outputs[key], (one) => one / total);
  const isTie = tied(outputs[key]).length > 1;
  const note = isTie ? "a tie" : `${Math.round(100 * Math.max(...shares))} % sure`;
  const title = `true ${truth}, read as ${read}`;
  const called = run.about.output === "softmax" ? "probabilities" : "shares of the outputs' sum";
  const about = `test image ${numberOf(key)}, ${called}`;
  return { caption: `${truth} → ${read}`, note, detail: `${title}, ${note}`, title, about, right: truth === read && !isTie, key, shares };
}

/** The gallery's heading. @param {number} n images */
function headingOf(n) {
  const truth = names[cell.true] ?? "";
  const read = names[cell.predicted];
  const isRight = isCell() && truth === read;
  const how = isRight ? "classified correctly" : read ? `read as ${read}` : truth && "misclassified";
  const classes = `${truth} ${how}`.trim();
  return `${classes && `${classes}: `}${grouped(n)} ${isRight ? "image" : "mistake"}${n === 1 ? "" : "s"}, worst first`;
}

/** Show a page of the chosen images. */
function showMistakes(turned = page) {
  const chosen = chosenImages();
  const n_pages = Math.max(1, Math.ceil(chosen.length / PER_PAGE));
  page = Math.min(turned, n_pages - 1);
  const shown = chosen.slice(page * PER_PAGE, (page + 1) * PER_PAGE);
  const columns = Math.max(1, shown.length);
  const { raised, text } = look();
  const png = sprite(shown.length, columns, [text, raised, text], (k, pixel) => pixels(shown[k])[pixel] / 255);
  gallery.update({ heading: headingOf(chosen.length), images: shown.map(tileOf), sprite: png, columns, page, n_pages, ...cell });
}

/** A PNG of images side by side; the share of a pixel, -1 to 1, is between the middle color and one of the ends.
 * @param {number} n @param {number} columns @param {string[]} colors @param {(image: number, pixel: number) => number} share */
function sprite(n, columns, colors, share) {
  const [low, middle, high] = colors.map((color) => [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16)));
  const gap = 28 % side ? Math.min(5, Math.ceil(side / 4)) : 1; // all are multiples of 28; of 8, 16 or 20 pixels, too
  const [edge, pitch] = [28 * gap, 29 * gap];
  const canvas = make("canvas", { width: columns * pitch, height: Math.max(1, Math.ceil(n / columns)) * pitch });
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const tile = new ImageData(new Uint8ClampedArray(4 * edge ** 2).fill(255), edge);
  for (let own = 0; own < n; own++) {
    for (let at = 0; at < edge ** 2; at++) {
      const part = share(own, enlarged(at, edge));
      for (let k = 0; k < 3; k++) tile.data[4 * at + k] = middle[k] + Math.abs(part) * ((part < 0 ? low : high)[k] - middle[k]);
    }
    context.putImageData(tile, (own % columns) * pitch, Math.floor(own / columns) * pitch);
  }
  return new DataView(fromBase64(canvas.toDataURL().split(",")[1]).buffer);
}

/** The pictures of some units of the first layer: their weights, in shades. @param {import("./network.js").Network} network @param {number[]} units */
function unitPictures({ W: [weights], sizes: [, n] }, units) {
  const strengths = weights.map(Math.abs).sort();
  const full = Number(strengths[Math.floor(SHARE_WITHIN * (strengths.length - 1))].toPrecision(2)) || 1;
  const { negative, raised, positive } = look();
  const tone = (/** @type {number} */ k, /** @type {number} */ pixel) =>
    Math.round(TONES * Math.min(1, Math.max(-1, weights[pixel * n + units[k]] / full))) / TONES;
  return sprite(units.length, COLUMNS, [negative, raised, positive], tone);
}

function showNetwork() {
  const network = run.network(moment);
  const [shown, truth] = typeof image === "number" ? [pixels(image), labels[image]] : [image, -1];
  const { layers, signal } = lit(network, forward(network, shown), drawing.get("chosen"), truth, whole);
  drawing.update({ layers, signal, sprite: unitPictures(network, layers[0].units) });
  place("image")?.setAttribute("aria-live", time.get("note") ? "off" : "polite"); // a replay would read out each step
  const n_tied = tied(signal.outputs).length;
  const read = n_tied > 1 ? `a tie: ${n_tied} outputs are ${signal.figures[signal.looked_at]}` : `read as ${names[signal.decided]}`;
  const epoch = run.about.epochs[moment];
  const step = epoch < 1 ? ` at step ${Math.round(epoch * run.about.n_steps)}` : "";
  const drawn = shown.some(Boolean) ? "Your drawing" : "A blank pad";
  say("image", `${truth < 0 ? drawn : `Test image ${numberOf(Number(image))}: ${names[truth]}`}, ${read}${step}`);
}

/** @type {Record<string, () => void>} */
const VIEWS = { draw: showNetwork, curves: showCurves, matrix: showMatrix };

/** Show the run. Parts of which a sliver or nothing is in the window follow a moment later, unless something else is shown first. */
function showAll() {
  const { epochs, n_steps, tiles: content } = run.about;
  const isSeen = (/** @type {string} */ part) => isInWindow(/** @type {HTMLElement} */ (place(`part-${part}`)), SLIVER_PX);
  const seen = parts.filter(isSeen);
  time.update({ epochs, n_steps, newest: epochs.at(-1) });
  tiles.set("content", content[moment]);
  for (const part of seen) VIEWS[part]();
  clearTimeout(timer);
  if (time.get("note")) return; // those that are out of sight come after a replay
  timer = setTimeout(() => {
    for (const part of parts) if (!seen.includes(part)) VIEWS[part]();
    begun.then(prepare).catch(() => {}); // what fails is tried again, and said, when it is chosen
  }, LATER_MS);
  const link = Object.fromEntries(axes.map(({ key, values }, k) => [key, values[runs[number][k]]]));
  history.replaceState(null, "", `#${new URLSearchParams({ ...link, epoch: epochs[moment] })}`);
}

/** Load the runs one step of a slider away, and compute their scores at the shown moment. */
async function prepare() {
  const [own, at] = [number, moment];
  const isShown = () => number === own && moment === at;
  for (const [other, values] of runs.entries()) {
    if (sum(values.map((value, k) => Math.abs(value - runs[own][k]))) !== 1) continue;
    await pause(LATER_MS); // what is pressed comes first
    if (!isShown()) return;
    const { about, scores } = await loadOnce(other);
    if (isShown() && parts.includes("matrix")) scores(Math.min(at, about.epochs.length - 1));
  }
}

/** Choose a cell of the matrix; -1 for any class. @param {number} truth @param {number} predicted */
function select(truth, predicted) {
  cell = { true: truth, predicted };
  page = 0;
  showMatrix();
  const [first] = gallery.get("images");
  if (isCell() && first) putOnPad(first.key);
}

/** Put a test image on the pad. @param {number} at */
function putOnPad(at) {
  image = at;
  const [shown, edge] = [pixels(at), pad.get("side")];
  ink = new DataView(Uint8Array.from({ length: edge ** 2 }, (_, k) => shown[enlarged(k, edge)]).buffer);
  pad.set("ink", ink);
  showNetwork();
}

/** Put the next image on the pad that the network misclassifies, after the last one the first. */
function putMistakeOnPad() {
  const wrong = run.scores(moment).decided.flatMap((decided, at) => (decided === labels[at] ? [] : [at]));
  putOnPad(wrong.find((at) => typeof image === "number" && at > image) ?? wrong[0] ?? 0);
}

/** Show the run nearest to the wanted values, at the epoch nearest to the one shown before, or wanted.
 * @param {any[]} wanted @param {number} [moved] the control @param {number} [epoch] */
async function show(wanted, moved = -1, epoch = undefined) {
  const next = nearestRun(runs, axes, wanted, moved, runs[site.start]);
  number = next;
  const chosen = await loadOnce(next);
  if (next !== number) return; // another one was chosen meanwhile
  if (run.about && time.get("position") >= 0) epoch ??= run.about.epochs[moment]; // that is shown by now
  run = chosen;
  const { epochs } = run.about;
  moment = epoch === undefined ? epochs.length - 1 : argmax(epochs.map((/** @type {number} */ one) => -Math.abs(one - epoch)));
  sayNearest(wanted, epoch);
  say("hint", run.about.hint);
  showControls();
  time.set("position", moment === epochs.length - 1 ? -1 : moment);
  showAll();
}

/** Say what was wanted and isn't recorded. @param {any[]} wanted @param {number} [epoch] */
function sayNearest(wanted, epoch) {
  const shown = run.about.epochs[moment];
  const missing = axes.flatMap(({ label, values, texts }, k) => {
    const own = runs[number][k];
    return [undefined, values[own]].includes(wanted[k]) ? [] : [`${label.toLowerCase()} ${texts[own]}, not ${wanted[k]}`];
  });
  if (epoch !== undefined && shown !== epoch) missing.push(`epoch ${shown}, not ${epoch < 1 ? "a step before its end" : epoch}`);
  say("said", missing.length ? `The nearest recorded: ${missing.join("; ")}.` : "");
}

/** Show the run's values; a slider has stops for the runs that differ in numbers alone. */
function showControls() {
  const own = runs[number];
  const siblings = runs.filter((other) => axes.every(({ isNumber }, k) => isNumber || other[k] === own[k]));
  for (const [k, { values, isNumber }] of axes.entries()) {
    const stops = values.filter((_, stop) => siblings.some((other) => other[k] === stop));
    const _control = { ...controls[k].get("_control"), stops, low: String(stops[0]), high: String(stops.at(-1)) };
    controls[k].update({ value: values[own[k]], ...(isNumber ? { _control, disabled: stops.length < 2 } : {}) });
  }
}

/** Follow a link as `#hidden=64&batch=8&epoch=3`. */
function followLink() {
  const link = new URLSearchParams(location.hash.slice(1));
  const numberAt = (/** @type {string} */ key) => Number(link.get(key)) || 0;
  const wanted = axes.map(({ key, isNumber }) => (isNumber && link.has(key) ? numberAt(key) : (link.get(key) ?? undefined)));
  return show(wanted, -1, link.has("epoch") ? numberAt("epoch") : undefined);
}

function endReplay() {
  if (time.get("note")) time.update({ note: "", position: -1 });
}

/** Show the networks within the first epoch, one after the other, and then the last epoch's. */
async function replay() {
  for (let at = 1; time.get("note") && at <= site.n_early; at++) {
    await pause(REPLAY_MS / site.n_early);
    if (time.get("note") && at < site.n_early) time.set("position", at);
  }
  endReplay();
}

/** Listen to what the parts' models say. */
function listen() {
  pad.on("change:ink", () => {
    if (pad.get("ink") === ink) return;
    image = preprocessed(new Uint8Array(pad.get("ink").buffer), side);
    showNetwork();
  });
  drawing.on("change:chosen change:unit", showNetwork);
  time.on("change:position", () => {
    const wanted = time.get("position") < 0 ? run.about.epochs.length - 1 : time.get("position");
    if (wanted === moment) return; // another run's
    moment = wanted;
    showAll();
  });
  theme.on("change:value", () => Object.assign(document.documentElement.dataset, { explorerTheme: theme.get("value") }));
}

async function loadPlotly() {
  await runScript(site.files.plotly);
  return Reflect.get(globalThis, `${site.plotly}.script`);
}

async function begin() {
  const all = new Uint8Array(await bytesOf(site.files.images));
  labels = all.subarray(0, site.n_images);
  images = all.subarray(site.n_images);
  const moves = site.n_early && !location.hash && !matchMedia("(prefers-reduced-motion: reduce)").matches;
  if (moves) time.set("note", "Replay");
  await (moves ? show([], -1, 0) : followLink());
  if (parts.includes("draw")) putMistakeOnPad();
  listen();
  const mount = mounter(json("scripts"));
  const put = (/** @type {string} */ name, /** @type {Model} */ model, id = name) => place(id) && mount(name, model, place(id));
  const views = { time_bar: time, rendered: tiles, segmented: theme, drawing_pad: pad, network_drawing: drawing, gallery };
  await Promise.all(controls.map((model, k) => put("setting", model, `axis-${k}`)));
  await Promise.all(Object.entries(views).map((view) => put(...view)));
  place("main")?.removeAttribute("aria-busy");
  say("note", "");
  onTheme(showAll, new AbortController().signal);
  for (const event of ["click", "input", "keydown"]) addEventListener(event, endReplay, { capture: true }); // first of all
  const replayed = moves && replay();
  addEventListener("hashchange", () => followLink().catch(complain));
  if (parts.some((part) => part !== "draw")) Object.assign(globalThis, { [site.plotly]: loadPlotly() });
  const figures = Object.entries({ "curves-0": curves[0].model, "curves-1": curves[1].model, matrix });
  await Promise.all(figures.map(([id, model]) => put("live_figure", model, id)));
  await replayed;
}

const begun = begin().catch((error) => say("note", `This page can't be shown: ${error.message ?? "a file is missing"}.`));

// @ts-check
// The published page: sliders that move between recorded runs, and views that compute what they show from weights.

import { bytesOf, Model, mounter, nearestRun, runScript, unpacked } from "./host.js";
import { argmax, forward, lit, preprocessed, SIDE, tied } from "./network.js";

const [PER_PAGE, COLUMNS, TONES, SHARE_WITHIN, PIXELS, PAD, SLIVER_PX] = [24, 8, 4, 0.995, SIDE * SIDE, 5 * SIDE, 200];
const [LATER_MS, REPLAY_MS] = [100, 3000];
const STEPS = /** @type {Record<string, number[]>} */ ({ ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] });
const json = (/** @type {string} */ id) => JSON.parse(document.getElementById(id)?.textContent ?? "");
const place = (/** @type {string} */ id) => document.getElementById(`site-${id}`);
const say = (/** @type {string} */ id, /** @type {string} */ words) => place(id)?.replaceChildren(words);
const site = json("site");
/** @type {{ axes: import("./host.js").Axis[], names: string[], runs: number[][], parts: string[] }} */
const { axes, names, runs, parts } = site;
const look = () => site.looks[shownTheme()];
const pause = (/** @type {number} */ ms) => new Promise((resolve) => setTimeout(resolve, ms));
const sum = (/** @type {ArrayLike<number>} */ numbers) => Array.from(numbers).reduce((one, other) => one + other, 0);

let [labels, images] = [new Uint8Array(), new Uint8Array()];
const numberOf = (/** @type {number} */ at) => grouped(Math.floor((at * site.n_test) / site.n_images)); // among all
const pixels = (/** @type {number} */ at) => images.subarray(at * PIXELS, (at + 1) * PIXELS);

/** @typedef {Awaited<ReturnType<typeof load>>} Run @typedef {{ outputs: Float64Array[], decided: number[], counts: number[][] }} Scores */
const loaded = /** @type {Record<number, Promise<Run>>} */ ({});
const ready = (/** @type {number} */ n) => (loaded[n] ??= load(n).catch((error) => Promise.reject(error).finally(() => delete loaded[n])));

async function load(/** @type {number} */ number) {
  const { about, network: networkAt } = unpacked(await bytesOf(`run-${number}`));
  const [networks, scores] = [/** @type {import("./network.js").Network[]} */ ([]), /** @type {Scores[]} */ ([])];
  const network = (/** @type {number} */ at) => (networks[at] ??= networkAt(at));
  const scored = (/** @type {number} */ epoch) => {
    const outputs = Array.from(labels, (_, at) => /** @type {Float64Array} */ (forward(network(epoch), pixels(at)).at(-1)));
    const [decided, counts] = [outputs.map(argmax), names.map(() => names.map(() => 0))];
    for (const [at, read] of decided.entries()) counts[labels[at]][read]++;
    return { outputs, decided, counts };
  };
  return { about, network, scores: (/** @type {number} */ at) => (scores[at] ??= scored(at)) };
}

let [run, later] = [/** @type {Run} */ ({}), 0];
let image = /** @type {number | Uint8Array} */ (0); // a test image, or a drawing
let [number, epoch, page, ink] = [site.start, 0, 0, new DataView(new ArrayBuffer(0))]; // the ink is of the image on the pad
let cell = { true: -1, predicted: -1 }; // -1 for any class
const isCell = () => cell.true >= 0 && cell.predicted >= 0;
const whole = /** @type {Set<number>} */ (new Set()); // layers of which all units are shown

/** @param {string} name @param {(content: any, model: Model) => void} [onMessage] */
const made = (name, onMessage) => new Model({ ...site.models[name], ink, sprite: ink }, onMessage); // both empty at first
const [time, tiles, theme] = ["time_bar", "rendered", "segmented"].map((name) => made(name));
const fail = (/** @type {Error} */ error) => say("said", `The run can't be shown: ${error.message}.`);
const controls = axes.map(({ key }, k) =>
  made(key, async ({ typed, number: answered }, model) => {
    const wanted = axes.map((axis, other) => (other === k ? [typed].flat()[0] : axis.values[runs[number][other]]));
    await show(wanted, k).catch(fail);
    model.set("_answered", answered);
  }),
);
const pad = made("drawing_pad", () => {
  const wrong = run.scores(epoch).decided.flatMap((decided, at) => (decided === labels[at] ? [] : [at]));
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

/** @param {string} name @param {() => string[][]} rows of its table, the head first @param {(content: any) => void} [onMessage] */
const figureModel = (name, rows, onMessage) =>
  made(name, (content, model) => {
    const [head, ...others] = rows();
    if (content.kind === "table") model.tell("msg:custom", { tables: [{ caption: name, head, rows: others }] });
    else onMessage?.(content);
  });
const draw = (/** @type {Model} */ model, /** @type {any[]} */ data, /** @type {any} */ layout, /** @type {string} */ summary) =>
  model.set("_figure", { edit: model.get("_figure").edit + 1, data, layout, summary, buffers: [] });
const curves = ["Accuracy", "Loss"].map((name) => ({ name, model: figureModel(name, () => run.about.curves[name].rows) }));
const matrixRows = () => [["true", ...names], ...run.scores(epoch).counts.map((row, k) => [names[k], ...row.map(String)])];
const matrix = figureModel("Confusion matrix", matrixRows, ({ kind, index, key }) => {
  const [down, right] = isCell() ? (STEPS[key] ?? []) : [1, 1];
  const within = (/** @type {number} */ at) => Math.min(Math.max(at, 0), names.length - 1);
  if (kind === "click") select(index[0], index[1]);
  else if (key === "Escape") select(-1, -1);
  else if (kind === "key") select(within(cell.true + down), within(cell.predicted + right));
});

/** A PNG of images side by side; the share of a pixel, -1 to 1, is between the middle color and one of the ends.
 * @param {number} n @param {number} columns @param {string[]} colors @param {(image: number, pixel: number) => number} share */
function sprite(n, columns, colors, share) {
  const [low, middle, high] = colors.map((color) => [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16)));
  const canvas = make("canvas", { width: columns * (SIDE + 1), height: Math.max(1, Math.ceil(n / columns)) * (SIDE + 1) });
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const tile = new ImageData(new Uint8ClampedArray(4 * PIXELS).fill(255), SIDE);
  for (let own = 0; own < n; own++) {
    for (let at = 0; at < PIXELS; at++) {
      const part = share(own, at);
      for (let k = 0; k < 3; k++) tile.data[4 * at + k] = middle[k] + Math.abs(part) * ((part < 0 ? low : high)[k] - middle[k]);
    }
    context.putImageData(tile, (own % columns) * (SIDE + 1), Math.floor(own / columns) * (SIDE + 1));
  }
  return new DataView(Uint8Array.from(atob(canvas.toDataURL().split(",")[1]), (letter) => letter.charCodeAt(0)).buffer);
}

function showCurves() {
  const [x0, summary, { mark, template }] = [run.about.epochs[epoch], run.about.summaries[epoch], look()];
  for (const { name, model } of curves) {
    const { data, layout } = run.about.curves[name][shownTheme()];
    draw(model, data, { ...layout, template, shapes: [...layout.shapes, { ...mark, x0, x1: x0 }] }, summary);
  }
  say("curves-caption", summary);
}

function showMatrix() {
  const [{ counts }, { matrix: looks, frame, template }] = [run.scores(epoch), look()];
  const totals = counts.map(sum);
  const mistakes = counts.map((row, i) => row.filter((_, j) => i !== j));
  const zmax = Math.max(1, 0.01 * Math.max(...totals), ...mistakes.flat());
  const words = (/** @type {number} */ n, /** @type {number} */ i, /** @type {number} */ j) =>
    `true ${names[i]}<br>→ predicted ${names[j]}<br>${grouped(n)} of ${grouped(totals[i])}`;
  const data = looks.map((/** @type {any} */ trace, /** @type {number} */ right) => {
    const part = (/** @type {(n: number, i: number, j: number) => any} */ value, /** @type {any} */ empty) =>
      counts.map((row, i) => row.map((n, j) => (Number(i === j) === right ? value(n, i, j) : empty)));
    return { ...trace, zmax, z: part((n) => n, null), text: part((n) => n || "", ""), hovertext: part(words, "") };
  });
  const [x, y] = [cell.predicted, cell.true];
  const shapes = isCell() ? [{ ...frame, x0: x - 0.5, x1: x + 0.5, y0: y - 0.5, y1: y + 0.5 }] : [];
  const right = grouped(sum(totals) - sum(mistakes.flat()));
  const summary = `${right} of ${site.of_images} classified correctly by the published weights`;
  draw(matrix, data, { ...site.matrix, template, shapes }, summary);
  say("matrix-caption", `${summary}. Choose a cell to see its images.`);
  showMistakes();
}

/** Show a page of the images of the chosen classes, or without both of all mistakes, the worst first. */
function showMistakes(turned = page) {
  const { outputs, decided } = run.scores(epoch);
  const squares = (/** @type {number} */ at) => sum(outputs[at].map((one, k) => (one - Number(k === labels[at])) ** 2));
  const loss = run.about.loss === "cross_entropy" ? (/** @type {number} */ at) => -outputs[at][labels[at]] : squares;
  const isChosen = (/** @type {number} */ at) =>
    [-1, labels[at]].includes(cell.true) && [-1, decided[at]].includes(cell.predicted) && (isCell() || decided[at] !== labels[at]);
  const chosen = [...labels.keys()].filter(isChosen).map((at) => ({ at, loss: loss(at) }));
  chosen.sort((one, other) => other.loss - one.loss || one.at - other.at);
  const n_pages = Math.max(1, Math.ceil(chosen.length / PER_PAGE));
  page = Math.min(turned, n_pages - 1);
  const called = run.about.output === "softmax" ? "probabilities" : "shares of the outputs' sum";
  const shown = chosen.slice(page * PER_PAGE, (page + 1) * PER_PAGE).map(({ at: key }) => {
    const [truth, read, all] = [names[labels[key]], names[decided[key]], sum(outputs[key]) || 1];
    const [shares, title] = [Array.from(outputs[key], (one) => one / all), `true ${truth}, read as ${read}`];
    const note = tied(outputs[key]).length > 1 ? "a tie" : `${Math.round(100 * Math.max(...shares))} % sure`;
    const texts = { caption: `${truth} → ${read}`, note, detail: `${title}, ${note}`, title };
    return { ...texts, about: `test image ${numberOf(key)}, ${called}`, right: truth === read && note !== "a tie", key, shares };
  });
  const [truth, read] = [names[cell.true] ?? "", names[cell.predicted]];
  const isRight = isCell() && truth === read;
  const classes = [truth, isRight ? "classified correctly" : read ? `read as ${read}` : truth && "misclassified"].join(" ").trim();
  const count = `${grouped(chosen.length)} ${isRight ? "image" : "mistake"}${chosen.length === 1 ? "" : "s"}`;
  const heading = `${classes && `${classes}: `}${count}, worst first`;
  const [columns, { raised, text }] = [Math.max(1, shown.length), look()];
  const png = sprite(shown.length, columns, [text, raised, text], (k, pixel) => pixels(shown[k].key)[pixel] / 255);
  gallery.update({ heading, images: shown, sprite: png, columns, page, n_pages, ...cell });
}

function showNetwork() {
  const network = run.network(epoch);
  const [shown, truth] = typeof image === "number" ? [pixels(image), labels[image]] : [image, -1];
  const { layers, signal } = lit(network, forward(network, shown), drawing.get("chosen"), truth, whole);
  const [W, n, sizes] = [network.W[0], network.sizes[1], network.W[0].map(Math.abs).sort()];
  const full = Number(sizes[Math.floor(SHARE_WITHIN * (sizes.length - 1))].toPrecision(2)) || 1;
  const tone = (/** @type {number} */ k, /** @type {number} */ pixel) =>
    Math.round(TONES * Math.min(1, Math.max(-1, W[pixel * n + layers[0].units[k]] / full))) / TONES;
  const { negative, raised, positive } = look();
  drawing.update({ layers, signal, sprite: sprite(layers[0].units.length, COLUMNS, [negative, raised, positive], tone) });
  const drawn = shown.some(Boolean) ? "Your drawing" : "A blank pad";
  place("image")?.setAttribute("aria-live", time.get("note") ? "off" : "polite"); // a replay would read out each step
  const [at, { length: n_tied }] = [run.about.epochs[epoch], tied(signal.outputs)];
  const read = n_tied > 1 ? `a tie: ${n_tied} outputs are ${signal.figures[signal.looked_at]}` : `read as ${names[signal.decided]}`;
  const step = at < 1 ? ` at step ${Math.round(at * run.about.n_steps)}` : "";
  say("image", `${truth < 0 ? drawn : `Test image ${numberOf(Number(image))}: ${names[truth]}`}, ${read}${step}`);
}

const VIEWS = /** @type {Record<string, () => void>} */ ({ draw: showNetwork, curves: showCurves, matrix: showMatrix });

/** Show the run. Parts of which a sliver or nothing is in the window follow a moment later, unless something else is shown first. */
function showAll() {
  const { epochs, n_steps, tiles: content } = run.about;
  const inWindow = parts.filter((part) => isInWindow(/** @type {HTMLElement} */ (place(`part-${part}`)), SLIVER_PX));
  time.update({ epochs, n_steps, newest: epochs.at(-1) });
  tiles.set("content", content[epoch]);
  for (const part of inWindow) VIEWS[part]();
  clearTimeout(later);
  if (time.get("note")) return; // those that are out of sight come after a replay
  later = setTimeout(() => {
    for (const part of parts) if (!inWindow.includes(part)) VIEWS[part]();
    begun.then(prepare).catch(() => {}); // what fails is tried again, and said, when it is chosen
  }, LATER_MS);
  const link = Object.fromEntries(axes.map(({ key, values }, k) => [key, values[runs[number][k]]]));
  history.replaceState(null, "", `#${new URLSearchParams({ ...link, epoch: epochs[epoch] })}`);
}

/** Load the runs one step of a slider away, and compute the scores of this place among their epochs. */
async function prepare() {
  const [own, at] = [number, epoch];
  for (const [other, values] of runs.entries()) {
    if (sum(values.map((value, k) => Math.abs(value - runs[own][k]))) !== 1) continue;
    await pause(LATER_MS); // what is pressed comes first
    if (number !== own || epoch !== at) return;
    const { about, scores } = await ready(other);
    if (number === own && epoch === at && parts.includes("matrix")) scores(Math.min(at, about.epochs.length - 1));
  }
}

function select(/** @type {number} */ truth, /** @type {number} */ predicted) {
  [cell, page] = [{ true: truth, predicted }, 0];
  showMatrix();
  const [first] = /** @type {any[]} */ (gallery.get("images"));
  if (isCell() && first) putOnPad(first.key);
}

function putOnPad(/** @type {number} */ at) {
  image = at;
  const enlarged = Uint8Array.from({ length: PAD * PAD }, (_, k) => pixels(at)[Math.floor(k / PAD / 5) * SIDE + Math.floor((k % PAD) / 5)]);
  ink = new DataView(enlarged.buffer);
  pad.set("ink", ink);
  showNetwork();
}

/** Show the run nearest to the wanted values, at the epoch nearest to the one shown before, or wanted.
 * @param {any[]} wanted @param {number} [moved] the control @param {number} [at] the epoch */
async function show(wanted, moved = -1, at = undefined) {
  const next = nearestRun(runs, axes, wanted, moved, runs[site.start]);
  number = next;
  const chosen = await ready(next);
  if (next !== number) return; // another one was chosen meanwhile
  if (run.about && time.get("position") >= 0) at ??= run.about.epochs[epoch]; // that is shown by now
  run = chosen;
  const [{ epochs }, own] = [run.about, runs[number]];
  epoch = at === undefined ? epochs.length - 1 : argmax(epochs.map((/** @type {number} */ one) => -Math.abs(one - at)));
  const missing = axes.flatMap(({ label, values, texts }, k) =>
    [undefined, values[own[k]]].includes(wanted[k]) ? [] : [`${label.toLowerCase()} ${texts[own[k]]}, not ${wanted[k]}`],
  );
  if (at !== undefined && epochs[epoch] !== at) missing.push(`epoch ${epochs[epoch]}, not ${at < 1 ? "a step before its end" : at}`);
  say("said", missing.length ? `The nearest recorded: ${missing.join("; ")}.` : "");
  say("hint", run.about.hint);
  const siblings = runs.filter((other) => axes.every(({ isNumber }, k) => isNumber || other[k] === own[k]));
  for (const [k, { values, isNumber }] of axes.entries()) {
    const stops = values.filter((_, stop) => siblings.some((other) => other[k] === stop));
    const _control = { ...controls[k].get("_control"), stops, low: String(stops[0]), high: String(stops.at(-1)) };
    controls[k].update({ value: values[own[k]], ...(isNumber ? { _control, disabled: stops.length < 2 } : {}) });
  }
  time.set("position", epoch === epochs.length - 1 ? -1 : epoch);
  showAll();
}

/** Follow a link as `#hidden=64&batch=8&epoch=3`. */
function follow() {
  const link = new URLSearchParams(location.hash.slice(1));
  const wanted = axes.map(({ key, isNumber }) => (link.has(key) ? (isNumber ? Number(link.get(key)) || 0 : link.get(key)) : undefined));
  return show(wanted, -1, link.has("epoch") ? Number(link.get("epoch")) || 0 : undefined);
}

const endReplay = () => time.get("note") && time.update({ note: "", position: -1 });

/** Show the networks within the first epoch, one after the other, and then the last epoch's. */
async function replay() {
  for (let at = 1; time.get("note") && at <= site.n_early; at++) {
    await pause(REPLAY_MS / site.n_early);
    if (time.get("note") && at < site.n_early) time.set("position", at);
  }
  endReplay();
}

async function begin() {
  const all = new Uint8Array(await bytesOf("images"));
  [labels, images] = [all.subarray(0, site.n_images), all.subarray(site.n_images)];
  const moves = site.n_early && !location.hash && !matchMedia("(prefers-reduced-motion: reduce)").matches;
  if (moves) time.set("note", "Replay");
  await (moves ? show([], -1, 0) : follow());
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
  theme.on("change:value", () => Object.assign(document.documentElement.dataset, { explorerTheme: theme.get("value") }));
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
  addEventListener("hashchange", () => follow().catch(fail));
  const plotly = async () => runScript("plotly").then(() => Reflect.get(globalThis, `${site.plotly}.script`));
  if (parts.some((part) => part !== "draw")) Object.assign(globalThis, { [site.plotly]: plotly() });
  await Promise.all([...curves.map(({ model }, k) => put("live_figure", model, `curves-${k}`)), put("live_figure", matrix, "matrix")]);
  await replayed;
}

const begun = begin().catch((error) => say("note", `This page can't be shown: ${error.message ?? "a file is missing"}.`));

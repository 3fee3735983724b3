// @ts-check
// What a network computes: the forward pass, a drawing's preparation, and what lights up, each equal to Python's.

/**
 * @typedef {Float32Array | Float64Array} Reals
 * @typedef {{ hidden: string, output: string, sizes: number[], W: Reals[], b: Reals[] }} Network
 *   each W from inputs to units: the weight of input j and unit i is at j · n_units + i
 * @typedef {{ unit: number, terms: number[], bias: number, total: number, output: number }} Sum
 */

export const SIDE = 28; // px
const [BOX, CENTER, MOST_UNITS, MOST_LINKS, MOST_TERMS] = [20, 14, 32, 12, 5];

/** @type {Record<string, (a: number) => number>} */
const ACTIVATIONS = { sigmoid: (a) => 1 / (1 + Math.exp(-a)), tanh: Math.tanh, relu: (a) => Math.max(0, a) };

/** @param {Float64Array} a */
function softmax(a) {
  const most = Math.max(...a);
  const e = a.map((one) => Math.exp(one - most));
  const sum = e.reduce((one, other) => one + other);
  return e.map((one) => one / sum);
}

/**
 * The activations of each layer, the outputs last. Pixels, 0 to 255, that are blank cost nothing.
 * @param {Network} network @param {ArrayLike<number>} image
 */
export function forward({ hidden, output, sizes, W, b }, image) {
  let inputs = new Float64Array(image.length);
  for (let j = 0; j < image.length; j++) inputs[j] = image[j] / 255;
  return W.map((weights, layer) => {
    const [n, a, last] = [sizes[layer + 1], Float64Array.from(b[layer]), layer === W.length - 1];
    for (let j = 0; j < inputs.length; j++) {
      const h = inputs[j];
      if (h !== 0) for (let i = 0, at = j * n; i < n; i++, at++) a[i] += h * weights[at];
    }
    inputs = last && output === "softmax" ? softmax(a) : a.map(ACTIVATIONS[last ? output : hidden]);
    return inputs;
  });
}

/** The place of the largest number; NaN never is.
 * @param {ArrayLike<number>} values */
export function argmax(values) {
  let best = 0;
  for (let k = 1; k < values.length; k++) if (values[k] > values[best] || Number.isNaN(values[best])) best = k;
  return best;
}

/** Places in the order of a size, largest first, ties in the order of the places.
 * @param {ArrayLike<number>} sizes */
const largestFirst = (sizes) => Array.from(sizes, (_, at) => at).sort((one, other) => sizes[other] - sizes[one] || one - other);

/** Round to the nearest integer, halves to the even one, as Python does.
 * @param {number} value */
function rint(value) {
  const up = Math.round(value);
  return up - value === 0.5 && up % 2 ? up - 1 : up;
}

/** The mean of the `n` stretches of equal length that a line of numbers is divided into.
 * @param {number[]} line @param {number} n */
function shrunk(line, n) {
  return Array.from({ length: n }, (_, k) => {
    const [from, to] = [(k * line.length) / n, ((k + 1) * line.length) / n];
    let sum = 0;
    for (let at = Math.floor(from); at < to && at < line.length; at++) sum += line[at] * (Math.min(to, at + 1) - Math.max(from, at));
    return sum / (to - from);
  });
}

/** @param {number[][]} rows */
const transposed = (rows) => rows[0].map((_, column) => rows.map((row) => row[column]));

/**
 * A drawing as an MNIST image: cropped, scaled into 20 × 20 pixels, its center of mass at (14, 14).
 * @param {Uint8Array} ink of a square, row by row
 */
export function preprocessed(ink) {
  const [side, image] = [Math.sqrt(ink.length), new Uint8Array(SIDE * SIDE)];
  const rows = Array.from({ length: side }, (_, row) => [...ink.subarray(row * side, (row + 1) * side)]);
  const within = (/** @type {number[][]} */ lines) => {
    const inked = lines.map((line) => line.some(Boolean));
    return lines.slice(inked.indexOf(true), inked.lastIndexOf(true) + 1);
  };
  if (!ink.some(Boolean)) return image;
  const cropped = transposed(within(transposed(within(rows))));
  const longest = Math.max(cropped.length, cropped[0].length);
  const [height, width] = [cropped.length, cropped[0].length].map((one) => Math.max(1, rint((one * BOX) / longest)));
  const means = transposed(transposed(cropped.map((row) => shrunk(row, width))).map((column) => shrunk(column, height))).flat();
  const strongest = argmax(means); // stays, where means over a large area round to no ink
  const scaled = means.map((mean, at) => Math.max(rint(mean), Number(at === strongest)));
  const mass = scaled.reduce((one, other) => one + other);
  const masses = scaled.reduce(([row, column], value, at) => [row + value * Math.floor(at / width), column + value * (at % width)], [0, 0]);
  const [top, left] = [height, width].map((room, k) => Math.min(Math.max(rint(CENTER - masses[k] / mass), 0), SIDE - room));
  for (const [at, value] of scaled.entries()) image[(top + Math.floor(at / width)) * SIDE + left + (at % width)] = value;
  return image;
}

const sign = (/** @type {number} */ value) => (value < 0 ? "−" : "+") + Math.abs(value).toFixed(2);
const plain = (/** @type {number} */ value) => sign(value).replace("+", "");

/** Two decimals of each term, so that they add up to the total: the method of largest remainders.
 * @param {number[]} terms @param {number} total */
export function roundedToSum(terms, total) {
  const down = terms.map((term) => Math.floor(100 * term));
  const missing = rint(100 * total) - down.reduce((one, other) => one + other, 0);
  if (!(missing >= 0 && missing <= down.length)) return terms;
  for (const at of largestFirst(terms.map((term, k) => 100 * term - down[k])).slice(0, missing)) down[at] += 1;
  return down.map((cents) => cents / 100);
}

/** What each unit of the layer before adds to the weighted sum of a unit of layer `layer`, from 1.
 * @param {Network} network @param {Float64Array[]} h @param {number} layer @param {number} unit @returns {Sum} */
function sumOf({ sizes, W, b }, h, layer, unit) {
  const terms = Array.from(h[layer - 1], (value, j) => value * W[layer][j * sizes[layer + 1] + unit]);
  const bias = b[layer][unit];
  return { unit, terms, bias, total: terms.reduce((one, other) => one + other, bias), output: h[layer][unit] };
}

/** @param {Sum} sum @param {string} name @param {string} symbol @returns {[string, string][]} */
function piecesOf({ terms, bias, total, output }, name, symbol) {
  const largest = largestFirst(terms.map(Math.abs)).slice(0, MOST_TERMS);
  const rest = terms.filter((_, at) => !largest.includes(at));
  const values = [...largest.map((at) => terms[at]), ...(rest.length ? [rest.reduce((one, other) => one + other)] : []), bias];
  const rounded = roundedToSum(values, total);
  const written = rounded.slice(0, largest.length).map((term) => [` ${sign(term)}`, term < 0 ? "negative" : "positive"]);
  const others = rest.length ? [[` ${sign(rounded[largest.length])} from ${rest.length} other unit${rest.length > 1 ? "s" : ""}`, ""]] : [];
  const end = [` ${sign(/** @type {number} */ (rounded.at(-1)))} bias = ${plain(total)} → ${symbol} → ${output.toFixed(2)}`, ""];
  return /** @type {[string, string][]} */ ([[`${name}:`, ""], ...written, ...others, end]);
}

/**
 * What the drawing of the network shows: layers and signal, for an image's activations.
 * @param {Network} network @param {Float64Array[]} h @param {string[]} names @param {number} chosen a class; -1: the largest output
 * @param {number} truth -1 if unknown @param {Set<number>} whole layers of which all units are shown
 */
export function lit(network, h, names, chosen, truth, whole) {
  const [outputs, last] = [h[h.length - 1], h.length - 1];
  /** @type {Sum[]} */
  const sums = [];
  let unit = chosen < 0 ? argmax(outputs) : chosen;
  for (let layer = last; layer > 0; layer--) {
    sums.unshift(sumOf(network, h, layer, unit));
    unit = largestFirst(sums[0].terms.map(Math.abs))[0];
  }
  const layers = h.slice(0, -1).map((values, layer) => {
    const n = values.length;
    const outgoing = (/** @type {number} */ j) =>
      Math.hypot(...network.W[layer + 1].subarray(j * network.sizes[layer + 2], (j + 1) * network.sizes[layer + 2]));
    const sizes = layer === last - 1 ? sums[layer].terms.map(Math.abs) : Array.from(values, (value, j) => Math.abs(value) * outgoing(j));
    const units = largestFirst(sizes).slice(0, whole.has(layer) ? n : MOST_UNITS);
    return { title: `${n} unit${n > 1 ? "s" : ""}, ${network.hidden}`, units: units.sort((one, other) => one - other), n_units: n };
  });
  const links = sums.flatMap(({ unit: onto, terms }, layer) => {
    const target = layer + 1 < layers.length ? layers[layer + 1].units.indexOf(onto) : onto;
    const full = Math.max(...terms.map(Math.abs)) || 1;
    const shown = largestFirst(terms.map(Math.abs)).filter((j) => terms[j] && layers[layer].units.includes(j));
    const strongest = shown.slice(0, MOST_LINKS).map((j) => [layers[layer].units.indexOf(j), terms[j] / full]);
    return target < 0 ? [] : [{ layer, target, terms: strongest }];
  });
  const levels = layers.map(({ units }, layer) => {
    const full = Math.max(1, ...units.map((j) => Math.abs(h[layer][j])));
    return new DataView(Int8Array.from(units, (j) => rint((127 * h[layer][j]) / full)).buffer);
  });
  const final = sums[sums.length - 1];
  const name = names[final.unit]; // that the links lead to
  const hints = layers.map(({ units }, layer) =>
    units.map((j) => `Unit ${j}: ${plain(h[layer][j])}${layer === last - 1 ? `, adds ${sign(final.terms[j])} to ${name}` : ""}`),
  );
  const spoken = largestFirst(final.terms.map(Math.abs)).map((j) => `unit ${j} ${sign(final.terms[j])}`);
  const signal = {
    ...{ levels, links, hints, decided: argmax(outputs), true: truth, looked_at: final.unit },
    ...{ outputs: [...outputs], figures: Array.from(outputs, (value) => value.toFixed(2)) },
    sum: piecesOf(final, name, network.output === "sigmoid" ? "σ" : "softmax"),
    spoken: `Largest contributions to ${name}: ${spoken.slice(0, MOST_TERMS).join(", ")}; sum ${sign(final.total)}`,
  };
  return { layers, signal };
}

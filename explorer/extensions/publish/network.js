// @ts-check
// What a network computes: the forward pass, a drawing's preparation, and what lights up, each equal to Python's.

/** @typedef {Float32Array | Float64Array} Reals */
/** Each W is from inputs to units: the weight of input j and unit i is at j · n_units + i.
 * @typedef {{ hidden: string, output: string, sizes: number[], W: Reals[], b: Reals[] }} Network */

const [SIDE, BOX, CENTER, MOST_UNITS, MOST_OF_FIRST, CLOSE, BARELY] = [28, 20, 14, 32, 20, 1e-5, 0.005];

/** @type {Record<string, (a: number) => number>} */
const ACTIVATIONS = { sigmoid: (a) => 1 / (1 + Math.exp(-a)), tanh: Math.tanh, relu: (a) => Math.max(0, a) };

function softmax(/** @type {Float64Array} */ a) {
  const most = Math.max(...a);
  const e = a.map((one) => Math.exp(one - most));
  const sum = e.reduce((one, other) => one + other);
  return e.map((one) => one / sum);
}

/** The activations of each layer, the outputs last. Pixels, 0 to 255, that are blank cost nothing.
 * @param {Network} network @param {ArrayLike<number>} image */
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

/** The place of the largest number; NaN never is. @param {ArrayLike<number>} values */
export function argmax(values) {
  let best = 0;
  for (let k = 1; k < values.length; k++) if (values[k] > values[best] || Number.isNaN(values[best])) best = k;
  return best;
}

/** The places of all outputs that can't be told from the largest: but for rounding, or since all are shown as 0.00. */
export const tied = (/** @type {ArrayLike<number>} */ outputs, most = outputs[argmax(outputs)]) =>
  Array.from(outputs, (_, k) => k).filter((k) => most - outputs[k] <= CLOSE || most < BARELY);

/** Round to the nearest integer, halves to the even one, as Python does. @param {number} value */
const rint = (value, up = Math.round(value)) => (up - value === 0.5 && up % 2 ? up - 1 : up);

/** The sums over the `n` stretches of equal length that a line of numbers is divided into, times `n`: whole numbers.
 * @param {number[]} line @param {number} n */
function shrunk(line, n) {
  return Array.from({ length: n }, (_, k) => {
    const [from, to] = [k * line.length, (k + 1) * line.length];
    let sum = 0;
    for (let at = Math.floor(from / n); at * n < to; at++) sum += line[at] * (Math.min(to, (at + 1) * n) - Math.max(from, at * n));
    return sum;
  });
}

const transposed = (/** @type {number[][]} */ rows) => rows[0].map((_, column) => rows.map((row) => row[column]));

/** The means of the areas that an image is divided into. @param {number[][]} rows @param {number} height @param {number} width */
function resized(rows, height, width) {
  const sums = transposed(transposed(rows.map((row) => shrunk(row, width))).map((column) => shrunk(column, height)));
  return sums.flat().map((sum) => sum / (rows.length * rows[0].length));
}

/** The rows of a square. @param {Uint8Array} pixels */
const rowsOf = (pixels, side = Math.sqrt(pixels.length)) =>
  Array.from({ length: side }, (_, row) => [...pixels.subarray(row * side, (row + 1) * side)]);

/** A drawing in a square as an image of `n` × `n` pixels, by way of MNIST's 28 × 28: cropped, scaled into 20 × 20 pixels, its
 * center of mass at (14, 14). @param {Uint8Array} ink */
export function preprocessed(ink, n = SIDE) {
  const image = new Uint8Array(SIDE * SIDE);
  const within = (/** @type {number[][]} */ lines) => {
    const inked = lines.map((line) => line.some(Boolean));
    return lines.slice(inked.indexOf(true), inked.lastIndexOf(true) + 1);
  };
  if (!ink.some(Boolean)) return new Uint8Array(n * n);
  const cropped = transposed(within(transposed(within(rowsOf(ink)))));
  const longest = Math.max(cropped.length, cropped[0].length);
  const [height, width] = [cropped.length, cropped[0].length].map((one) => Math.max(1, rint((one * BOX) / longest)));
  const means = resized(cropped, height, width);
  const strongest = argmax(means); // stays, where means over a large area round to no ink
  const scaled = means.map((mean, at) => Math.max(rint(mean), Number(at === strongest)));
  const mass = scaled.reduce((one, other) => one + other);
  const masses = scaled.reduce(([row, column], value, at) => [row + value * Math.floor(at / width), column + value * (at % width)], [0, 0]);
  const [top, left] = [height, width].map((room, k) => Math.min(Math.max(rint(CENTER - masses[k] / mass), 0), SIDE - room));
  for (const [at, value] of scaled.entries()) image[(top + Math.floor(at / width)) * SIDE + left + (at % width)] = value;
  return n === SIDE ? image : Uint8Array.from(resized(rowsOf(image), n, n), (mean) => rint(mean));
}

const view = (/** @type {ArrayLike<number>} */ numbers) => new DataView(Float32Array.from(numbers).buffer);

/** What the drawing of the network shows: layers and signal, for an image's activations.
 * @param {Network} network @param {Float64Array[]} h @param {number} chosen a class; -1: the largest output
 * @param {number} truth -1 if unknown @param {Set<number>} whole layers of which all units are shown */
export function lit({ hidden, output, sizes, W, b }, h, chosen, truth, whole) {
  const [outputs, last] = [h[h.length - 1], h.length - 1];
  const decided = tied(outputs).length > 1 ? -1 : argmax(outputs);
  const looked_at = [chosen, decided, truth, argmax(outputs)].find((one) => one >= 0) ?? 0;
  const sums = /** @type {{ unit: number, terms: number[] }[]} */ ([]);
  for (let [layer, unit] = [last, looked_at]; layer > 0; layer--) {
    const terms = Array.from(h[layer - 1], (value, j) => value * W[layer][j * sizes[layer + 1] + unit]);
    sums.unshift({ unit, terms: [...terms, b[layer][unit]] });
    unit = argmax(terms.map(Math.abs));
  }
  const layers = h.slice(0, -1).map((values, layer) => {
    const [n, n_next] = sizes.slice(layer + 1);
    const outgoing = (/** @type {number} */ j) => Math.hypot(...W[layer + 1].subarray(j * n_next, (j + 1) * n_next));
    const size = Array.from(values, (value, j) => Math.abs(layer === last - 1 ? sums[layer].terms[j] : value * outgoing(j)));
    const order = [...size.keys()].sort((one, other) => size[other] - size[one] || one - other);
    const most = layer || W.length === 2 ? MOST_UNITS : MOST_OF_FIRST;
    const units = order.slice(0, whole.has(layer) ? n : most).sort((one, other) => one - other);
    const several = n > 1 ? "s" : "";
    const heading = layer ? "" : `${n} pattern${several} it looks for`;
    return { title: `${n} unit${several}, ${hidden}`, heading, units, n_units: n };
  });
  const signal = {
    values: layers.map(({ units }, layer) => view(units.map((j) => h[layer][j]))),
    sums: sums.map(({ unit, terms }) => ({ unit, terms: view(terms) })),
    symbol: output === "sigmoid" ? "σ" : output,
    ...{ outputs: [...outputs], figures: Array.from(outputs, (value) => value.toFixed(2)) },
    ...{ decided, true: truth, looked_at, words: "", spoken: "", hints: [] },
  };
  return { layers, signal };
}

// @ts-check
// Stands in for a kernel: models that are plain objects, parts mounted as they are, files that a disk can serve too.

/** What a part needs of a widget's model. */
export class Model extends EventTarget {
  /** @param {Record<string, any>} state @param {(content: any, model: Model) => void} [onMessage] gets the messages to Python */
  constructor(state, onMessage = () => {}) {
    super();
    this.state = state;
    this.send = (/** @type {any} */ content) => onMessage(content, this);
  }
  get = (/** @type {string} */ name) => this.state[name];
  set = (/** @type {string} */ name, /** @type {any} */ value) => this.update({ [name]: value });
  save_changes() {}
  on(/** @type {string} */ events, /** @type {(given: any) => void} */ listener) {
    for (const name of events.split(" ")) this.addEventListener(name, (event) => listener(/** @type {CustomEvent} */ (event).detail));
  }
  tell = (/** @type {string} */ event, /** @type {any} */ detail = undefined) => this.dispatchEvent(new CustomEvent(event, { detail }));
  /** Set several values, and then tell of those that have changed. @param {Record<string, any>} values */
  update(values) {
    const changed = Object.keys(values).filter((name) => this.state[name] !== values[name]);
    Object.assign(this.state, values);
    for (const name of changed) this.tell(`change:${name}`);
    if (changed.length) this.tell("change");
  }
}

const urlOf = (/** @type {BlobPart[]} */ ...text) => URL.createObjectURL(new Blob(text, { type: "text/javascript" }));

/** Returns what mounts a part in an element; scripts are imported once each.
 * @param {{ base: string, scripts: Record<string, string> }} parts */
export function mounter({ base, scripts }) {
  const modules = /** @type {Record<string, Promise<any>>} */ ({});
  const load = (/** @type {string} */ name) => (modules[name] ??= import(urlOf(base, "\n", scripts[name])));
  load("help"); // not a part: it is there for all
  return async (/** @type {string} */ name, /** @type {Model} */ model, /** @type {HTMLElement | null} */ el) => {
    const { default: made } = await load(name);
    const widget = typeof made === "function" ? made() : made;
    const given = { model, el, signal: new AbortController().signal };
    widget.initialize?.(given);
    return widget.render(given);
  };
}

const inserted = (/** @type {string} */ src) =>
  new Promise((onload, onerror) => document.head.append(make("script", { src, onload, onerror })));

/** The bytes of a file of the folder. Pages from a disk may not fetch, but may load scripts. */
export async function bytesOf(/** @type {string} */ name) {
  const missing = new Error(`data/${name}.js is missing; if the page has been published again, reload it`);
  await inserted(`data/${name}.js`).catch(() => Promise.reject(missing));
  const { explorerFiles: files } = /** @type {any} */ (globalThis);
  const packed = fromBase64(files[name]);
  delete files[name];
  return new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}

export const runScript = async (/** @type {string} */ name) => inserted(urlOf(await bytesOf(name)));

/** A run's description, and a function that returns its network at one of its epochs, by place. */
export function unpacked(/** @type {ArrayBuffer} */ buffer) {
  let at = 4 + new DataView(buffer).getUint32(0, true);
  const about = JSON.parse(new TextDecoder().decode(buffer.slice(4, at)));
  const { sizes, epochs, few, hidden, output } = about;
  const take = (/** @type {any} */ Kind, /** @type {number} */ n) => {
    at += n * Kind.BYTES_PER_ELEMENT;
    return new Kind(buffer.slice(at - n * Kind.BYTES_PER_ELEMENT, at));
  };
  const layers = sizes.slice(1).map((/** @type {number} */ n, /** @type {number} */ layer) => {
    const each = n * sizes[layer];
    const [scales, biases] = [take(Float32Array, n), take(Float32Array, n * epochs.length)];
    const whole = take(each > few ? Int8Array : Int16Array, each * epochs.length);
    for (let k = each; k < whole.length; k++) whole[k] += whole[k - each]; // they are differences from the epoch before
    return {
      W: (/** @type {number} */ k) => Float32Array.from(whole.subarray(k * each, (k + 1) * each), (one, at) => one * scales[at % n]),
      b: (/** @type {number} */ k) => biases.subarray(k * n, (k + 1) * n),
    };
  });
  const all = (/** @type {string} */ name, /** @type {number} */ k) => layers.map((/** @type {any} */ layer) => layer[name](k));
  return { about, network: (/** @type {number} */ k) => ({ hidden, output, sizes, W: all("W", k), b: all("b", k) }) };
}

/** @typedef {{ key: string, label: string, values: any[], texts: string[], isNumber: boolean }} Axis */

/** The recorded run nearest to wanted values of the settings, undefined for any; the one `moved` counts most of all sliders.
 * @param {number[][]} runs places of their values @param {Axis[]} axes @param {any[]} wanted @param {number} moved
 * @param {number[]} usual the run that is nearest to one of which nothing is wanted */
export function nearestRun(runs, axes, wanted, moved, usual = runs[0]) {
  const distances = runs.map((run) =>
    axes.reduce((sum, { values, isNumber }, k) => {
      const own = values[run[k]];
      if (wanted[k] === undefined) return sum + 1e-9 * Math.abs(run[k] - usual[k]);
      if (own === wanted[k]) return sum;
      if (!isNumber) return sum + (k === moved ? 1e9 : 1e7);
      return sum + (k === moved ? 1e3 : 1) * Math.abs(Math.log((own + 1e-9) / (Math.max(0, wanted[k]) + 1e-9)));
    }, 0),
  );
  return distances.indexOf(Math.min(...distances));
}

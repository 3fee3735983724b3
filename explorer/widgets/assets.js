// @ts-check
// Gives the parts their scripts: each is imported once per page, however many parts use it.

const HURRY = 2000; // ms after which anywidget drops Python's messages to a widget that isn't ready
const PATIENCE = 120_000; // a page that draws figures may be busy for long
const { timeout } = AbortSignal;

/** @type {import("@anywidget/types").AnyWidget<{ key: string, base: string, scripts: Record<string, string> }>} */
export default {
  initialize({ model }) {
    const [key, base, scripts] = [model.get("key"), model.get("base"), model.get("scripts")];
    if (!key) return; // a folder with style sheets only
    AbortSignal.timeout = (ms) => timeout.call(AbortSignal, ms === HURRY ? PATIENCE : ms);
    /** @type {Map<string, Promise<any>>} */
    const modules = new Map();

    /** @param {string} name */
    const load = async (name) => {
      const text = [base, scripts[name], `//# sourceURL=explorer/${name}.js`];
      const url = URL.createObjectURL(new Blob([text.join("\n")], { type: "text/javascript" }));
      try {
        return await import(url);
      } finally {
        URL.revokeObjectURL(url);
      }
    };
    // The widget or its view may be gone when the script arrives.
    const unlessGone = (/** @type {Function | undefined} */ what) => (/** @type {{ signal?: AbortSignal }} */ its) =>
      its.signal?.aborted ? undefined : what?.(its);
    /** @param {string} name */
    const give = async (name) => {
      if (!modules.has(name)) modules.set(name, load(name));
      const { default: made } = await modules.get(name);
      const widget = typeof made === "function" ? made() : made; // some have state per widget
      return { initialize: unlessGone(widget?.initialize), render: unlessGone(widget?.render) };
    };
    // Parts may be waiting already; after a kernel restart, another widget has resolved it, with the same scripts.
    const page = /** @type {Record<string, PromiseWithResolvers<typeof give>>} */ (/** @type {unknown} */ (globalThis));
    page[key] ??= Promise.withResolvers();
    page[key].resolve(give);
    if (scripts.help) give("help"); // not a part: it is there for all
  },
};

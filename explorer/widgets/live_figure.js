// @ts-check
// Draws one live figure. Plotly's own widget code is imported once a page, whatever the number of figures.

/**
 * @typedef {{
 *   _carrier: string, _plotly_key: string, _keys: string[], _reported_edit: number, _widget_layout: { height?: number },
 *   summary: string,
 * }} State
 * @typedef {import("@anywidget/types").AnyModel<State>} Model
 * @typedef {{ initialize: (of: { model: any }) => void, render: (of: { el: HTMLElement }) => () => void }} PlotlyWidget
 * @typedef {{ default: () => PlotlyWidget, FigureView?: { prototype: object } }} PlotlyModule
 * @typedef {[event: string, callback: (...heard: any[]) => void][]} Listeners
 * @typedef {HTMLElement & {
 *   _fullLayout?: { autosize: boolean, width: number, height: number }, _responsiveChartHandler?: () => void,
 * }} Plot
 */

const FAILED = "This figure cannot be drawn: Plotly did not load. Reload the page to try again.";

/** @param {Model} model @returns {Promise<PlotlyModule>} */
async function fromCarrier(model) {
  const carrier = await model.widget_manager.get_model(model.get("_carrier").slice("IPY_MODEL_".length));
  if (!carrier.get("source")) {
    const filled = new Promise((resolve) => carrier.on("change:source", () => resolve(undefined)));
    carrier.send({ kind: "source" });
    await filled;
  }
  const url = URL.createObjectURL(new Blob([carrier.get("source")], { type: "text/javascript" }));
  try {
    return await import(url);
  } finally {
    URL.revokeObjectURL(url);
  }
}

// What the figures of a page share is a promise of the module. A page that can fetch the same file over HTTP, where
// the browser caches it, has begun to, under the key with ".page".
/** @param {Model} model */
function sharedPlotly(model) {
  const page = /** @type {Record<string, Promise<PlotlyModule> | undefined>} */ (/** @type {unknown} */ (globalThis));
  const key = model.get("_plotly_key"); // holds Plotly's version
  page[key] ??= (page[`${key}.page`] ?? Promise.reject(new Error("The page has no Plotly")))
    .catch(() => fromCarrier(model))
    .then((plotly) => {
      // After each update Plotly's widget sends back every default that it chose. Nothing here reads them.
      const silent = { _sendTraceDeltas() {}, _sendLayoutDelta() {} };
      Object.assign(plotly.FigureView?.prototype ?? {}, silent);
      return plotly;
    });
  return page[key];
}

/**
 * The model as Plotly's widget sees it: of what the page does only clicks reach Python, so that zooming or hiding a
 * curve stays the reader's own; `listeners` collects what a view hears, to be dropped with the view.
 * @param {Model} model
 * @param {Listeners} listeners
 */
function quiet(model, listeners) {
  return {
    get: (/** @type {keyof State} */ name) => model.get(name),
    on(/** @type {string} */ event, /** @type {(...heard: any[]) => void} */ callback) {
      model.on(event, callback);
      listeners.push([event, callback]);
    },
    set(/** @type {string} */ name, /** @type {any} */ value) {
      if (name === "_js2py_pointsCallback" && value?.event_type === "plotly_click") {
        model.send({ kind: "click", points: value.points });
      }
    },
    save_changes() {},
  };
}

/** @param {Plot} el */
function fit(el) {
  const resize = el._responsiveChartHandler ?? (() => window.dispatchEvent(new Event("resize")));
  if (el.clientWidth > 0) resize();
}

/**
 * A resize that comes while Plotly draws is lost, so look again until the figure fills its place.
 * @param {Plot} el
 */
function fitter(el) {
  let timer = 0;
  const fills = () => {
    const drawn = el._fullLayout;
    if (!drawn?.autosize || el.clientWidth === 0) return true;
    return Math.abs(drawn.width - el.clientWidth) < 2 && Math.abs(drawn.height - el.clientHeight) < 2;
  };
  const start = (times = 10) => {
    fit(el);
    clearTimeout(timer);
    if (times > 0) timer = setTimeout(() => fills() || start(times - 1), 200);
  };
  return { start: () => start(), stop: () => clearTimeout(timer) };
}

/** @param {Model} model @param {HTMLElement} el */
function label(model, el) {
  const summary = model.get("summary");
  if (summary) {
    // An image could hold no buttons; where keys choose a point, they are the figure's and not the screen reader's.
    el.setAttribute("role", model.get("_keys").length ? "application" : "figure");
    el.setAttribute("aria-label", summary);
  }
}

/**
 * A figure that hears keys takes the focus; those that Python has no use for stay the page's.
 * @param {Model} model
 * @param {HTMLElement} el
 */
function listenToKeys(model, el) {
  if (model.get("_keys").length === 0) return;
  el.tabIndex = 0;
  el.addEventListener("keydown", (event) => {
    if (event.target !== el || event.ctrlKey || event.metaKey || event.altKey) return;
    if (!model.get("_keys").includes(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
    model.send({ kind: "key", key: event.key });
  });
}

/** @param {HTMLElement} el @param {unknown} error */
function complain(el, error) {
  console.warn(FAILED, error);
  el.setAttribute("role", "alert");
  el.classList.add("explorer-figure-failed");
  el.textContent = FAILED;
}

/** @type {() => import("@anywidget/types").AnyWidget<State>} */
export default () => {
  /** @type {Listeners} */
  const listeners = [];
  /** @type {Map<HTMLElement, () => void>} */
  const views = new Map(); // element → what undoes its drawing
  /** @type {Map<HTMLElement, ReturnType<typeof fitter>>} */
  const fits = new Map(); // element → what makes its drawing fill it
  /** @type {Promise<PlotlyWidget>} */
  let figure;

  const start = async (/** @type {Model} */ model) => {
    const plotly = await sharedPlotly(model);
    const widget = plotly.default();
    widget.initialize({ model: quiet(model, listeners) });
    return widget;
  };

  /** @param {PlotlyWidget} widget @param {Model} model @param {HTMLElement} el */
  const draw = (widget, model, el) => {
    listeners.length = 0;
    const height = model.get("_widget_layout").height;
    el.style.height = height ? `${height}px` : "100%";
    const clear = widget.render({ el });
    const heard = [...listeners];
    views.set(el, () => {
      for (const [event, callback] of heard) model.off(event, callback);
      clear();
    });
    // Updates that came before, while Plotly was loading or even before the page knew of the figure, were heard by
    // nobody. Python knows whether there were any, and then answers with the state.
    model.send({ kind: "state", edit: model.get("_reported_edit") });
  };

  return {
    initialize({ model }) {
      figure = start(model);
      figure.catch(() => {}); // shown by each view
      // Each answer to "state" counts further; its data may be those that the page has, with another layout.
      model.on("change:_reported_edit", async () => {
        const widget = await figure;
        for (const [el, clear] of [...views]) {
          clear();
          draw(widget, model, el);
          fits.get(el)?.start(); // drawn into an element that was empty for a moment, and smaller
        }
      });
    },

    async render({ model, el }) {
      const relabel = () => label(model, el);
      relabel();
      model.on("change:summary", relabel);
      listenToKeys(model, el);
      let widget;
      try {
        widget = await figure;
      } catch (error) {
        complain(el, error);
        return undefined;
      }
      draw(widget, model, el);
      // Voilà lays cells out while they are hidden, and so does a closed tab: measure when there is a width.
      const fitted = fitter(el);
      fits.set(el, fitted);
      const watcher = new ResizeObserver(fitted.start);
      watcher.observe(el);
      return () => {
        watcher.disconnect();
        fitted.stop();
        views.get(el)?.();
        views.delete(el);
        fits.delete(el);
      };
    },
  };
};

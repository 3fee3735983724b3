// @ts-check
// Draws one live figure. Plotly is loaded once per page, whatever the number of figures, and used by its public functions
// alone. A menu of ours has the figure's actions, and also works with keys, touch and matrices.

/**
 * @typedef {{
 *   _carrier: string, _plotly_key: string, _keys: string[], _clicks: boolean, _figure: Sent, name: string,
 * }} State
 * @typedef {import("@anywidget/types").AnyModel<State>} Model
 * @typedef {Record<string, any>} Properties by name, or of a change by path: "marker.color"
 * @typedef {{ edit: number, data: any[], layout: Properties, summary: string, buffers: DataView<ArrayBuffer>[] }} Sent
 * @typedef {Omit<Sent, "buffers">} Figure
 * @typedef {{ edit: number, traces: [index: number, change: Properties][], layout: Properties, summary?: string }} Update
 * @typedef {HTMLElement & { layout: Properties, on: (event: string, callback: (happened: any) => void) => void }} Plot
 * @typedef {(plot: HTMLElement, ...given: any[]) => Promise<unknown>} Draw
 * @typedef {{ purge: (plot: HTMLElement) => void } & Record<"newPlot" | "react" | "update" | "relayout" | "downloadImage", Draw>} Plotly
 * @typedef {{ x0: number, x1: number, y0: number, y1: number }} Edges
 * @typedef {{ curveNumber: number, pointNumber: number | number[], x: any, y: any, z?: any, bbox: Edges }} Point
 * @typedef {{ draw: () => void, update: (change: Update) => void }} View
 * @typedef {{ caption: string, head: string[], rows: string[][] }} Table
 */

const FAILED = "This figure cannot be drawn: Plotly did not load. Reload the page to try again.";
const PICTURE_WIDTH = 640; // minimum width in px: a figure on a phone is small, its picture need not be
const PICTURE_SCALE = 3; // PNG pixels per pixel of the figure: sharp on paper
const SCREEN = [960, 540]; // px of a figure's layout in full screen, which is then enlarged
const HEIGHT = 450; // px of a figure whose container has no height either
const LEAST_HEIGHT = 80;
const CONFIG = { displayModeBar: false, doubleClick: false, showTips: false, displayNotifier: false };
const ARRAYS = { Int8Array, Uint8Array, Int16Array, Uint16Array, Int32Array, Uint32Array, Float32Array, Float64Array };

/** @param {Model} model @param {Record<string, any>} page @param {string} script */
async function fromCarrier(model, page, script) {
  const carrier = await model.widget_manager.get_model(model.get("_carrier").slice("IPY_MODEL_".length));
  if (!carrier.get("source")) {
    const filled = new Promise((resolve) => carrier.on("change:source", () => resolve(undefined)));
    carrier.send({ kind: "source" });
    await filled;
  }
  const url = URL.createObjectURL(new Blob([carrier.get("source")], { type: "text/javascript" }));
  try {
    await import(url);
  } finally {
    URL.revokeObjectURL(url);
  }
  return page[script];
}

/** Plotly, of which the figures of a page share a promise. A page that can load the same script over HTTP, where the
 * browser caches it, has already started to, under the key with ".page".
 * @param {Model} model @returns {Promise<Plotly>} */
function sharedPlotly(model) {
  const page = /** @type {Record<string, any>} */ (globalThis);
  const key = model.get("_plotly_key"); // includes Plotly's version
  page[key] ??= (page[`${key}.page`] ?? Promise.reject(new Error("The page has no Plotly"))).catch(() =>
    fromCarrier(model, page, `${key}.script`),
  );
  return page[key];
}

/** What Python has sent, with its arrays.
 * @param {any} value @param {DataView<ArrayBuffer>[]} buffers @returns {any} */
export function decoded(value, buffers) {
  if (Array.isArray(value)) return value.map((one) => decoded(one, buffers));
  if (value === null || typeof value !== "object") return value;
  if ("dtype" in value) {
    const name = `${value.dtype[0].toUpperCase()}${value.dtype.slice(1)}Array`;
    const { buffer, byteOffset, byteLength } = buffers[value.buffer];
    // Copied, as an array of numbers must begin at a multiple of their size.
    return new ARRAYS[/** @type {keyof typeof ARRAYS} */ (name)](buffer.slice(byteOffset, byteOffset + byteLength));
  }
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, decoded(one, buffers)]));
}

/** Set the properties of a change, given by their paths.
 * @param {Properties} target @param {Properties} change */
export function apply(target, change) {
  for (const [path, value] of Object.entries(change)) {
    const names = path.split(".");
    const last = /** @type {string} */ (names.pop());
    let part = target;
    for (const name of names) part = part[name] ??= {};
    part[last] = value;
  }
}

/** The changes of several traces as Plotly takes them: for each path one value per trace, undefined where none changes.
 * @param {Update["traces"]} traces @returns {Properties} */
export function restyle(traces) {
  const paths = new Set(traces.flatMap(([, change]) => Object.keys(change)));
  return Object.fromEntries([...paths].map((path) => [path, traces.map(([, change]) => change[path])]));
}

/** The change of a layout that shows its axes in the ranges that Python wants.
 * @param {string[]} names of the layout's properties @param {Properties} layout */
export function homeRanges(names, layout) {
  const homes = names
    .filter((name) => /^[xy]axis\d*$/.test(name))
    .map((axis) => {
      const { range, autorange } = layout[axis] ?? {};
      return range ? [`${axis}.range`, range] : [`${axis}.autorange`, autorange ?? true];
    });
  return Object.fromEntries(homes);
}

const isRange = (/** @type {string} */ path) => /^[xy]axis\d*\.(auto)?range/.test(path);

/** A change of a layout without those of ranges: a user's zoom is kept on both axes. An axis of another quantity or scale
 * ends it.
 * @param {Properties} change */
export function keepZoom(change) {
  const paths = Object.keys(change);
  if (paths.some((path) => /^[xy]axis\d*\.(type|title\.text)$/.test(path))) return undefined;
  return Object.fromEntries(paths.filter((path) => !isRange(path)).map((path) => [path, change[path]]));
}

/** Plotly draws a legend with fewer lines than before at the old, taller margin, and draws it again only in another size:
 * two pixels are enough. Boxes are measured only if the legend has changed, as that lays out the whole page.
 * @param {Plot} plot @param {Properties} layout */
function straighten(plot, { legend: { yanchor } = {}, template }) {
  const isAbove = (yanchor ?? template?.layout.legend?.yanchor) === "bottom";
  const said = [plot.layout.width, template?.layout.font?.size, plot.querySelector(".legend")?.textContent].join(" ");
  if (!isAbove || said === plot.dataset.legend) return;
  plot.dataset.legend = said;
  const [legend, area] = [".legend", ".nsewdrag"].map((name) => plot.querySelector(name)?.getBoundingClientRect());
  if (legend && area && legend.bottom > area.top + 2) plot.style.width = plot.style.width ? "" : "calc(100% - 2px)";
}

/** The description for screen readers: an image could hold no buttons; where keys choose a point, they are the figure's and
 * not the screen reader's.
 * @param {Model} model @param {HTMLElement} plot @param {string} summary */
function label(model, plot, summary) {
  if (!summary) return;
  plot.setAttribute("role", model.get("_keys").length ? "application" : "figure");
  plot.setAttribute("aria-label", summary);
}

/** Draws a figure, once its plot is visible. Drawings follow each other: Plotly misses a size that changes while it draws.
 * @param {Plotly} plotly @param {Model} model @param {Plot} plot @param {() => Figure} figure as it is now
 * @param {AbortSignal} signal @param {Record<string, (happened: any) => void>} listeners to events of Plotly
 * @param {(zoomed: boolean) => void} onZoom */
function drawingOf(plotly, model, plot, figure, signal, listeners, onZoom) {
  let [width, height, isZoomed, isOurs, last] = [0, 0, false, false, Promise.resolve()];

  /** @param {() => Promise<unknown> | undefined} draw */
  const next = (draw) => {
    last = last.then(async () => {
      isOurs = true; // the changes of ranges that follow are not the user's
      try {
        const drawn = signal.aborted ? undefined : draw();
        await drawn?.then(() => straighten(plot, figure().layout));
      } catch (error) {
        console.warn("A figure was not drawn.", error);
      }
      isOurs = false;
    });
  };
  const setZoomed = (/** @type {boolean} */ zoomed) => {
    isZoomed = zoomed;
    onZoom(zoomed);
  };
  const whole = () => {
    const { data, layout } = structuredClone(figure()); // Plotly changes what it is given
    return [data, { ...layout, width, height }, CONFIG];
  };
  const home = () => {
    setZoomed(false);
    return homeRanges(Object.keys(plot.layout), figure().layout);
  };
  const drawing = {
    reset: () => next(() => plotly.relayout(plot, home())),
    /** Draw it all again. */
    draw() {
      label(model, plot, figure().summary);
      if (width) next(() => plotly.react(plot, ...whole()));
    },
    /** Draw in the size of the plot, unless that is hidden. */
    fit() {
      next(() => {
        // Without room for its axes, as while its place opens or closes, Plotly would put a title at infinity.
        const newWidth = plot.clientWidth;
        const newHeight = plot.clientHeight < LEAST_HEIGHT ? height || HEIGHT : plot.clientHeight;
        if (!newWidth || (newWidth === width && newHeight === height)) return undefined;
        const isFirst = !width;
        [width, height] = [newWidth, newHeight];
        return isFirst ? drawing.begin() : plotly.relayout(plot, { width, height });
      });
    },
    async begin() {
      await plotly.newPlot(plot, ...whole());
      plot.on("plotly_relayout", (change) => !isOurs && Object.keys(change ?? {}).some(isRange) && setZoomed(true));
      plot.on("plotly_doubleclick", drawing.reset);
      for (const [event, callback] of Object.entries(listeners)) plot.on(event, callback);
    },
    /** @param {Update} change */
    update(change) {
      label(model, plot, figure().summary);
      next(() => {
        if (!width) return undefined; // hidden: drawn with this change once it has a size
        const { traces, layout } = structuredClone(change);
        const kept = isZoomed ? (keepZoom(layout) ?? { ...layout, ...home() }) : layout;
        const indices = traces.map(([index]) => index);
        return plotly.update(plot, restyle(traces), kept, indices);
      });
    },
  };
  return drawing;
}

/** A figure that handles keys is focusable; keys that Python doesn't use are left to the page.
 * @param {Model} model @param {HTMLElement} el */
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

/** A file name: "Confusion matrix" as "confusion-matrix".
 * @param {string} name */
export function fileName(name) {
  const words = name.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? ["figure"];
  return words.join("-");
}

/** Let the browser save a plot as shown.
 * @param {Plotly} plotly @param {Plot} plot @param {string} name @param {"png" | "svg"} format */
function savePicture(plotly, plot, name, format) {
  const width = Math.max(PICTURE_WIDTH, plot.clientWidth);
  const height = Math.round((width * plot.clientHeight) / plot.clientWidth);
  const scale = format === "png" ? PICTURE_SCALE : 1;
  plotly.downloadImage(plot, { format, filename: fileName(name), width, height, scale });
}

/** @param {Table} table */
function tableOf({ caption, head, rows }) {
  const [corner, ...columns] = head.map((text) => make("th", { scope: "col" }, text));
  const row = ([name, ...texts] = /** @type {string[]} */ ([])) =>
    make("tr", {}, make("th", { scope: "row" }, name), ...texts.map((text) => make("td", {}, text)));
  const parts = [make("thead", {}, make("tr", {}, corner, ...columns)), make("tbody", {}, ...rows.map(row))];
  return make("div", { class: "explorer-part explorer-table" }, make("table", {}, make("caption", {}, caption), ...parts));
}

/** Show the current numbers of a figure until the dialog is closed.
 * @param {HTMLElement} el @param {string} name @param {Table[]} tables */
function showTables(el, name, tables) {
  const heading = make("h2", { id: freshId() }, `${name}: data`);
  const close = makeButton("Close", () => dialog.close());
  const body = make("div", { class: "explorer-data-tables", tabindex: 0, role: "region", "aria-labelledby": heading.id });
  body.append(...(tables.length ? tables.map(tableOf) : [make("p", { class: "explorer-muted" }, "There are no data yet.")]));
  const dialog = make("dialog", { class: "explorer-part explorer-data explorer-popup", "aria-labelledby": heading.id });
  dialog.dataset.lmSuppressShortcuts = "true";
  dialog.append(make("header", { class: "explorer-line" }, heading, close), body);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close()); // on the backdrop
  el.append(dialog);
  dialog.showModal();
  body.focus();
}

/** Show a figure in full screen, or leave it.
 * @param {HTMLElement} el */
function toggleFullScreen(el) {
  const change = document.fullscreenElement === el ? document.exitFullscreen() : el.requestFullscreen();
  change.catch((error) => console.info("The browser keeps its window.", error));
}

/** Add the button that resets the zoom, and the menu; return a function that shows or hides the former.
 * @param {Model} model @param {HTMLElement} el @param {AbortSignal} signal
 * @param {{ save: (format: "png" | "svg") => void, reset: () => void }} actions */
function figureTools(model, el, signal, { save, reset }) {
  const menu = make("div");
  let asked = false;
  const ask = () => {
    asked = true;
    model.send({ kind: "table" });
  };
  const full = menuEntry(menu, "Full screen", () => toggleFullScreen(el));
  menu.append(
    menuEntry(menu, "Save as PNG", () => save("png")),
    menuEntry(menu, "Save as SVG", () => save("svg")),
    menuEntry(menu, "Data table", ask),
    full,
  );
  full.hidden = !document.fullscreenEnabled;
  const more = makeButton(icon("M3 8h.01M8 8h.01M13 8h.01"), null, { "data-quiet": true, class: "explorer-figure-more" });
  asMenu(more, menu, signal);
  const tools = make("div", { class: "explorer-part explorer-figure-tools" }, more, menu);
  const zoomed = make("div", { class: "explorer-part explorer-figure-tools explorer-figure-zoomed", hidden: true });
  zoomed.append(makeButton("Reset zoom", reset));
  for (const part of [tools, zoomed]) part.dataset.lmSuppressShortcuts = "true";
  el.append(tools, zoomed);

  const onTables = (/** @type {{ tables?: Table[] }} */ content) => {
    if (!content.tables || !asked) return; // requested by another view of the figure
    asked = false;
    showTables(el, model.get("name"), content.tables);
  };
  const rename = () => {
    more.setAttribute("aria-label", `${model.get("name")}: picture, data, full screen`);
    more.title = "Picture, data, full screen";
  };
  el.addEventListener("fullscreenchange", () => {
    const on = document.fullscreenElement === el;
    full.textContent = on ? "Leave full screen" : "Full screen";
    const fits = Math.min(screen.width / SCREEN[0], screen.height / SCREEN[1]);
    el.style.setProperty("--enlarged", String(on ? Math.max(1, fits) : 1));
  });
  model.on("msg:custom", onTables);
  model.on("change:name", rename);
  rename();
  return (/** @type {boolean} */ isZoomed) => {
    zoomed.hidden = !isZoomed;
  };
}

/** Frame the cell under the pointer, to show that it can be selected.
 * @param {Plot} plot */
function frameCells(plot) {
  const frame = make("div", { class: "explorer-figure-cell", hidden: true });
  plot.append(frame);
  return {
    show(/** @type {Point} */ { z, bbox }) {
      if (z === undefined) return; // a point of a curve has no cell
      const [left, top] = [bbox.x0 - plot.offsetLeft, bbox.y0 - plot.offsetTop];
      const sides = { left, top, width: bbox.x1 - bbox.x0, height: bbox.y1 - bbox.y0 };
      for (const [side, length] of Object.entries(sides)) frame.style.setProperty(side, `${length}px`);
      frame.hidden = false;
    },
    hide() {
      frame.hidden = true;
    },
  };
}

/** @param {HTMLElement} el @param {unknown} error */
function complain(el, error) {
  console.warn(FAILED, error);
  el.setAttribute("role", "alert");
  el.classList.add("explorer-figure-failed");
  el.textContent = FAILED;
}

/** Report a click on a point to Python. @param {Model} model @param {Point} point */
function tell(model, { curveNumber, pointNumber }) {
  model.send({ kind: "click", trace: curveNumber, index: [pointNumber].flat() });
}

/** @type {() => import("@anywidget/types").AnyWidget<State>} */
export default () => {
  /** @type {Set<View>} */
  const views = new Set();
  /** @type {Figure} */
  let figure;
  /** @type {Promise<Plotly>} */
  let plotly;
  let isAsked = false; // for the figure, as updates were missed

  return {
    initialize({ model }) {
      const load = () => {
        const { edit, data, layout, summary, buffers } = model.get("_figure");
        figure = decoded({ edit, data, layout, summary }, buffers);
      };
      load();
      plotly = sharedPlotly(model);
      plotly.catch(() => {}); // each view shows the error
      model.on("change:_figure", () => {
        isAsked = false;
        if (model.get("_figure").edit <= figure.edit) return;
        load();
        for (const view of views) view.draw();
      });
      model.on("msg:custom", (/** @type {{ update?: Update }} */ { update }, /** @type {DataView<ArrayBuffer>[]} */ buffers) => {
        if (!update || update.edit <= figure.edit) return;
        if (update.edit > figure.edit + 1) {
          if (!isAsked) model.send({ kind: "state", edit: figure.edit });
          isAsked = true;
          return;
        }
        const change = decoded(update, buffers);
        figure.edit = change.edit;
        figure.summary = change.summary ?? figure.summary;
        for (const [index, properties] of change.traces) apply(figure.data[index], properties);
        apply(figure.layout, change.layout);
        for (const view of views) view.update(change);
      });
      // Updates that arrived before had no listener. Python knows whether there were any, and then sends the figure.
      // A page that is left while it loads has no connection any more.
      const { kernel } = /** @type {{ kernel?: { isDisposed: boolean } }} */ (/** @type {any} */ (model).widget_manager ?? {});
      if (!kernel?.isDisposed) model.send({ kind: "state", edit: figure.edit });
    },

    async render({ model, el, signal }) {
      el.classList.add("explorer-live-figure");
      followClasses(el, model);
      el.toggleAttribute("data-clicks", model.get("_clicks"));
      const plot = /** @type {Plot} */ (/** @type {unknown} */ (make("div", { class: "explorer-live-plot" })));
      el.append(plot);
      label(model, plot, figure.summary);
      listenToKeys(model, plot);
      const library = await plotly.catch((error) => complain(el, error));
      if (!library) return undefined;
      const cells = frameCells(plot);
      const listeners = {
        plotly_click: (/** @type {{ points: Point[] }} */ { points }) => model.get("_clicks") && tell(model, points[0]),
        plotly_hover: (/** @type {{ points: Point[] }} */ { points }) => model.get("_clicks") && cells.show(points[0]),
        plotly_unhover: cells.hide,
      };
      const onZoom = (/** @type {boolean} */ zoomed) => showReset(zoomed);
      const drawing = drawingOf(library, model, plot, () => figure, signal, listeners, onZoom);
      const save = (/** @type {"png" | "svg"} */ format) => savePicture(library, plot, model.get("name"), format);
      const showReset = figureTools(model, el, signal, { save, reset: drawing.reset });
      views.add(drawing);
      const watcher = new ResizeObserver(drawing.fit);
      watcher.observe(plot);
      drawing.fit();
      return () => {
        watcher.disconnect();
        views.delete(drawing);
        library.purge(plot);
      };
    },
  };
};

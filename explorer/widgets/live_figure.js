// @ts-check
// Draws one live figure. Plotly's own widget code is imported once per page, whatever the number of figures. A menu of
// ours has the figure's actions, and also works with keys, touch and matrices; Plotly's own mode bar is hidden, and
// its buttons are clicked by the menu.

/**
 * @typedef {{
 *   _carrier: string, _plotly_key: string, _keys: string[], _clicks: boolean, _hovers: boolean, _reported_edit: number,
 *   _widget_layout: { height?: number }, _config: Record<string, any>, _py2js_update: Update | null,
 *   name: string, summary: string,
 * }} State
 * @typedef {import("@anywidget/types").AnyModel<State>} Model
 * @typedef {{ initialize: (of: { model: any }) => void, render: (of: { el: HTMLElement }) => () => void }} PlotlyWidget
 * @typedef {{ layout_data: Record<string, any> }} Update
 * @typedef {{ model: { get: (name: string) => any }, el: Plot, do_update: () => void }} FigureView
 * @typedef {{ default: () => PlotlyWidget, FigureView?: { prototype: FigureView } }} PlotlyModule
 * @typedef {[event: string, callback: (...heard: any[]) => void][]} Listeners
 * @typedef {{
 *   range: [number, number], autorange: boolean | string, _rangeInitial0?: number, _rangeInitial1?: number,
 *   _offset: number, d2p: (value: any) => number, l2p: (value: number) => number,
 * }} Axis
 * @typedef {{ points: { x: any, y: any, z?: any, xaxis: Axis, yaxis: Axis }[] }} Hover
 * @typedef {HTMLElement & {
 *   _fullLayout?: { autosize: boolean, width: number, height: number } & Record<string, any>,
 *   _context: Record<string, any>, _responsiveChartHandler?: () => void,
 *   on: (event: string, listener: (heard: any) => void) => void,
 * }} Plot
 * @typedef {{ caption: string, head: string[], rows: string[][] }} Table
 */

const FAILED = "This figure cannot be drawn: Plotly did not load. Reload the page to try again.";
const PICTURE_WIDTH = 640; // minimum width in px: a figure on a phone is small, its picture need not be
const PICTURE_SCALE = 3; // PNG pixels per pixel of the figure: sharp on paper
const BUTTONS = { toImage: ".modebar-btn:not([data-attr])", resetScale2d: '.modebar-btn[data-val="reset"]' };
const SCREEN = [960, 540]; // px of a figure's layout in full screen, which is then enlarged

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

// The figures of a page share a promise of the module. A page that can load the same file over HTTP, where the browser
// caches it, has already started to, under the key with ".page".
/** @param {Model} model */
function sharedPlotly(model) {
  const page = /** @type {Record<string, Promise<PlotlyModule> | undefined>} */ (/** @type {unknown} */ (globalThis));
  const key = model.get("_plotly_key"); // includes Plotly's version
  page[key] ??= (page[`${key}.page`] ?? Promise.reject(new Error("The page has no Plotly")))
    .catch(() => fromCarrier(model))
    .then((plotly) => {
      // After each update Plotly's widget sends back all its defaults. Nothing here reads them.
      const silent = { _sendTraceDeltas() {}, _sendLayoutDelta() {} };
      const view = plotly.FigureView?.prototype;
      if (view) Object.assign(view, silent, { do_update: keepingZoom(view.do_update) });
      return plotly;
    });
  return page[key];
}

/** @param {Axis} axis */
function isZoomed({ range, autorange, _rangeInitial0, _rangeInitial1 }) {
  if (_rangeInitial0 === undefined) return !autorange;
  return range[0] !== _rangeInitial0 || range[1] !== _rangeInitial1;
}

/** The axes of a plot by their names in the layout.
 * @param {Plot} plot @returns {Record<string, Axis>} */
function axesOf({ _fullLayout: layout = /** @type {any} */ ({}) }) {
  return Object.fromEntries(Object.entries(layout).filter(([name]) => /^[xy]axis\d*$/.test(name)));
}

/**
 * The layout to draw for one from Python, whose ranges become those to reset to. A user's zoom is kept on both axes,
 * unless the scale or quantity of one changes: then both are as in Python.
 * @param {Record<string, Axis>} axes
 * @param {Record<string, any>} sent
 */
export function keepZoom(axes, sent) {
  const names = Object.keys(axes);
  const means = names.some((name) => `${name}.type` in sent || `${name}.title.text` in sent);
  const zoomed = names.some((name) => isZoomed(axes[name]));
  const layout = { ...sent };
  for (const name of names) {
    const [axis, key] = [axes[name], `${name}.range`];
    if (sent[key]) [axis._rangeInitial0, axis._rangeInitial1] = sent[key];
    if (zoomed && !means) delete layout[key];
    else if (zoomed && axis._rangeInitial0 !== undefined) layout[key] = [axis._rangeInitial0, axis._rangeInitial1];
  }
  return layout;
}

/** @param {() => void} update Plotly's own method */
function keepingZoom(update) {
  /** @this {FigureView} */
  return function () {
    const sent = this.model.get("_py2js_update");
    const kept = sent && { ...sent, layout_data: keepZoom(axesOf(this.el), sent.layout_data ?? {}) };
    const get = (/** @type {string} */ name) => (name === "_py2js_update" ? kept : this.model.get(name));
    const model = Object.create(this.model, { get: { value: get } });
    update.call(Object.create(this, { model: { value: model } }));
  };
}

/** Plotly's config: its mode bar has only the two buttons that the menu clicks, and it shows no notifications. */
const TOLD = { displayModeBar: true, modeBarButtons: [Object.keys(BUTTONS)], displayNotifier: false, doubleClick: "reset" };

/**
 * The model as Plotly's widget sees it: only clicks and, if requested, hovers reach Python, so that zooming or hiding a
 * curve stays local; `listeners` collects a view's listeners, to be removed with the view. A figure without a height
 * gets its container's: Plotly's widget would start with 360 px.
 * @param {Model} model
 * @param {Listeners} listeners
 * @param {() => number} height in px while a view is being drawn, otherwise 0
 */
function quiet(model, listeners, height) {
  return {
    get(/** @type {keyof State} */ name) {
      if (name === "_config") return { ...model.get(name), ...TOLD };
      return name === "_widget_layout" && height() ? { height: height(), ...model.get(name) } : model.get(name);
    },
    on(/** @type {string} */ event, /** @type {(...heard: any[]) => void} */ callback) {
      model.on(event, callback);
      listeners.push([event, callback]);
    },
    set(/** @type {string} */ name, /** @type {any} */ value) {
      const kind = name === "_js2py_pointsCallback" ? String(value?.event_type).replace("plotly_", "") : "";
      if (kind === "click" || (kind === "hover" && model.get("_hovers"))) model.send({ kind, points: value.points });
    },
    save_changes() {},
  };
}

/**
 * Plotly draws a legend with fewer lines than before at the old, taller margin, and redraws it only for another size:
 * two pixels are enough.
 * @param {Plot} el
 */
function straighten(el) {
  const [legend, area] = [".legend", ".nsewdrag"].map((name) => el.querySelector(name)?.getBoundingClientRect());
  const isOver = el._fullLayout?.legend?.yanchor === "bottom" && legend && area && legend.bottom > area.top + 2;
  if (isOver) el.style.width = el.style.width ? "" : "calc(100% - 2px)";
}

/**
 * Make a plot fill its container while it is visible. A resize while Plotly draws is lost, so this checks again after
 * each drawing.
 * @param {Plot} el
 */
function fit(el) {
  const drawn = el._fullLayout;
  if (!drawn?.autosize || el.clientWidth === 0) return;
  const fills = Math.abs(drawn.width - el.clientWidth) < 2 && Math.abs(drawn.height - el.clientHeight) < 2;
  if (fills) straighten(el);
  else el._responsiveChartHandler?.();
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
 * A figure that handles keys is focusable; keys that Python doesn't use are left to the page.
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

/** A file name: "Confusion matrix" as "confusion-matrix".
 * @param {string} name */
export function fileName(name) {
  const words = name.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? ["figure"];
  return words.join("-");
}

/** Let the browser save a plot as shown.
 * @param {Plot} plot @param {string} name @param {"png" | "svg"} format */
function savePicture(plot, name, format) {
  const width = Math.max(PICTURE_WIDTH, plot.clientWidth);
  const height = Math.round((width * plot.clientHeight) / plot.clientWidth);
  const scale = format === "png" ? PICTURE_SCALE : 1;
  plot._context.toImageButtonOptions = { format, filename: fileName(name), width, height, scale };
  press(plot, BUTTONS.toImage);
}

/** @param {Plot} plot @param {string} button */
function press(plot, button) {
  const found = plot.querySelector(button);
  if (found instanceof HTMLElement) found.click();
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

/**
 * The button that resets the zoom, and the menu's.
 * @param {Model} model
 * @param {HTMLElement} el
 * @param {Plot} plot
 * @param {AbortSignal} signal
 */
function figureTools(model, el, plot, signal) {
  const menu = make("div");
  const entry = (/** @type {string} */ words, /** @type {() => void} */ act) => {
    const choose = () => {
      menu.hidePopover();
      act();
    };
    return makeButton(words, choose, { "data-quiet": true });
  };
  let asked = false;
  const full = entry("Full screen", () => toggleFullScreen(el));
  menu.append(
    entry("Save as PNG", () => savePicture(plot, model.get("name"), "png")),
    entry("Save as SVG", () => savePicture(plot, model.get("name"), "svg")),
    entry("Data table", () => {
      asked = true;
      model.send({ kind: "table" });
    }),
    full,
  );
  full.hidden = !document.fullscreenEnabled;
  const more = makeButton(icon("M3 8h.01M8 8h.01M13 8h.01"), null, { "data-quiet": true, class: "explorer-figure-more" });
  asMenu(more, menu, signal);
  const reset = makeButton("Reset zoom", () => press(plot, BUTTONS.resetScale2d));
  const tools = make("div", { class: "explorer-part explorer-figure-tools" }, more, menu);
  const zoomed = make("div", { class: "explorer-part explorer-figure-tools explorer-figure-zoomed" }, reset);
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
  return () => {
    zoomed.hidden = !Object.values(axesOf(plot)).some(isZoomed);
  };
}

/** Frame the cell under the pointer, to show that it can be selected.
 * @param {Plot} plot */
function frameCells(plot) {
  const frame = make("div", { class: "explorer-figure-cell", hidden: true });
  plot.append(frame);
  return {
    show(/** @type {Hover} */ { points: [{ x, y, z, xaxis, yaxis }] }) {
      if (z === undefined) return; // a point of a curve has no cell
      const [width, height] = [xaxis, yaxis].map((axis) => Math.abs(axis.l2p(1) - axis.l2p(0)));
      const [left, top] = [xaxis._offset + xaxis.d2p(x) - width / 2, yaxis._offset + yaxis.d2p(y) - height / 2];
      for (const [side, length] of Object.entries({ left, top, width, height })) frame.style.setProperty(side, `${length}px`);
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

/** @type {() => import("@anywidget/types").AnyWidget<State>} */
export default () => {
  /** @type {Listeners} */
  const listeners = [];
  /** @type {Map<Plot, () => void>} */
  const views = new Map(); // element → function that undoes its drawing
  /** @type {Map<Plot, () => void>} */
  const places = new Map(); // element → function that subscribes to its drawing
  /** @type {Promise<PlotlyWidget>} */
  let figure;
  let height = 0;

  const start = async (/** @type {Model} */ model) => {
    const plotly = await sharedPlotly(model);
    const widget = plotly.default();
    widget.initialize({ model: quiet(model, listeners, () => height) });
    return widget;
  };

  /** @param {PlotlyWidget} widget @param {Model} model @param {Plot} el */
  const draw = (widget, model, el) => {
    listeners.length = 0;
    height = el.clientHeight;
    const clear = widget.render({ el });
    height = 0;
    places.get(el)?.(); // Plotly removes all listeners when it clears
    const heard = [...listeners];
    views.set(el, () => {
      for (const [event, callback] of heard) model.off(event, callback);
      clear();
    });
  };

  return {
    initialize({ model }) {
      figure = start(model);
      figure.catch(() => {}); // each view shows the error
      // Each answer to "state" has a higher number; its data may be those on the page, with another layout.
      model.on("change:_reported_edit", async () => {
        const widget = await figure;
        for (const [el, clear] of [...views]) {
          clear();
          draw(widget, model, el);
          fit(el); // drawn into an element that was briefly empty, and smaller
        }
      });
    },

    async render({ model, el, signal }) {
      el.classList.add("explorer-live-figure");
      el.toggleAttribute("data-clicks", model.get("_clicks"));
      const plot = /** @type {Plot} */ (/** @type {unknown} */ (make("div", { class: "explorer-live-plot" })));
      el.append(plot);
      const height = model.get("_widget_layout").height;
      el.style.height = height ? `${height}px` : "100%";
      const relabel = () => label(model, plot);
      relabel();
      model.on("change:summary", relabel);
      listenToKeys(model, plot);
      let widget;
      try {
        widget = await figure;
      } catch (error) {
        complain(el, error);
        return undefined;
      }
      const showReset = figureTools(model, el, plot, signal);
      const cells = frameCells(plot);
      places.set(plot, () => {
        plot.on("plotly_afterplot", () => fit(plot));
        plot.on("plotly_relayout", showReset);
        plot.on("plotly_update", showReset);
        if (model.get("_clicks")) plot.on("plotly_hover", cells.show);
        plot.on("plotly_unhover", cells.hide);
        showReset();
      });
      draw(widget, model, plot);
      // Updates that arrived while Plotly was loading, or before the page knew the figure, had no listener. Python
      // knows whether there were any, and then answers with the state.
      model.send({ kind: "state", edit: model.get("_reported_edit") });
      const watcher = new ResizeObserver(() => fit(plot));
      watcher.observe(plot);
      return () => {
        watcher.disconnect();
        views.get(plot)?.();
        views.delete(plot);
        places.delete(plot);
      };
    },
  };
};

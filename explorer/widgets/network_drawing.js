// @ts-check
// Tiles and rows are elements, so that they can be named, focused and styled; only the links are an SVG above them.

const SVG = "http://www.w3.org/2000/svg";

/**
 * @typedef {{ title: string, heading: string, units: number[], n_units: number }} Layer
 * @typedef {{ unit: number, terms: DataView }} Sum of one unit: what each of the layer before adds, and the bias
 * @typedef {{
 *   values: DataView[], sums: Sum[], pixels?: DataView | null, symbol: string, outputs: number[], figures: string[], decided: number, true: number,
 *   looked_at: number, words: string, spoken: string, hints: string[][], image?: number, moved?: DataView | null,
 * }} Signal all numbers in views are float32
 * @typedef {{
 *   layers: Layer[], classes: string[], sprite: DataView<ArrayBuffer>, columns: number, all_pictured: boolean, signal: Signal, nothing: string,
 *   chosen: number, unit: [number, number] | [], scene: [string, string], answers: string,
 * }} State
 */

const [MOST_LINKS, MOST_TERMS] = [12, 5];
const SWEEP_MS = 400;
const [LEAST_TILE, MOST_TILE, GAP, RAIL] = [32, 120, 6, 8]; // px

/** @param {DataView} view */
const floats = (view) => Array.from({ length: view.byteLength / 4 }, (_, k) => view.getFloat32(4 * k, true));

/** What is not a number is 0, what is infinite is large. @param {number} value */
const finite = (value) => Math.max(-1e300, Math.min(value || 0, 1e300));

/** Places in the order of a size, largest first, ties in the order of the places. @param {number[]} values */
const largestFirst = (values) => {
  const sizes = values.map((value) => Math.abs(finite(value)));
  return [...values.keys()].sort((one, other) => sizes[other] - sizes[one] || one - other);
};

/** @param {number} value */
const plain = (value) => {
  if (Number.isNaN(value)) return "not a number";
  return (value < 0 ? "−" : "") + (Number.isFinite(value) ? Math.abs(value).toFixed(2) : "∞");
};
const signed = (/** @type {number} */ value) => (value >= 0 ? "+" : "") + plain(value);

/** Two decimals of each term, so that they add up to those of the total: the method of largest remainders (Hamilton, 1792).
 * If the total is something else, or anything is not finite, the terms stay as they are.
 * @param {number[]} terms @param {number} total */
export function roundedToSum(terms, total) {
  const down = terms.map((term) => Math.floor(100 * term));
  const missing = Math.round(100 * Number(total.toFixed(2))) - down.reduce((one, other) => one + other, 0);
  if (!(missing >= 0 && missing <= down.length)) return terms;
  for (const at of largestFirst(terms.map((term, k) => 100 * term - down[k])).slice(0, missing)) down[at] += 1;
  return down.map((cents) => cents / 100);
}

/** A class's weighted sum in pieces that add up, its largest terms first, each with its sign; and in a sentence.
 * @param {Signal} signal @param {string} name of the class */
export function worded({ sums, symbol, figures, looked_at }, name) {
  const all = floats(sums[sums.length - 1].terms);
  const [terms, bias, total] = [all.slice(0, -1), all[all.length - 1], all.reduce((one, other) => one + other)];
  const order = largestFirst(terms);
  const [largest, rest] = [order.slice(0, MOST_TERMS), order.slice(MOST_TERMS)];
  const others = rest.reduce((sum, at) => sum + terms[at], 0);
  const rounded = roundedToSum([...largest.map((at) => terms[at]), ...(rest.length ? [others] : []), bias], total);
  /** @type {[string, string][]} */
  const pieces = [[`${name}:`, ""]];
  for (const term of rounded.slice(0, largest.length)) pieces.push([` ${signed(term)}`, term < 0 ? "negative" : "positive"]);
  if (rest.length) pieces.push([` ${signed(rounded[largest.length])} from ${rest.length} other unit${rest.length > 1 ? "s" : ""}`, ""]);
  pieces.push([` ${signed(rounded[rounded.length - 1])} bias = ${plain(total)} → ${symbol} → ${figures[looked_at]}`, ""]);
  const units = largest.map((at) => `unit ${at} ${signed(terms[at])}`).join(", ");
  return { pieces, spoken: `Largest contributions to ${name}: ${units}; sum ${signed(total)}` };
}

/** How many of n tiles stand in a row where they are largest, and how large, in a box; below `least` px they scroll.
 * @param {number} n @param {number} width @param {number} height @param {number} least @param {number} most @param {number} gap */
export function fitted(n, width, height, least, most, gap) {
  let [across, size] = [Math.max(1, Math.floor((width + gap) / (least + gap))), least];
  for (let columns = 1; columns <= n; columns += 1) {
    const fits = Math.min((width + gap) / columns, (height + gap) / Math.ceil(n / columns), most + gap) - gap;
    if (fits > size) [across, size] = [columns, fits];
  }
  return { across, size: Math.floor(size) };
}

/** The strongest links of each layer to the unit that leads on to the class, among the shown units, largest first.
 * @param {Sum[]} sums @param {Layer[]} layers */
export function linksOf(sums, layers) {
  return sums.map(({ unit, terms: view }, layer) => {
    const terms = floats(view).slice(0, -1).map(finite);
    const full = Math.max(...terms.map(Math.abs)) || 1;
    const places = new Map(layers[layer].units.map((one, at) => [one, at]));
    const strongest = largestFirst(terms).filter((one) => terms[one] && places.has(one));
    const shares = strongest.slice(0, MOST_LINKS).map((one) => ({ at: places.get(one) ?? -1, share: terms[one] / full }));
    return { layer, target: layers[layer + 1] ? layers[layer + 1].units.indexOf(unit) : unit, terms: shares };
  });
}

/** A list with one place in the order of Tab, whose options are chosen by click, arrow keys and Enter.
 * @param {string} name @param {(at: number) => void} choose */
function makeList(name, choose) {
  const list = make("div", { role: "listbox", tabindex: 0, "aria-label": name });
  let at = 0;
  const options = () => /** @type {HTMLElement[]} */ ([...list.children]);
  const point = (/** @type {number} */ to) => {
    const all = options();
    at = Math.max(0, Math.min(to, all.length - 1));
    for (const [index, option] of all.entries()) option.toggleAttribute("data-active", index === at);
    list.setAttribute("aria-activedescendant", all[at]?.id ?? "");
    all[at]?.scrollIntoView({ block: "nearest", inline: "nearest" });
  };
  list.addEventListener("keydown", (event) => {
    const all = options();
    if (!all.length || event.ctrlKey || event.altKey || event.metaKey) return;
    const across = all.findIndex((option) => option.offsetTop > all[0].offsetTop);
    const down = across < 0 ? all.length : across;
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: down, ArrowUp: -down, Home: -all.length, End: all.length }[event.key];
    if (step) point(at + step);
    else if (event.key === "Enter" || event.key === " ") choose(at);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  list.addEventListener("focus", () => point(at));
  list.addEventListener("click", (event) => {
    const option = event.target instanceof Element ? event.target.closest("[role=option]") : null;
    if (!(option instanceof HTMLElement)) return;
    point(options().indexOf(option));
    choose(at);
  });
  return list;
}

/** @param {string} label @param {Record<string, any>} attributes @param {...Node} children */
const makeOption = (label, attributes, ...children) =>
  make("div", { role: "option", id: freshId(), "aria-selected": "false", "aria-label": label, ...attributes }, ...children);

/** @type {import("@anywidget/types").Render<State>} */
function render({ model, el, signal }) {
  becomePart(el, "explorer-network", model);
  const [links, rays] = [document.createElementNS(SVG, "svg"), document.createElementNS(SVG, "svg")];
  for (const drawn of [links, rays]) drawn.setAttribute("aria-hidden", "true");
  rays.classList.add("explorer-network-rays");
  const stage = make("div", { class: "explorer-network-stage" });
  const sum = make("p", { class: "explorer-network-sum explorer-muted explorer-small", "aria-hidden": "true" });
  const spoken = make("p", { class: "explorer-unseen" });
  const nothing = make("p", { class: "explorer-muted" });
  el.append(stage, sum, spoken, nothing);
  /** @type {{ list: HTMLElement, tiles: HTMLElement[], head: HTMLElement, more: HTMLButtonElement }[]} */
  let columns = [];
  const heading = make("div", { class: "explorer-muted explorer-small explorer-cut" });
  /** @type {{ row: HTMLElement, bar: HTMLElement, figure: HTMLElement, dot: HTMLElement }[]} */
  let rows = [];
  let classes = make("div");
  let followed = -1; // the class that was looked at before
  let shape = "";
  let url = "";

  const chooseUnit = (/** @type {number} */ layer, /** @type {number} */ at) => {
    const number = model.get("layers")[layer].units[at];
    const [chosenLayer, chosenUnit] = model.get("unit");
    sendState(model, { unit: chosenLayer === layer && chosenUnit === number ? [] : [layer, number] });
    const card = el.closest(".explorer-place-network")?.querySelector(".explorer-network-card");
    if (card) cards.observe(card);
  };
  // On a phone the card of a unit opens below what is in sight.
  let isOpen = false;
  const cards = new ResizeObserver(([{ target, contentRect }]) => {
    if (contentRect.height && !isOpen) target.scrollIntoView({ block: "nearest" });
    isOpen = contentRect.height > 0;
  });
  const chooseClass = (/** @type {number} */ k) => sendState(model, { chosen: model.get("chosen") === k ? -1 : k });

  const makeColumn = (/** @type {Layer} */ { title, heading, units, n_units }, /** @type {number} */ index) => {
    const list = makeList(title, (at) => chooseUnit(index, at));
    const tiles = units.map((unit, at) => {
      const tile = makeOption(`Unit ${unit}`, { class: "explorer-network-unit explorer-picture" });
      tile.addEventListener("pointerenter", () => light(index, at));
      tile.addEventListener("pointerleave", () => light());
      return tile;
    });
    list.append(...tiles);
    // In a deep network there is only room for the numbers.
    const [number, ...kind] = (heading || title).split(" ");
    const deep = (/** @type {string} */ words) => make("span", { class: "explorer-network-wordy" }, ` ${words}`);
    const head = make("div", { class: "explorer-muted explorer-small", title }, `→ ${number}`, deep(kind.join(" ")));
    const [hidden, most] = [n_units - units.length, index || model.get("layers").length === 1 ? 32 : 20];
    const words = hidden ? [`+${hidden}`, deep("weaker")] : ["−", deep("strongest only")];
    const about = hidden ? `Drawn are the ${units.length} of ${n_units} units that add most to the answer. Draw all` : null;
    const more = makeButton(words, () => model.send({ more: index }), {
      "data-quiet": true,
      hidden: !hidden && n_units <= most,
      title: about,
    });
    return { list, tiles, head, more };
  };
  const makeRow = (/** @type {string} */ name) => {
    const dot = make("span", { class: "explorer-network-dot" });
    const bar = make("span", { class: "explorer-network-bar" });
    const figure = make("span", { class: "explorer-network-figure" });
    const row = makeOption(name, { class: "explorer-network-class" }, dot, make("span", { class: "explorer-cut" }, name), bar, figure);
    return { row, bar, figure, dot };
  };
  const build = () => {
    const layers = model.get("layers");
    columns = layers.map(makeColumn);
    rows = model.get("classes").map(makeRow);
    [classes, followed] = [makeList("Classes", chooseClass), -1];
    classes.addEventListener("scroll", showLinks);
    classes.classList.add("explorer-network-classes");
    classes.append(...rows.map(({ row }) => row));
    const parts = columns.map(({ list, head, more }, index) => {
      const attributes = { class: "explorer-network-layer", "data-first": index === 0, style: `--turn: ${index}` };
      return make("div", attributes, make("div", { class: "explorer-line" }, head, more), list);
    });
    stage.style.setProperty("--layers", String(layers.length));
    stage.toggleAttribute("data-deep", layers.length > 2);
    stage.toggleAttribute("data-dense", layers.length > 3);
    stage.toggleAttribute("data-pictured", model.get("all_pictured"));
    const outputs = make("div", { class: "explorer-network-layer", style: `--turn: ${layers.length}` }, heading, classes);
    stage.replaceChildren(...parts, outputs, links, rays);
    fit();
  };

  /** Lines from the pixels that add most to the sum of a unit of the first layer, if the pad is next to the drawing. */
  const showRays = (/** @type {number} */ at) => {
    rays.replaceChildren();
    const [unit, { pixels }] = [columns[0]?.tiles[at], model.get("signal")];
    const pad = unit && el.closest(".explorer-place-network")?.querySelector(".explorer-drawing-ground")?.getBoundingClientRect();
    if (!pad?.width || !pixels?.byteLength) return; // before anything is measured
    const [tile, origin] = [unit.getBoundingClientRect(), stage.getBoundingClientRect()];
    rays.setAttribute("viewBox", `0 0 ${origin.width} ${origin.height}`);
    const each = pixels.byteLength / columns[0].tiles.length;
    const [u, v] = [tile.left - origin.left, (tile.top + tile.bottom) / 2 - origin.top];
    for (let byte = at * each; byte < (at + 1) * each; byte += 3) {
      const [across, down, share] = [pixels.getUint8(byte) / 255, pixels.getUint8(byte + 1) / 255, pixels.getUint8(byte + 2) / 127 - 1];
      if (!share) continue;
      const [x, y] = [pad.left - origin.left + across * pad.width, pad.top - origin.top + down * pad.height];
      const path = document.createElementNS(SVG, "path");
      path.setAttribute("d", `M ${x} ${y} C ${x + (u - x) / 2} ${y}, ${u - (u - x) / 3} ${v}, ${u} ${v}`);
      path.setAttribute("stroke-width", String(0.75 + 2.5 * Math.abs(share)));
      path.setAttribute("data-sign", share < 0 ? "negative" : "positive");
      rays.append(path);
    }
  };
  let hovered = [-1, -1];
  /** Light the unit under the pointer, else the chosen one, and fade all others. */
  const showLit = () => {
    const [chosen = -1, unit = -1] = model.get("unit");
    const [layer, at] = hovered[0] >= 0 ? hovered : [chosen, model.get("layers")[chosen]?.units.indexOf(unit) ?? -1];
    const isLit = at >= 0;
    for (const path of links.children) path.toggleAttribute("data-dim", isLit && path.getAttribute("data-from") !== `${layer} ${at}`);
    columns.forEach(({ tiles }, index) => {
      tiles.forEach((tile, place) => void tile.toggleAttribute("data-faded", isLit && !(index === layer && place === at)));
    });
    showRays(layer === 0 ? at : -1);
  };
  const light = (/** @type {number} [layer] */ layer = -1, /** @type {number} */ at = -1) => {
    hovered = [layer, at];
    showLit();
  };
  const showLinks = () => {
    drawLinks();
    showLit();
  };
  /** Make the first layer's units as large as fits next to the others, in the stage's height or in that of `--fits`. */
  const fit = () => {
    const fits = getComputedStyle(stage).getPropertyValue("--fits");
    stage.dataset.fitted = fits;
    const [list] = columns.map((column) => column.list);
    for (const name of ["--across", "--tile"]) if (!fits) stage.style.removeProperty(name);
    if (!fits || !list || !stage.clientWidth) return;
    const others = [...stage.querySelectorAll(".explorer-network-layer:not([data-first])")];
    const gaps = others.length * parseFloat(getComputedStyle(stage).columnGap);
    const taken = others.reduce((sum, { clientWidth }) => sum + clientWidth, gaps + RAIL);
    const height = fits === "all" ? stage.clientHeight - list.offsetTop - GAP : parseFloat(fits);
    const width = stage.clientWidth - taken - GAP;
    const { across, size } = fitted(columns[0].tiles.length, width, height, LEAST_TILE, MOST_TILE, GAP);
    stage.style.setProperty("--across", String(across));
    stage.style.setProperty("--tile", `${size}px`);
  };
  const within = (/** @type {number} */ y, /** @type {DOMRect} */ { top, bottom }) => Math.min(Math.max(y, top), bottom);
  const drawLinks = () => {
    const [paths, signs] = [/** @type {SVGElement[]} */ ([]), new Map()];
    const origin = stage.getBoundingClientRect();
    if (!origin.width) return; // nothing has a place in a tab that is not shown
    const scale = origin.width / stage.offsetWidth; // of a slide in an overview
    for (const { layer, target, terms } of linksOf(model.get("signal").sums, model.get("layers"))) {
      const isLast = layer + 1 === columns.length;
      const [from, to] = [
        columns[layer].list.getBoundingClientRect(),
        (isLast ? classes : columns[layer + 1].list).getBoundingClientRect(),
      ];
      const onto = (isLast ? rows[target]?.dot : columns[layer + 1].tiles[target])?.getBoundingClientRect();
      if (!onto) continue;
      const x = from.right - origin.left; // the rail
      const [u, v] = [(isLast ? onto.left : to.left) - origin.left, within((onto.top + onto.bottom) / 2, to) - origin.top];
      for (const { at, share } of terms.reverse()) {
        const { tiles } = columns[layer];
        const start = tiles[at].getBoundingClientRect();
        // Units of one row leave the rail one below the other, in their order.
        const y = within(start.top + (start.height * (start.left - from.left)) / from.width, from) - origin.top;
        const sign = share < 0 ? "negative" : "positive";
        signs.set(tiles[at], sign);
        const path = document.createElementNS(SVG, "path");
        path.setAttribute("d", `M ${x} ${y} C ${x + (u - x) / 2} ${y}, ${u - (u - x) / 3} ${v}, ${u} ${v}`);
        path.setAttribute("stroke-width", String(scale * (0.75 + 5 * Math.abs(share))));
        path.setAttribute("data-sign", sign);
        path.setAttribute("data-from", `${layer} ${at}`);
        path.style.setProperty("--turn", String(layer + 0.5));
        paths.push(path);
      }
    }
    // All is measured: writing in between would lay out the page for each link.
    links.setAttribute("viewBox", `0 0 ${origin.width} ${origin.height}`);
    links.replaceChildren(...paths);
    for (const { tiles } of columns) for (const tile of tiles) tile.setAttribute("data-adds", signs.get(tile) ?? "");
  };
  const bringIntoView = (/** @type {HTMLElement | undefined} */ row) => {
    const top = (row?.offsetTop ?? 0) - classes.offsetTop - classes.scrollTop;
    if (row && (top < 0 || top + row.offsetHeight > classes.clientHeight)) classes.scrollTop += top - classes.clientHeight / 2;
  };
  let [seen, sweeping] = [-1, 0];
  /** Let light run from the units to the outputs if another image was chosen. */
  const sweep = (/** @type {number} */ image) => {
    const isOther = image >= 0 && seen >= 0 && image !== seen;
    seen = image;
    if (!isOther) return;
    clearTimeout(sweeping);
    el.toggleAttribute("data-sweep", true);
    sweeping = setTimeout(() => el.removeAttribute("data-sweep"), SWEEP_MS);
  };
  const showSignal = () => {
    const signal = model.get("signal");
    const { values, sums, outputs, figures, decided, true: truth, looked_at, words, hints } = signal;
    const moved = floats(signal.moved ?? new DataView(new ArrayBuffer(0)));
    const [name, terms] = [model.get("classes")[looked_at], floats(sums[sums.length - 1]?.terms ?? new DataView(new ArrayBuffer(0)))];
    columns.forEach(({ tiles }, layer) => {
      const found = floats(values[layer]);
      const levels = found.map(finite);
      const full = Math.max(1, ...levels.map(Math.abs));
      tiles.forEach((tile, at) => {
        const unit = model.get("layers")[layer].units[at];
        tile.style.setProperty("--level", Math.abs(levels[at] / full).toFixed(2));
        tile.toggleAttribute("data-negative", levels[at] < 0);
        if (layer === 0) tile.style.setProperty("--moved", moved[at]?.toFixed(2) ?? "0");
        const adds = layer === columns.length - 1 && unit in terms ? `, adds ${signed(terms[unit])} to ${name}` : "";
        tile.title = hints[layer]?.[at] ?? `Unit ${unit}: ${plain(found[at])}${adds}`;
        tile.setAttribute("aria-label", tile.title);
      });
    });
    rows.forEach(({ row, bar, figure, dot }, k) => {
      const share = outputs[k] ?? 0;
      bar.style.setProperty("--share", Math.abs(share).toFixed(3));
      bar.toggleAttribute("data-negative", share < 0);
      dot.style.setProperty("--level", Math.abs(share).toFixed(2));
      write(figure, figures[k] ?? "");
      const isDecided = k === decided && outputs.length > 0;
      row.dataset.kind = !isDecided ? "" : truth < 0 ? "chosen" : truth === k ? "good" : "bad";
      row.toggleAttribute("data-true", k === truth);
      const says = [model.get("classes")[k], figures[k], isDecided ? "read" : "", k === truth ? "true class" : ""];
      row.setAttribute("aria-label", says.filter(Boolean).join(", "));
      row.setAttribute("aria-selected", String(k === looked_at));
    });
    const { pieces, spoken: sentence } = sums.length ? worded(signal, name) : { pieces: [], spoken: "" };
    const shown = words ? [[words, ""]] : pieces;
    sum.replaceChildren(...shown.map(([text, kind]) => make("span", { "data-sign": kind || null }, text)));
    write(spoken, signal.spoken || sentence);
    if (looked_at !== followed) bringIntoView(rows[looked_at]?.row);
    followed = looked_at;
    showLinks();
    sweep(signal.image ?? -1);
  };
  const markUnit = () => {
    const [layer, unit] = model.get("unit");
    for (const [index, { tiles }] of columns.entries()) {
      const { units } = model.get("layers")[index];
      for (const [at, tile] of tiles.entries()) tile.setAttribute("aria-selected", String(index === layer && units[at] === unit));
    }
    showLit();
  };
  const showSprite = () => {
    const old = url;
    url = pngUrl(model.get("sprite"));
    const tiles = columns.slice(0, model.get("all_pictured") ? columns.length : 1).flatMap((column) => column.tiles);
    const wide = model.get("columns");
    for (const [at, tile] of tiles.entries()) showTile(tile, url, at, wide, Math.ceil(tiles.length / wide));
    revokeLater([old]);
  };
  const show = () => {
    const why = model.get("nothing");
    write(nothing, why);
    nothing.hidden = !why;
    stage.hidden = sum.hidden = Boolean(why);
    const wanted = JSON.stringify([model.get("layers"), model.get("classes")]);
    if (wanted !== shape) {
      shape = wanted;
      build();
      showSprite();
      markUnit();
    }
    const [scene, says] = model.get("scene");
    [el.dataset.scene, heading.textContent] = [scene, says || `→ ${model.get("answers")}`];
    showSignal();
  };
  model.on("change", show); // once, although layers and signal change together
  model.on("change:sprite", showSprite);
  model.on("change:unit", markUnit);
  const [visit] = performance.getEntriesByType("navigation");
  const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches || /** @type {any} */ (visit)?.type === "reload";
  if (isOwnPage()) model.send({ moves: !isStill });
  const onEscape = (/** @type {KeyboardEvent} */ event) => {
    if (event.key === "Escape" && model.get("unit").length && !el.dataset.scene && isForThePage(event, el, TAKES_LETTERS)) {
      sendState(model, { unit: [] });
    }
  };
  document.addEventListener("keydown", onEscape, { signal });
  onSize(stage, () => [fit(), showLinks()], signal);
  show();
  return () => {
    cards.disconnect();
    clearTimeout(sweeping);
    revokeLater([url]);
  };
}

export default { render };

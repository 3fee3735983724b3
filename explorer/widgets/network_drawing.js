// @ts-check
// Tiles and rows are elements, so that they can be named, focused and styled; only the links are an SVG above them.

const SVG = "http://www.w3.org/2000/svg";

/**
 * @typedef {{ title: string, units: number[], n_units: number }} Layer
 * @typedef {{ layer: number, target: number, terms: [number, number][] }} Links
 * @typedef {{
 *   levels: DataView[], links: Links[], outputs: number[], figures: string[], decided: number, true: number,
 *   looked_at: number, sum: [string, string][], spoken: string, hints: string[][],
 * }} Signal
 * @typedef {{
 *   layers: Layer[], classes: string[], sprite: DataView<ArrayBuffer>, columns: number, all_pictured: boolean, signal: Signal, nothing: string,
 *   chosen: number, unit: [number, number] | [], scene: [string, string],
 * }} State
 */

/**
 * A list with one place in the order of Tab, whose options are chosen by click, arrow keys and Enter.
 * @param {string} name
 * @param {(at: number) => void} choose
 */
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
function render({ model, el }) {
  becomePart(el, "explorer-network");
  const links = document.createElementNS(SVG, "svg");
  links.setAttribute("aria-hidden", "true");
  const stage = make("div", { class: "explorer-network-stage" });
  const sum = make("p", { class: "explorer-network-sum", "aria-hidden": "true" });
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

  const choose = (/** @type {Partial<State>} */ state) => {
    for (const [name, value] of Object.entries(state)) model.set(/** @type {"unit"} */ (name), /** @type {any} */ (value));
    model.save_changes();
  };
  const chooseUnit = (/** @type {number} */ layer, /** @type {number} */ at) => {
    const number = model.get("layers")[layer].units[at];
    const [chosenLayer, chosenUnit] = model.get("unit");
    choose({ unit: chosenLayer === layer && chosenUnit === number ? [] : [layer, number] });
    const card = el.closest(".explorer-place-network")?.querySelector(".explorer-network-card");
    if (card) cards.observe(card);
  };
  // On a phone the card of a unit opens below what is in sight.
  let isOpen = false;
  const cards = new ResizeObserver(([{ target, contentRect }]) => {
    if (contentRect.height && !isOpen) target.scrollIntoView({ block: "nearest" });
    isOpen = contentRect.height > 0;
  });
  const chooseClass = (/** @type {number} */ k) => choose({ chosen: model.get("chosen") === k ? -1 : k });

  const makeColumn = (/** @type {Layer} */ { title, units, n_units }, /** @type {number} */ index) => {
    const list = makeList(title, (at) => chooseUnit(index, at));
    const tiles = units.map((unit, at) => {
      const tile = makeOption(`Unit ${unit}`, { class: "explorer-network-unit" });
      tile.addEventListener("pointerenter", () => light(index, at));
      tile.addEventListener("pointerleave", () => light());
      return tile;
    });
    list.append(...tiles);
    // In a deep network there is only room for the numbers.
    const [number, ...kind] = title.split(" ");
    const deep = (/** @type {string} */ words) => make("span", { class: "explorer-network-wordy" }, ` ${words}`);
    const head = make("div", { class: "explorer-muted explorer-small", title }, number, deep(kind.join(" ")));
    const hidden = n_units - units.length;
    const words = hidden ? [`+${hidden}`, deep("more")] : ["−", deep("strongest only")];
    const more = makeButton(words, () => model.send({ more: index }), { "data-quiet": true, hidden: n_units <= 32 });
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
    const parts = columns.map(({ list, head, more }, index) =>
      make(
        "div",
        { class: "explorer-network-layer", "data-first": index === 0, style: `--turn: ${index}` },
        make("div", { class: "explorer-line" }, head, more),
        list,
      ),
    );
    stage.style.setProperty("--layers", String(layers.length));
    stage.toggleAttribute("data-deep", layers.length > 2);
    stage.toggleAttribute("data-dense", layers.length > 3);
    stage.toggleAttribute("data-pictured", model.get("all_pictured"));
    const outputs = make("div", { class: "explorer-network-layer", style: `--turn: ${layers.length}` }, heading, classes);
    stage.replaceChildren(...parts, outputs, links);
  };

  const light = (/** @type {number} [layer] */ layer = -1, /** @type {number} */ at = -1) => {
    for (const path of links.children) {
      path.toggleAttribute("data-dim", layer >= 0 && path.getAttribute("data-from") !== `${layer} ${at}`);
    }
  };
  const showLinks = () => {
    links.replaceChildren();
    const origin = stage.getBoundingClientRect();
    if (!origin.width) return;
    links.setAttribute("viewBox", `0 0 ${origin.width} ${origin.height}`);
    const seen = classes.getBoundingClientRect(); // of many classes, a part
    for (const { layer, target, terms } of model.get("signal").links) {
      const onto = layer + 1 < columns.length ? columns[layer + 1].tiles[target] : rows[target]?.dot;
      if (!onto) continue;
      const end = onto.getBoundingClientRect();
      for (const [at, share] of [...terms].reverse()) {
        const start = columns[layer]?.tiles[at]?.getBoundingClientRect();
        if (!start) continue;
        const sideways = end.left >= start.right - 1;
        const [x1, y1] = sideways ? [start.right, (start.top + start.bottom) / 2] : [(start.left + start.right) / 2, start.bottom];
        const [x2, y2] = sideways ? [end.left, (end.top + end.bottom) / 2] : [(end.left + end.right) / 2, end.top];
        const toward = onto.parentElement?.parentElement === classes ? Math.min(Math.max(y2, seen.top), seen.bottom) : y2;
        const [x, y, u, v] = [x1 - origin.left, y1 - origin.top, x2 - origin.left, toward - origin.top];
        const bend = sideways ? `C ${x + (u - x) / 2} ${y}, ${u - (u - x) / 3} ${v}` : `C ${x} ${y + (v - y) / 2}, ${u} ${v - (v - y) / 2}`;
        const path = document.createElementNS(SVG, "path");
        path.setAttribute("d", `M ${x} ${y} ${bend}, ${u} ${v}`);
        path.setAttribute("stroke-width", String(0.75 + 5 * Math.abs(share)));
        path.setAttribute("data-sign", share < 0 ? "negative" : "positive");
        path.setAttribute("data-from", `${layer} ${at}`);
        path.style.setProperty("--turn", String(layer + 0.5));
        links.append(path);
      }
    }
  };
  const bringIntoView = (/** @type {HTMLElement | undefined} */ row) => {
    const top = (row?.offsetTop ?? 0) - classes.offsetTop - classes.scrollTop;
    if (row && (top < 0 || top + row.offsetHeight > classes.clientHeight)) classes.scrollTop += top - classes.clientHeight / 2;
  };
  const showSignal = () => {
    const { levels, outputs, figures, decided, true: truth, looked_at, sum: pieces, spoken: words, hints } = model.get("signal");
    columns.forEach(({ tiles }, index) => {
      tiles.forEach((tile, at) => {
        const level = levels[index]?.byteLength > at ? levels[index].getInt8(at) / 127 : 0;
        tile.style.setProperty("--level", Math.abs(level).toFixed(2));
        tile.toggleAttribute("data-negative", level < 0);
        tile.title = hints[index]?.[at] ?? "";
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
    if (looked_at !== followed) bringIntoView(rows[looked_at]?.row);
    followed = looked_at;
    sum.replaceChildren(...pieces.map(([text, kind]) => make("span", { "data-sign": kind || null }, text)));
    write(spoken, words);
    showLinks();
  };
  const markUnit = () => {
    const [layer, unit] = model.get("unit");
    columns.forEach(({ tiles }, index) => {
      tiles.forEach((tile, at) => {
        tile.setAttribute("aria-selected", String(index === layer && model.get("layers")[index].units[at] === unit));
      });
    });
  };
  const showSprite = () => {
    const old = url;
    url = pngUrl(model.get("sprite"));
    const tiles = columns.slice(0, model.get("all_pictured") ? columns.length : 1).flatMap((column) => column.tiles);
    const wide = model.get("columns");
    tiles.forEach((tile, at) => {
      showTile(tile, url, at, wide, Math.ceil(tiles.length / wide));
    });
    revoke([old], 1000);
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
    [el.dataset.scene, heading.textContent] = model.get("scene");
    showSignal();
  };
  model.on("change:layers change:classes change:signal change:nothing change:scene", show);
  model.on("change:sprite", showSprite);
  model.on("change:unit", markUnit);
  const [visit] = performance.getEntriesByType("navigation");
  const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches || /** @type {any} */ (visit)?.type === "reload";
  if (isOwnPage() && !isStill) model.send({ arrived: true });
  const resized = new ResizeObserver(showLinks);
  resized.observe(stage);
  show();
  return () => {
    resized.disconnect();
    cards.disconnect();
    revoke([url]);
  };
}

export default { render };
